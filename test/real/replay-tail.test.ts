import { CompressionTypes, Partitioners } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { type SiteId, sites } from '../../src/pair/site.ts';
import { defaultTopicPolicy } from '../../src/pair/topic-policy.ts';
import type { Tail } from '../../src/quarantine/manifest.ts';
import { LogReader } from '../../src/replication/logs/log-reader.ts';
import { type RawRecord, decodeRecords } from '../../src/replication/batches/records.ts';
import { originHeaders } from '../../src/worker/reconcile/provenance.ts';
import type { ReplayRecord } from '../../src/worker/reconcile/replay-record.ts';
import { type ReplayPorts, replayTail } from '../../src/worker/reconcile/replay-tail.ts';
import { grantOwn, takeBackWhereNoneIsCopy } from '../../src/worker/moves/reverse-topics.ts';
import { TailProducer } from '../../src/worker/reconcile/tail-producer.ts';
import { aclsAt, linesOf, rememberedAcls } from '../fixtures/acls.ts';
import { createTopic, kafkajs, produce } from '../fixtures/kafkajs.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { transact } from '../fixtures/transactions.ts';

const shared = sharedSites();
const topic = 'a_replay_tail';
const never = new AbortController().signal;
const cut = 3n;
let clients: Readonly<Record<SiteId, Cluster>>;

beforeAll(async () => {
  const client = (site: SiteId): Cluster =>
    new Cluster(site, clusterConfigSchema.parse(shared[site].admin), { clientId: 'test' });
  clients = { a: client('a'), b: client('b') };
  for (const site of sites) {
    await createTopic(shared[site].admin, topic);
    await produce(shared[site].admin, topic, ['common 1', 'common 2', 'common 3']);
  }
  await produce(shared.b.admin, topic, ['at b']);
  const producer = kafkajs(shared.a.admin).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  const compressions = [CompressionTypes.None, CompressionTypes.GZIP];
  for (let round = 0; round < 20; round++) {
    const messages = Array.from({ length: 50 }, (_, index) => ({
      ...{
        partition: 0,
        key: index % 7 === 0 ? null : `k${index}`,
        value: index % 11 === 0 ? null : 'x'.repeat(4_000),
      },
      headers: { [originHeaders.offset]: 'its own', twice: ['1', '2'] },
      timestamp: String(1_700_000_000_000 + round * 1_000 - index),
    }));
    await producer.send({ topic, acks: -1, messages, compression: compressions[round % 2] ?? CompressionTypes.None });
  }
  await producer.disconnect();
  await transact(shared.a.admin, topic, { rounds: 3, producers: 2 });
}, 120_000);

afterAll(async () => {
  await Promise.all(sites.map((site) => clients[site].close()));
});

/** What consumers see from an offset on. */
async function visible(site: SiteId, from: bigint): Promise<readonly RawRecord[]> {
  const reader = new LogReader(clients[site]);
  const { end } = await reader.range(topic, 0, never);
  const records: RawRecord[] = [];
  for await (const batch of reader.batches({ topic, partition: 0 }, { from, to: end }, never)) {
    if (!batch.dropped && !batch.header.control)
      records.push(...decodeRecords(batch).filter(({ offset }) => offset >= from));
  }
  return records;
}

function contentOf({ timestamp, key, value, headers }: RawRecord, addedHeaders: number): unknown {
  const own = headers.slice(0, headers.length - addedHeaders);
  return [timestamp, key?.toString(), value?.toString(), own.map((pair) => pair.map((bytes) => bytes?.toString()))];
}

