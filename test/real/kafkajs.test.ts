import { randomUUID } from 'node:crypto';
import type { Kafka, Producer } from 'kafkajs';
import { afterAll, afterEach, expect, test } from 'vitest';
import { followPrimary, type PrimaryFollower } from '../../src/clients/kafkajs/follow-primary.ts';
import { followProducer } from '../../src/clients/kafkajs/follow-producer.ts';
import { saslBySite, type SiteCredentials } from '../../src/clients/kafkajs/sasl-by-site.ts';
import type { Acl } from '../../src/kafka/acl-words.ts';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { otherSite, sites as siteIds, type SiteId } from '../../src/pair/site.ts';
import { aclHand } from '../fixtures/acls.ts';
import { consumeWhole } from '../fixtures/consumed-records.ts';
import { FollowedApp } from '../fixtures/followed-app.ts';
import { createTopic, kafkajs, produce } from '../fixtures/kafkajs.ts';
import { pointing, startPointer } from '../fixtures/pointer-server.ts';
import { takeProducerIdsPast } from '../fixtures/producer-ids.ts';
import { type ProxiedCluster, startProxiedCluster } from '../fixtures/proxied-cluster.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { eventually } from '../fixtures/wait.ts';

// Roles are moved by hand here: a pointer, rights, producer ids and positions as a promotion leaves them. Nothing is copied,
// so what the two sites hold together is what the application was told is there.
const sites = sharedSites();
const admins = {
  a: new Cluster('site a', clusterConfigSchema.parse(sites.a.admin), { clientId: 'test' }),
  b: new Cluster('site b', clusterConfigSchema.parse(sites.b.admin), { clientId: 'test' }),
};
const hands = { a: aclHand(admins.a), b: aclHand(admins.b) };
type Sender = ConstructorParameters<typeof FollowedApp>[1]['producer'];
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  for (const site of siteIds) await hands[site].takeBack();
});
afterAll(async () => {
  for (const site of siteIds) await admins[site].close();
});

function acl(
  resource: 'TOPIC' | 'GROUP' | 'TRANSACTIONAL_ID',
  name: string,
  operation: 'READ' | 'WRITE',
  permission: 'ALLOW' | 'DENY',
): Acl {
  const of = { resourceType: resource, resourceName: name, patternType: 'LITERAL' } as const;
  return { ...of, principal: 'User:app', host: '*', operation, permission };
}

/** The application may write the topic at these sites, and read it at both. Its group and transactions are called `name`, too. */
async function mayWriteAt(writable: readonly SiteId[], name: string): Promise<void> {
  for (const site of siteIds) {
    const write = acl('TOPIC', name, 'WRITE', writable.includes(site) ? 'ALLOW' : 'DENY');
    const rest = [acl('TOPIC', name, 'READ', 'ALLOW'), acl('GROUP', name, 'READ', 'ALLOW')];
    await hands[site].put([write, ...rest, acl('TRANSACTIONAL_ID', name, 'WRITE', 'ALLOW')]);
  }
}

function credentialsOf(site: SiteId): SiteCredentials {
  const { sasl } = sites[site].app;
  if (sasl === undefined || !('username' in sasl)) throw new Error('the application has a password');
  return sasl;
}

interface Stage {
  readonly topic: string;
  readonly kafka: Kafka;
  readonly follower: PrimaryFollower;
  readonly proxied: Readonly<Record<SiteId, ProxiedCluster>>;
  /** The pointer says so from now on; the time of that. */
  move(to: SiteId): Promise<number>;
  writableAt(...writable: SiteId[]): Promise<void>;
  /** That were tried so far. */
  connections(): number;
}

async function stage(): Promise<Stage> {
  const topic = `a_follow-${randomUUID()}`;
  const writableAt = (...writable: SiteId[]): Promise<void> => mayWriteAt(writable, topic);
  for (const site of siteIds) await createTopic(sites[site].admin, topic, { partitions: 3 });
  await writableAt('a');
  const proxied = { a: await startProxiedCluster(sites.a.app), b: await startProxiedCluster(sites.b.app) };
  const addresses = { a: proxied.a.connection, b: proxied.b.connection };
  const worker = await startPointer(pointing({ site: 'a', term: 0 }, addresses));
  const follower = followPrimary({ topic, workers: [worker.url], pollMs: 100 });
  const sasl = saslBySite(follower, 'scram-sha-512', { a: credentialsOf('a'), b: credentialsOf('b') });
  let connections = 0;
  const socketFactory: PrimaryFollower['socketFactory'] = (request) => {
    connections += 1;
    return follower.socketFactory(request);
  };
  const kafka = kafkajs(sites.a.app, { ...follower, socketFactory, sasl });
  closing.push(
    () => Promise.all(siteIds.map((site) => proxied[site].close())),
    () => worker.close(),
    () => follower.stop(),
  );
  let term = 0;
  const move = async (to: SiteId): Promise<number> => {
    await takeProducerIdsPast(admins[otherSite(to)], admins[to]);
    worker.say(pointing({ site: to, term: (term += 1) }, addresses));
    return performance.now();
  };
  return { topic, kafka, follower, proxied, move, writableAt, connections: () => connections };
}

