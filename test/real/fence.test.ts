import { type Consumer, Partitioners, type Producer } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Acl, aclKey } from '../../src/kafka/acl-words.ts';
import { type ClusterConfigInput, clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { NotSentError } from '../../src/kafka/errors.ts';
import type { CutRecord } from '../../src/operations/cut.ts';
import { AclSync, type AclSyncPolicy } from '../../src/sync/acls/acl-sync.ts';
import { readFences } from '../../src/sync/acls/fence-book.ts';
import { Fence, type FencePorts } from '../../src/sync/acls/fence.ts';
import { frozenLogs } from '../../src/sync/acls/frozen-logs.ts';
import { Grants } from '../../src/sync/acls/grants.ts';
import { linkRights, missingLinkRights } from '../../src/sync/acls/link-rights.ts';
import { narrowAcls } from '../../src/sync/acls/narrow-acls.ts';
import type { NamePattern } from '../../src/sync/acls/name-pattern.ts';
import { promotionAcls } from '../../src/sync/acls/promotion-acls.ts';
import { syncScope } from '../../src/sync/acls/sync-scope.ts';
import { forgetGrants } from '../../src/worker/moves/forget-grants.ts';
import { fenceMemory } from '../../src/worker/state/fence-memory.ts';
import { ensureStateTopic } from '../../src/worker/state/ensure-state-topic.ts';
import { SiteState } from '../../src/worker/state/state.ts';
import { StateWriter } from '../../src/worker/state/state-writer.ts';
import { aclHand, aclsAt, linesOf, rememberedAcls } from '../fixtures/acls.ts';
import { rememberedFences } from '../fixtures/fence-memory.ts';
import { createTopic, kafkajs, produce } from '../fixtures/kafkajs.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { transactionalProducer } from '../fixtures/transactions.ts';
import { eventually } from '../fixtures/wait.ts';

const { a, b } = sharedSites();
const clusters: Cluster[] = [];
const home = open('home', a.umbra);
const away = open('away', b.umbra);
const atHome = aclHand(open('home as admin', a.admin));
const atAway = aclHand(open('away as admin', b.admin));
const policy = { own: ['User:umbra'], superUsers: ['User:admin', 'User:broker'], allowsWithoutAcl: false };
const [one, two, free] = ['a_fence_one', 'a_fence_two', 'a_fence_free'] as const;
const both = [one, two].map((name): NamePattern => ({ kind: 'literal', name }));
const prefix: readonly NamePattern[] = [{ kind: 'prefix', prefix: 'a_' }];
const bounded = (): AbortSignal => AbortSignal.timeout(60_000);
/** The application may write everything, so that only a DENY stops it. */
const wide: Acl = {
  ...{ resourceType: 'TOPIC', resourceName: '*', patternType: 'LITERAL', principal: 'User:app', host: '*' },
  ...{ operation: 'WRITE', permission: 'ALLOW' },
};
let before: { readonly home: readonly Acl[]; readonly away: readonly Acl[] };
let state: SiteState;

beforeAll(async () => {
  before = { home: await aclsAt(home), away: await aclsAt(away) };
  for (const topic of [one, two, free]) await createTopic(a.admin, topic);
  await ensureStateTopic(home);
  const writer = new StateWriter(home, '_umbra', 'umbra-controller');
  await writer.take(bounded());
  state = new SiteState(home, writer);
  await state.catchUp(bounded());
});

afterEach(async () => {
  await atHome.takeBack();
  await atAway.takeBack();
  expect(linesOf(await aclsAt(home))).toEqual(linesOf(before.home));
  expect(linesOf(await aclsAt(away))).toEqual(linesOf(before.away));
});

afterAll(async () => {
  await Promise.all(clusters.map((cluster) => cluster.close()));
});

function open(name: string, config: ClusterConfigInput): Cluster {
  const cluster = new Cluster(name, clusterConfigSchema.parse(config), { clientId: 'test-fence' });
  clusters.push(cluster);
  return cluster;
}

function fenceAt(cluster: Cluster, ports: Partial<FencePorts> = {}): Fence {
  return new Fence({ cluster, memory: rememberedFences(), mayAct: () => true, policy: () => policy, ...ports });
}

async function lowered(fence: Fence, id: string): Promise<void> {
  expect(await fence.lower(id, bounded())).toEqual({ kind: 'lowered' });
}

/** What a consumer that was there all the time has got, and whether it ever failed. */
async function startReading(topic: string): Promise<{
  readonly consumer: Consumer;
  readonly values: string[];
  readonly crashes: unknown[];
}> {
  const consumer = kafkajs(a.app).consumer({ groupId: 'a_fence_readers', maxWaitTimeInMs: 200 });
  const [values, crashes]: [string[], unknown[]] = [[], []];
  consumer.on(consumer.events.CRASH, ({ payload }) => crashes.push(payload.error));
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage({ message }) {
      values.push(message.value?.toString() ?? '');
      return Promise.resolve();
    },
  });
  return { consumer, values, crashes };
}