test('a tail is appended whole, once and in its order, however often its worker dies in between; a zombie adds nothing', async () => {
  const topicIdAt = async (site: SiteId): Promise<string> =>
    (await clients[site].metadata([topic])).topics.get(topic)?.topicId ?? '';
  const tailOfA: Tail = {
    ...{ operation: 'failover-20260102-0304-ab12', term: 1, site: 'a', cuts: [String(cut)], method: 'anew' },
  };
  const journal = {
    ...{ topic, copyTopicId: await topicIdAt('a'), sourceTopicId: await topicIdAt('b') },
    tail: tailOfA,
  };
  let known: ReplayRecord | undefined;
  let commitsLeft = 0;
  const ports = (): ReplayPorts => ({
    ...{ source: clients.a, target: clients.b, known },
    put: (record) => {
      known = record;
      return Promise.resolve();
    },
    prepare: () => Promise.resolve(),
    // Asked before each transaction: where it says no the worker is as good as dead.
    mayAct: () => commitsLeft-- > 0,
  });
  // What is refused is told of in a record: so it is there before anything else.
  const puts: ReplayRecord[] = [];
  const noting: ReplayPorts = {
    ...ports(),
    put: (record) => Promise.resolve(void puts.push(record)),
    prepare: () => Promise.reject(new Error('not granted')),
  };
  await expect(replayTail(noting, journal, never)).rejects.toThrow('not granted');
  expect(puts).toMatchObject([{ state: 'running', records: 0, from: [String(cut + 1n)], producerIds: [] }]);
  const deaths = [1, 0, 2];
  for (const commits of deaths) {
    commitsLeft = commits;
    await expect(replayTail(ports(), journal, never)).rejects.toThrow('does not lead');
    expect(known?.state).toBe('running');
  }
  // One that was thought dead has its last life's transactional id, and something left to send.
  const zombie = new TailProducer(clients.b, topic, `umbra-replay-${topic}`);
  await zombie.take(never);
  commitsLeft = Infinity;
  const records = await replayTail(ports(), journal, never);
  const late = {
    partition: 0,
    codec: 0,
    records: [{ timestamp: 0n, key: null, value: Buffer.from('zombie'), headers: [] }],
  };
  await expect(zombie.append([late], never)).rejects.toMatchObject({ verdict: 'fenced' });
  const tail = await visible('a', cut);
  const appended = await visible('b', cut + 1n);
  expect(records).toBe(tail.length);
  expect(tail.length).toBeGreaterThan(1_000);
  const added = Object.keys(originHeaders).length;
  expect(appended.map((record) => contentOf(record, added))).toEqual(tail.map((record) => contentOf(record, 0)));
  const offsets = appended.map(({ headers }) => {
    const own = new Map(headers.slice(-added).map(([name, value]) => [String(name), String(value)]));
    expect([own.get(originHeaders.site), own.get(originHeaders.term)]).toEqual(['a', '1']);
    return BigInt(own.get(originHeaders.offset) ?? -1);
  });
  expect(offsets).toEqual(tail.map(({ offset }) => offset));
  expect(known).toMatchObject({ state: 'done', records });
  // Asked for once more, it is done.
  await expect(replayTail(ports(), journal, never)).resolves.toBe(records);
  expect(await visible('b', cut + 1n)).toHaveLength(records);
}, 120_000);

test('at home, where umbra may write copies only, it is let in for as long as it appends', async () => {
  const name = 'a_replay_home';
  const open = (site: SiteId): Cluster =>
    new Cluster(site, clusterConfigSchema.parse(shared[site].umbra), { clientId: 'test' });
  const umbra = { a: open('a'), b: open('b') };
  try {
    for (const site of sites) await createTopic(shared[site].admin, name);
    await produce(shared.b.admin, name, ['only at b']);
    const topicIdAt = async (site: SiteId): Promise<string> =>
      (await umbra[site].metadata([name])).topics.get(name)?.topicId ?? '';
    const tailOfB: Tail = {
      ...{ operation: 'failover-20260102-0304-cd34', term: 2, site: 'b', cuts: ['0'], method: 'anew' },
    };
    const journal = {
      ...{ topic: name, copyTopicId: await topicIdAt('b'), sourceTopicId: await topicIdAt('a') },
      tail: tailOfB,
    };
    const acls = rememberedAcls();
    const own = {
      ...{ link: 'b-a', source: umbra.b, target: umbra.a, mayAct: () => true, isHome: () => true },
      state: { acls: () => acls, shadows: () => [] },
      rights: {
        ...{ principals: { kind: 'known', names: ['User:umbra'] } as const, superUsers: ['User:admin'] },
        allowsWithoutAcl: false,
      },
      policy: () => defaultTopicPolicy,
      home: () => ({
        ...{ topics: [{ kind: 'prefix', prefix: 'a_' }] as const, groups: { kind: 'prefix', prefix: 'a_' } as const },
      }),
    };
    const before = linesOf(await aclsAt(clients.a));
    let known: ReplayRecord | undefined;
    const replay = (prepare: ReplayPorts['prepare']): Promise<number> =>
      replayTail(
        {
          ...{ source: umbra.b, target: umbra.a, known, prepare, mayAct: () => true },
          put: (record) => Promise.resolve(void (known = record)),
        },
        journal,
        never,
      );
    await expect(replay(() => Promise.resolve())).rejects.toThrow(/authorization/i);
    await expect(replay((signal) => grantOwn(own, signal))).resolves.toBe(1);
    await takeBackWhereNoneIsCopy(own, never);
    expect(linesOf(await aclsAt(clients.a))).toEqual(before);
  } finally {
    await Promise.all(sites.map((site) => umbra[site].close()));
  }
}, 60_000);