async function application(
  { kafka, topic }: Stage,
  producer: Sender,
  options: { readonly fromBeginning?: boolean } = {},
): Promise<FollowedApp> {
  const app = new FollowedApp(kafka, { topic, groupId: topic, producer, ...options });
  closing.push(() => app.stop());
  await app.start();
  await eventually('the application works', () => (app.acknowledged.size > 10 && app.consumed.size > 5) || undefined);
  return app;
}

/** What consumers of a site find in the topic, by value, with how often. */
async function heldAt(site: SiteId, topic: string): Promise<ReadonlyMap<string, number>> {
  const records = await consumeWhole(sites[site].admin, { topics: [topic], groupId: `a_test_${randomUUID()}` });
  const counts = new Map<string, number>();
  for (const { value } of records.get(topic) ?? []) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** Nothing that was acknowledged is missing, nothing is twice in one log, and the consumer sees what the new primary holds. */
async function expectSound({ topic }: Stage, app: FollowedApp, movedAt: number, what: string): Promise<void> {
  await eventually(
    'it writes again',
    () => [...app.acknowledged.values()].filter((at) => at > movedAt + 500).length > 20 || undefined,
  );
  await app.stopSending();
  const logs = { a: await heldAt('a', topic), b: await heldAt('b', topic) };
  const missing = [...app.acknowledged.keys()].filter((value) => !logs.a.has(value) && !logs.b.has(value));
  const twice = siteIds.flatMap((site) => [...logs[site]].filter(([, count]) => count > 1));
  const both = [...logs.a.keys()].filter((value) => logs.b.has(value));
  await eventually(
    'the consumer goes on',
    () => [...logs.b.keys()].every((value) => app.consumed.has(value)) || undefined,
  );
  const firstMs = (times: ReadonlyMap<string, number>): number => {
    const atB = [...times].filter(([value, at]) => at > movedAt && logs.b.has(value) && !both.includes(value));
    return Math.round(Math.min(...atB.map(([, at]) => at)) - movedAt);
  };
  const summary = { firstAckMs: firstMs(app.acknowledged), firstRecordMs: firstMs(app.consumed), both: both.length };
  process.stdout.write(`${what}: ${JSON.stringify({ ...summary, acknowledged: app.acknowledged.size })}\n`);
  expect({ missing, twice }).toEqual({ missing: [], twice: [] });
  expect(app.refused.map(({ error }) => String(error))).toEqual([]);
  // One send is under way at a time, and what was under way at the move may be at both.
  expect(both.length).toBeLessThanOrEqual(1);
}

/** Everything to partition 0. */
function toFirst(producer: Producer): Sender {
  return {
    connect: () => producer.connect(),
    disconnect: () => producer.disconnect(),
    send: (record) =>
      producer.send({ ...record, messages: record.messages.map((message) => ({ ...message, partition: 0 })) }),
  };
}

/** As docs/clients.md has it. */
const idempotent = (kafka: Kafka): Producer =>
  kafka.producer({ idempotent: true, retry: { retries: Number.MAX_SAFE_INTEGER } });

test('an old side that is dead is left', async () => {
  const on = await stage();
  const app = await application(on, idempotent(on.kafka));
  await on.proxied.a.close();
  await on.writableAt('b');
  // Long enough for its pauses to have grown.
  const before = on.connections();
  await eventually('it looks for the old side', () => on.connections() > before + 20 || undefined);
  await expectSound(on, app, await on.move('b'), 'old side dead');
});

test('an old side that is alive and fenced is left, and writers see no refusal', async () => {
  const on = await stage();
  const app = await application(
    on,
    followProducer(on.follower, () => idempotent(on.kafka)),
  );
  await on.writableAt();
  await on.writableAt('b');
  await expectSound(on, app, await on.move('b'), 'old side fenced');
});

test('an old side that accepts connections and says nothing is left', async () => {
  const on = await stage();
  const app = await application(on, idempotent(on.kafka));
  on.proxied.a.set({ hold: true });
  await on.writableAt('b');
  await expectSound(on, app, await on.move('b'), 'old side black-holed');
});

test('a consumer that was ahead of what has arrived goes on where it had committed, and skips nothing', async () => {
  const on = await stage();
  // As after a failover: b has the first five records, and of the group's position what had been synced.
  const copied = ['copied-0', 'copied-1', 'copied-2', 'copied-3', 'copied-4'];
  await produce(sites.b.admin, on.topic, copied);
  const admin = kafkajs(sites.b.admin).admin();
  await admin.connect();
  try {
    await admin.setOffsets({ groupId: on.topic, topic: on.topic, partitions: [{ partition: 0, offset: '3' }] });
  } finally {
    await admin.disconnect();
  }
  const app = await application(on, toFirst(idempotent(on.kafka)), { fromBeginning: false });
  await on.writableAt('b');
  const movedAt = await on.move('b');
  await eventually(
    'it writes again',
    () => [...app.acknowledged.values()].filter((at) => at > movedAt + 500).length > 20 || undefined,
  );
  await app.stopSending();
  const due = [...(await heldAt('b', on.topic)).keys()].filter(
    (value) => !['copied-0', 'copied-1', 'copied-2'].includes(value),
  );
  await eventually('it has read all', () => due.every((value) => app.consumed.has(value)) || undefined);
  expect(app.consumed.has('copied-0')).toBe(false);
});

/** Why it failed, by what the broker answered; undefined when it did not. */
async function refusal(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    return cause instanceof Error && 'type' in cause ? String(cause.type) : String(error);
  }
}