async function startWriting(): Promise<Producer> {
  const producer = kafkajs(a.app).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  return producer;
}

const refused = /not authorized/i;

describe('a fence', () => {
  test('stops the writers of exactly its topics and no reader; lowered, the same clients go on', async () => {
    await atHome.put([wide]);
    const fenced = await aclsAt(home);
    const fence = fenceAt(home, { memory: fenceMemory(state) });
    const producer = await startWriting();
    const reading = await startReading(one);
    const send = (topic: string, value: string): Promise<unknown> =>
      producer.send({ topic, messages: [{ value, partition: 0 }] });
    try {
      await send(one, 'before');
      await eventually('the first record is read', () => (reading.values.includes('before') ? true : undefined));
      // Of its start: the group's coordinator may still have been loading.
      reading.crashes.length = 0;
      const begunAtMs = performance.now();
      expect(await fence.raise('topics', both, bounded())).toMatchObject({ kind: 'fenced' });
      console.log(`fence of 2 topics raised in ${Math.round(performance.now() - begunAtMs)} ms`);
      await expect(send(one, 'fenced')).rejects.toThrow(refused);
      await expect(send(two, 'fenced')).rejects.toThrow(refused);
      await send(free, 'free');
      const logs = await frozenLogs(home, [one, two, 'a_fence_none'], { apartMs: 20, signal: bounded() });
      expect(logs).toEqual({ kind: 'moving', moving: [], missing: ['a_fence_none'] });
      expect(await frozenLogs(home, [one, two], { apartMs: 20, signal: bounded() })).toEqual({
        kind: 'frozen',
        ends: new Map([
          [`${one}/0`, 1n],
          [`${two}/0`, 0n],
        ]),
      });
      // As another worker would find it, that leads the site now.
      const read = new SiteState(home);
      await read.catchUp(bounded());
      const next = fenceAt(home, { memory: fenceMemory(read), mayAct: () => false });
      expect(await next.stands('topics')).toMatchObject({ kind: 'fenced' });
      expect(next.standing().get('topics')).toHaveLength(2);
      await lowered(fence, 'topics');
      expect(linesOf(await aclsAt(home))).toEqual(linesOf(fenced));
      expect(fence.standing()).toEqual(new Map());
      await send(one, 'after');
      await eventually('the reader goes on', () => (reading.values.includes('after') ? true : undefined));
      expect(reading.crashes).toEqual([]);
      expect(reading.values).toEqual(['before', 'after']);
    } finally {
      await Promise.all([producer.disconnect(), reading.consumer.disconnect()]);
    }
  });

  test('on a whole prefix withdraws what reaches only there, denies the rest, and names who still gets through', async () => {
    const everybody: Acl = { ...wide, principal: 'User:*' };
    await atHome.put([wide, everybody]);
    const fence = fenceAt(home);
    const seen = await fence.preview(prefix);
    expect(seen).toMatchObject({ kind: 'open', bypasses: [{ principal: 'User:*', by: everybody }] });
    expect(new Set(seen.kind === 'open' ? seen.by.map(({ principal }) => principal) : [])).toEqual(
      new Set(['User:app']),
    );
    expect(await fence.raise('prefix', prefix, bounded())).toMatchObject({
      kind: 'bypassed',
      by: [{ principal: 'User:*', names: '"a_"*', by: everybody, operations: ['WRITE'] }],
      superUsers: [{ principal: 'User:admin' }, { principal: 'User:broker' }],
    });
    const withdrawn = fence.withdrawn('prefix').map(({ operation, resourceName }) => `${operation} ${resourceName}`);
    expect(withdrawn.sort()).toEqual(['CREATE a_', 'WRITE a_']);
    await expect(produce(a.app, one, ['denied by name'])).rejects.toThrow(refused);
    await atHome.put([wide]);
    expect(await fence.stands('prefix')).toMatchObject({ kind: 'fenced' });
    // Somebody grants it again: told, and stopped by raising the fence anew.
    const again: Acl = { ...wide, resourceName: one, principal: 'User:other' };
    await atHome.put([wide, again]);
    expect(await fence.stands('prefix')).toMatchObject({ kind: 'open', by: [{ principal: 'User:other', by: again }] });
    expect(await fence.raise('prefix', prefix, bounded())).toMatchObject({ kind: 'fenced' });
    await lowered(fence, 'prefix');
    expect(linesOf(await aclsAt(home))).toEqual(linesOf([...before.home, wide, again]));
  });

  test('interrupted before any of its writes is the same when it is raised or lowered again', async () => {
    await atHome.put([wide]);
    const start = linesOf(await aclsAt(home));
    const memory = rememberedFences();
    const whole = fenceAt(home, { memory });
    let interruptions = 0;
    const cutShort = async (writes: number, work: (fence: Fence) => Promise<unknown>): Promise<void> => {
      let left = writes;
      await work(fenceAt(home, { memory, mayAct: () => left-- > 0 })).catch((error: unknown) => {
        expect(error).toBeInstanceOf(NotSentError);
        interruptions += 1;
      });
    };
    await whole.raise('x', prefix, bounded());
    const end = linesOf(await aclsAt(home));
    await lowered(whole, 'x');
    for (let writes = 0; writes < 5; writes++) {
      await cutShort(writes, (fence) => fence.raise('x', prefix, bounded()));
      if (writes % 2 === 0) expect(await whole.raise('x', prefix, bounded())).toMatchObject({ kind: 'fenced' });
      if (writes % 2 === 0) expect(linesOf(await aclsAt(home))).toEqual(end);
      await cutShort(writes, (fence) => fence.lower('x', bounded()));
      await lowered(whole, 'x');
      expect(linesOf(await aclsAt(home))).toEqual(start);
      expect(memory.pages()).toEqual([]);
    }
    expect(interruptions).toBeGreaterThan(4);
  });

  test('leaves a producer in the middle of a transaction the right to end it, and who has not is named', async () => {
    const fence = fenceAt(home);
    const producer = transactionalProducer(a.app, 'a_fence_transactions');
    await producer.connect();
    try {
      const transaction = await producer.transaction();
      await transaction.send({ topic: two, messages: [{ value: 'open', partition: 0 }] });
      expect(await fence.raise('x', both, bounded())).toMatchObject({ kind: 'fenced' });
      await expect(transaction.send({ topic: two, messages: [{ value: 'late', partition: 0 }] })).rejects.toThrow(
        refused,
      );
      expect(await frozenLogs(home, [two], { apartMs: 20, signal: bounded() })).toMatchObject({
        kind: 'moving',
        moving: [{ topic: two, partition: 0, kind: 'open', transactions: [{ startOffset: 0n }] }],
      });
      await transaction.abort();
      const frozen = await eventually('the transaction is over', async () => {
        const logs = await frozenLogs(home, [one, two], { apartMs: 20, signal: bounded() });
        return logs.kind === 'frozen' ? logs : undefined;
      });
      expect(frozen.ends.get(`${two}/0`)).toBe(2n);
    } finally {
      await producer.disconnect();
      await lowered(fence, 'x');
    }
  });

  test('of a hundred topics under a prefix is one DENY for each right and topic', async () => {
    const fence = fenceAt(home);
    const hundred = Array.from({ length: 100 }, (_, index): NamePattern => ({ kind: 'literal', name: `a_${index}` }));
    const begunAtMs = performance.now();
    expect(await fence.raise('hundred', hundred, bounded())).toMatchObject({ kind: 'fenced' });
    const raisedAtMs = performance.now();
    expect((await aclsAt(home)).length - before.home.length).toBe(200);
    // Other topics: what they have in common stays as it is.
    expect(await fence.raise('hundred', hundred.slice(1), bounded())).toMatchObject({ kind: 'fenced' });
    expect((await aclsAt(home)).length - before.home.length).toBe(198);
    await expect(fence.raise('hundred', [], bounded())).rejects.toThrow(/lower it/);
    await expect(fence.raise('other', hundred.slice(5, 6), bounded())).rejects.toThrow(/fenced by hundred/);
    const loweringAtMs = performance.now();
    await lowered(fence, 'hundred');
    const ms = [raisedAtMs - begunAtMs, performance.now() - loweringAtMs].map(Math.round);
    console.log(`fence of 100 topics raised in ${ms[0]} ms, lowered in ${ms[1]} ms`);
  });
});

describe('the grants of a promotion', () => {
  const topic = 'a_fence_promoted';
  const scope = syncScope({ prefixes: { TOPIC: 'a_', GROUP: 'a_', TRANSACTIONAL_ID: 'a_' } });

  test('let who wrote at home write the promoted topics, and end topic by topic: neither is ever given back', async () => {
    const other = 'a_fence_promoted_too';
    for (const each of [topic, other]) await createTopic(b.admin, each);
    const { withheld } = narrowAcls({ source: before.home, others: [], scope, own: policy.own });
    const wanted = promotionAcls(withheld, [topic, other]);
    const memory = rememberedAcls();
    let left = 1;
    const grants = (mayAct: () => boolean): Grants => new Grants({ cluster: away, memory: () => memory, mayAct });
    // Remembered, and the worker dies.
    await expect(grants(() => left-- > 0).grant('p', wanted, bounded())).rejects.toThrow(NotSentError);
    const whole = grants(() => true);
    expect(await whole.grant('p', wanted, bounded())).toMatchObject({ kind: 'granted', alreadyThere: [] });
    expect(linesOf(whole.made('p'))).toEqual(linesOf(wanted));
    for (const each of [topic, other]) await produce(b.app, each, ['at the new primary']);

    const fence = fenceAt(away);
    const raise = (id: string, name: string): Promise<unknown> =>
      fence.raise(id, [{ kind: 'literal', name }], bounded());
    const goesHome = (id: string, name: string): Promise<void> =>
      forgetGrants(
        {
          ...{ target: away, fence, mayAct: () => true },
          state: { acls: () => memory, moves: { cut: () => ({ operation: 'p' }) as CutRecord } },
        },
        { fence: id, topics: [name] },
        bounded(),
      );
    // Two operations take one each: what is done for the first one must not open what the second has fenced.
    expect(await raise('first', topic)).toMatchObject({ kind: 'fenced' });
    expect(await raise('second', other)).toMatchObject({ kind: 'fenced' });
    await goesHome('first', topic);
    expect(await fence.stands('second')).toMatchObject({ kind: 'fenced' });
    await expect(produce(b.app, other, ['refused'])).rejects.toThrow(refused);
    expect(linesOf(whole.made('p'))).toEqual(linesOf(promotionAcls(withheld, [other])));
    // Given up: who was let in by the promotion is let in again.
    await lowered(fence, 'second');
    await produce(b.app, other, ['again']);
    expect(await raise('second', other)).toMatchObject({ kind: 'fenced' });
    await goesHome('second', other);
    await goesHome('second', other);
    expect(whole.made('p')).toEqual([]);
    for (const id of ['first', 'second']) await lowered(fence, id);
    for (const each of [topic, other]) await expect(produce(b.app, each, ['still refused'])).rejects.toThrow(refused);
  });

  test('are still withheld at the standby while the source is fenced, and no DENY of the fence gets there', async () => {
    await atHome.put([wide]);
    const [memory, book] = [rememberedFences(), rememberedAcls()];
    const fence = fenceAt(home, { memory });
    const policyOf = (used: typeof scope): (() => AclSyncPolicy) => {
      return () => ({ ...policy, scope: used, promoted: new Set() });
    };
    const sync = (used: typeof scope): AclSync =>
      new AclSync({
        ...{
          source: home,
          target: away,
          memory: book,
          mayAct: () => true,
          now: () => new Date(),
          report: () => undefined,
        },
        policy: policyOf(used),
        sourceFences: () => Promise.resolve([...readFences(memory.pages()).values()]),
      });
    const running = sync(scope);
    await running.round(bounded());
    const [acls, { withheld }] = [linesOf(await aclsAt(away)), running.view()];
    expect(linesOf(withheld)).toContain(aclKey({ ...wide, resourceName: 'a_', patternType: 'PREFIXED' }));
    await fence.raise('x', [...both, { kind: 'prefix', prefix: 'a_x' }], bounded());
    await running.round(bounded());
    expect(linesOf(await aclsAt(away))).toEqual(acls);
    expect(linesOf(running.view().withheld)).toEqual(linesOf(withheld));
    expect(running.view().trouble).toBeUndefined();
    await lowered(fence, 'x');
    await atHome.takeBack();
    await sync(syncScope({ prefixes: { TOPIC: 'none-', GROUP: 'none-', TRANSACTIONAL_ID: 'none-' } })).round(bounded());
  });

  test('of umbra itself, where its own topics become copies, are what a copy takes, and go again', async () => {
    expect([...(await missingLinkRights(home, [one])).get(one)!]).toContain('WRITE');
    const groups: readonly NamePattern[] = [{ kind: 'prefix', prefix: 'a_' }];
    const rights = linkRights({ own: policy.own, superUsers: policy.superUsers, topics: both, groups });
    const grants = new Grants({
      cluster: home,
      memory: (
        (memory) => () =>
          memory
      )(rememberedAcls()),
      mayAct: () => true,
    });
    const granted = await grants.grant('link', rights, bounded());
    expect(granted).toMatchObject({ kind: 'granted' });
    // DESCRIBE on the groups it has already: that one stays.
    expect(granted.kind === 'granted' && granted.alreadyThere.map(({ resourceType }) => resourceType)).toEqual([
      'GROUP',
    ]);
    expect(await missingLinkRights(home, [one, two])).toEqual(new Map());
    expect(await grants.withdraw('link', bounded())).toMatchObject({ kind: 'granted', made: [] });
    expect(new Set(linesOf(await aclsAt(home))).has(aclKey(rights[0]!))).toBe(false);
  });
});