async function moved(on: Stage, to: SiteId): Promise<void> {
  if (on.follower.current()?.site !== to) await on.move(to);
  await eventually('the move is seen', () => on.follower.current()?.site === to || undefined);
}

test('a producer of kafkajs that comes back is refused for good, one that follows goes on', async () => {
  const on = await stage();
  await on.writableAt('a', 'b');
  const [plain, following] = [idempotent(on.kafka), followProducer(on.follower, () => idempotent(on.kafka))];
  closing.push(() => Promise.all([plain.disconnect(), following.disconnect()]));
  const send = (producer: Sender): Promise<string | undefined> =>
    refusal(() => producer.send({ topic: on.topic, messages: [{ value: 'x', partition: 0 }] }));
  const seen: (string | undefined)[][] = [];
  await on.follower.ready();
  await Promise.all([plain.connect(), following.connect()]);
  for (const to of ['a', 'b', 'a'] as const) {
    await moved(on, to);
    seen.push([await send(plain), await send(following)]);
  }
  // Its producer id outlives the connection.
  await plain.disconnect();
  await plain.connect();
  seen.push([await send(plain), await send(following)]);
  const outOfOrder = 'OUT_OF_ORDER_SEQUENCE_NUMBER';
  expect(seen).toEqual([
    [undefined, undefined],
    [undefined, undefined],
    [outOfOrder, undefined],
    [outOfOrder, undefined],
  ]);
});

test('a transaction that is open at a move ends with an error, and the next one goes well', async () => {
  const on = await stage();
  await on.writableAt('a', 'b');
  const producer = followProducer(on.follower, () =>
    on.kafka.producer({ transactionalId: on.topic, idempotent: true, maxInFlightRequests: 1 }),
  );
  closing.push(() => producer.disconnect());
  const record = { topic: on.topic, messages: [{ value: 'x', partition: 0 }] };
  const whole = async (): Promise<void> => {
    const transaction = await producer.transaction();
    await transaction.send(record);
    await transaction.commit();
  };
  await on.follower.ready();
  for (const to of ['b', 'a'] as const) {
    await whole();
    const open = await producer.transaction();
    await open.send(record);
    await moved(on, to);
    expect(await refusal(() => open.send(record))).toMatch(/disconnected|INVALID_PRODUCER_ID_MAPPING/);
    // It may say that it cannot: the new primary knows of no such transaction.
    await open.abort().catch(() => undefined);
  }
  await whole();
  // What was open at the first move was ended by the producer that came back.
  expect((await heldAt('a', on.topic)).get('x')).toBe(2);
});
