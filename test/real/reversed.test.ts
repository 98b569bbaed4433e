import { createHash } from 'node:crypto';
import { ConfigResourceTypes } from 'kafkajs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type ClusterConfigInput, clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { describeTopicConfigs } from '../../src/kafka/topic-admin.ts';
import { otherSite, type SiteId, sites } from '../../src/pair/site.ts';
import type { Copier } from '../../src/replication/copier/copier.ts';
import { LogReader } from '../../src/replication/logs/log-reader.ts';
import { defaultReplicatorLimits } from '../../src/replication/replicator-limits.ts';
import { shadowConfigs } from '../../src/sync/topics/shadow-configs.ts';
import { startTestCluster, type TestCluster } from '../fixtures/cluster.ts';
import { compactedConfigs, compactedTopic, writeUntilCleaned } from '../fixtures/compacted-topic.ts';
import { javaConsume, javaProduce, type PartitionDigest } from '../fixtures/java-client.ts';
import { createTopic, deleteBefore, kafkajs, logEndsOf, logStart, produce } from '../fixtures/kafkajs.ts';
import { takeProducerIdsPast } from '../fixtures/producer-ids.ts';
import { startReplication, type TestReplication } from '../fixtures/replication.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { anyFuture, makeStrangeTopics, send, strangeTopics } from '../fixtures/strange-topics.ts';
import { transact } from '../fixtures/transactions.ts';
import { eventually } from '../fixtures/wait.ts';

/** `UMBRA_MATRIX=all`: site b is of another release. */
const otherRelease = process.env['UMBRA_MATRIX'] === 'all' ? '3.9.2' : undefined;
const versions = { a: '4.3.1', b: otherRelease ?? '4.3.1' };
const shared = sharedSites();
let own: TestCluster | undefined;
const cluster = (site: SiteId): ClusterConfigInput =>
  (site === 'b' ? own?.connection('admin') : undefined) ?? shared[site].admin;

const prefix = 'a_';
const compacted = 'a_compacted';
/** What the site itself deletes from them before they are copied into. */
const [shortened, emptied] = ['a_shortened', 'a_emptied'];
const names = ['codecs', 'empty', 'append_time', 'transactions', 'transactions_append_time', 'ten_million'];
const strange = strangeTopics.filter(({ name }) => names.includes(name));
/** The configs that people gave them: in force where the topic is primary. */
const declared: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ...Object.fromEntries(strange.map(({ name, configs }) => [`${prefix}${name}`, configs])),
  ...{ [compacted]: compactedConfigs, [shortened]: {}, [emptied]: {} },
};
const topics = Object.keys(declared);
/** By topic and partition, where both logs ended when the roles last moved. */
const cuts = new Map<string, readonly bigint[]>();

let link: TestReplication | undefined;
let clients: Readonly<Record<SiteId, Cluster>>;

beforeAll(async () => {
  if (otherRelease !== undefined) own = await startTestCluster({ name: 'other', version: otherRelease });
  const client = (site: SiteId): Cluster =>
    new Cluster(site, clusterConfigSchema.parse(cluster(site)), { clientId: 'test' });
  clients = { a: client('a'), b: client('b') };
  await Promise.all([
    makeStrangeTopics(cluster('a'), prefix, versions.a, strange),
    compactedTopic(cluster('a'), compacted),
    ...[shortened, emptied].map((topic) => createTopic(cluster('a'), topic)),
  ]);
  for (const topic of [shortened, emptied]) await produce(cluster('a'), topic, ['1', '2', '3', '4']);
}, 180_000);

afterEach(async () => {
  await link?.stop();
  link = undefined;
});

afterAll(async () => {
  await Promise.all(sites.map((site) => clients[site].close()));
  await own?.remove();
});

/** The link to the site that is not primary, as it is after each start of its worker. */
function startLinkFrom(primary: SiteId): TestReplication {
  link = startReplication({
    ...{ source: cluster(primary), target: cluster(otherSite(primary)), linkId: `${primary}-${otherSite(primary)}` },
    limits: { proof: { ...defaultReplicatorLimits.proof, bytesPerSecondMin: 64 << 20 }, foreignWriteCheckMs: 200 },
  });
  return link;
}

/** Everything is copied, both logs are equal, and the continuous comparison has been through all of them. */
async function expectEqual(running: TestReplication): Promise<void> {
  const { replicator, faults, unexpected } = running;
  const whole = (copier: Copier): true | undefined =>
    replicator.proofOf(copier)?.unverified === 0n || copier.state.kind === 'faulted' || undefined;
  for (const topic of topics) {
    const verdict = { topic, ...(await running.compare(topic, { compacted: topic === compacted })) };
    expect(verdict).toMatchObject({ topic, batchesDifferent: 0, recordsDifferent: 0, behind: 0 });
  }
  for (const copier of replicator.copiers()) {
    await eventually(`${copier.of.topic}/${copier.of.partition} is proved`, () => whole(copier));
  }
  expect(faults).toEqual([]);
  expect(unexpected).toEqual([]);
  const [atA, atB] = await Promise.all([logEndsOf(cluster('a'), topics), logEndsOf(cluster('b'), topics)]);
  expect(atA).toEqual(atB);
}

/** Nobody writes any more; both logs ended alike. What a copy needs is set where the copy is from now on. */
async function moveRoles(to: SiteId): Promise<void> {
  await link?.stop();
  link = undefined;
  await takeProducerIdsPast(clients[otherSite(to)], clients[to]);
  for (const [topic, ends] of await logEndsOf(cluster(to), topics)) cuts.set(topic, ends);
  const effective = await describeTopicConfigs(clients[otherSite(to)], topics);
  const promoted = new Map(topics.map((topic) => [topic, { ...anyFuture(versions[to]), ...declared[topic] }]));
  await replaceConfigs(to, promoted);
  const needed = topics.map((topic) => {
    const configs = effective.get(topic) ?? new Map<string, string>();
    return [topic, Object.fromEntries(shadowConfigs(configs, new Set(configs.keys())))] as const;
  });
  await replaceConfigs(otherSite(to), new Map(needed));
}

async function replaceConfigs(
  site: SiteId,
  wanted: ReadonlyMap<string, Readonly<Record<string, string>>>,
): Promise<void> {
  const admin = kafkajs(cluster(site)).admin();
  await admin.connect();
  try {
    const resources = [...wanted].map(([name, configs]) => ({
      ...{ type: ConfigResourceTypes.TOPIC, name },
      configEntries: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    }));
    await admin.alterConfigs({ validateOnly: false, resources });
  } finally {
    await admin.disconnect();
  }
}

/** What applications write at the new primary: every codec, with and without idempotence, transactions of either end. */
async function write(primary: SiteId, turn: number): Promise<void> {
  const at = cluster(primary);
  const codecs = (['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const).map((codec, index) => ({
    ...{ topic: 'a_codecs', partitions: 2, codec, records: 60, idempotence: index % 2 === 0, seed: turn * 10 + index },
  }));
  const job = { records: 60, idempotence: true, seed: turn, codec: 'lz4' as const };
  await Promise.all([
    javaProduce(at, [...codecs, { ...job, topic: 'a_append_time', partitions: 2 }]),
    transact(at, 'a_transactions', { rounds: 3, producers: 2 }),
    transact(at, 'a_transactions_append_time', { rounds: 2, producers: 2 }),
    send(at, 'a_ten_million', { messages: [{ value: `turn ${turn}` }] }),
    writeUntilCleaned(at, compacted, { keyOf: (_round, index) => `key ${index % 5}` }),
    ...[shortened, emptied].map((topic) => produce(at, topic, [`turn ${turn}`, 'and more'])),
  ]);
  // One that was empty when the roles moved first.
  if (turn > 1) await produce(at, 'a_empty', [`turn ${turn}`]);
}

async function reverseAll(running: TestReplication): Promise<void> {
  for (const topic of topics) await running.reverse(topic, cuts.get(topic) ?? []);
}

/** Copies what was written since the roles moved, and nothing else, with a worker that is stopped in the middle. */
async function copyBack(primary: SiteId): Promise<void> {
  const first = startLinkFrom(primary);
  await reverseAll(first);
  await eventually('something was copied', () => amountOf(first, topics).records > 0 || undefined, 60_000);
  await first.stop();
  const second = startLinkFrom(primary);
  await reverseAll(second);
  await expectEqual(second);
  // Of the compacted topic the source need not have any more what was copied.
  for (const topic of topics.filter((each) => each !== compacted)) {
    const written = await seenIn(primary, topic, cuts.get(topic));
    const [before, after] = [amountOf(first, [topic]), amountOf(second, [topic])];
    expect([topic, before.records + after.records]).toEqual([topic, expect.toSatisfy((n) => n <= written.records)]);
    // What has to be taken apart does not keep its size.
    if (topic.endsWith('append_time')) continue;
    expect([topic, before.bytes + after.bytes]).toEqual([topic, expect.toSatisfy((n) => n <= written.bytes)]);
  }
}

interface Amount {
  readonly records: number;
  readonly bytes: number;
}

/** What it has appended, as far as it was told. */
function amountOf({ replicator }: TestReplication, of: readonly string[]): Amount {
  const totals = of.flatMap((topic) => replicator.totals().get(topic) ?? []);
  return totals.reduce((sum, { records, bytes }) => ({ records: sum.records + records, bytes: sum.bytes + bytes }), {
    records: 0,
    bytes: 0,
  });
}

/** What consumers see of a topic, from these offsets of its partitions on. */
async function seenIn(site: SiteId, topic: string, from: readonly bigint[] = [0n]): Promise<Amount> {
  let [records, bytes] = [0, 0];
  for (const [partition, offset] of from.entries()) {
    for await (const { header, dropped } of await batchesOf(site, { topic, partition }, offset)) {
      if (dropped) continue;
      records += header.records;
      bytes += header.end - header.start;
    }
  }
  return { records, bytes };
}

async function produceKeyed(site: SiteId): Promise<void> {
  await send(cluster(site), compacted, { messages: [{ key: 'key 1', value: 'newer' }] });
}

async function batchesOf(
  site: SiteId,
  of: { readonly topic: string; readonly partition: number },
  from: bigint,
): Promise<ReturnType<LogReader['batches']>> {
  const log = new LogReader(clients[site]);
  const signal = AbortSignal.timeout(60_000);
  const { start, end } = await log.range(of.topic, of.partition, signal);
  return log.batches(of, { from: from > start ? from : start, to: end }, signal);
}

/** Of every byte that a site stores below the offsets at which the roles moved, where no cleaner comes by. */
async function storedBelow(site: SiteId): Promise<string> {
  const hash = createHash('sha256');
  for (const topic of topics.filter((each) => each !== compacted)) {
    for (const [partition, cut] of (cuts.get(topic) ?? []).entries()) {
      for await (const { frame, header } of await batchesOf(site, { topic, partition }, 0n)) {
        if (header.lastOffset < cut) hash.update(frame.subarray(header.start, header.end));
      }
    }
  }
  return hash.digest('hex');
}

/** As an ordinary Java consumer reads them; of the compacted topic the table, which cleaners do not change. */
async function read(site: SiteId): Promise<readonly PartitionDigest[]> {
  const whole = topics.filter((topic) => topic !== compacted);
  return javaConsume(cluster(site), [
    ...whole.map((topic) => ({ topic, isolation: 'read_committed' as const })),
    { topic: compacted, isolation: 'read_committed' as const, latestOnly: true },
  ]);
}

async function expectReadAlike(): Promise<void> {
  const [atA, atB] = await Promise.all([read('a'), read('b')]);
  expect(atB).toEqual(atA);
  expect(atA.reduce((sum, { records }) => sum + records, 0)).toBeGreaterThan(1_000);
}

test('the topics are copied to the other side, also one that begins above 0, without an error of the comparison', async () => {
  const running = startLinkFrom('a');
  await Promise.all(topics.map((topic) => running.follow(topic)));
  // Its cleaner takes what was copied, too: there the copy has more than what will be a copy itself.
  await running.compare(compacted, { compacted: true });
  await eventually('the cleaner took what was copied', async () => {
    await produceKeyed('a');
    const [source, copy] = [await seenIn('a', compacted), await seenIn('b', compacted)];
    return source.records < copy.records || undefined;
  });
  await expectEqual(running);
  await moveRoles('b');
}, 120_000);

test('the other way the link goes on behind what the old primary wrote itself, and copies nothing of it', async () => {
  // Its own retention has come by since; what is a copy has none.
  await deleteBefore(cluster('a'), shortened, 3);
  await deleteBefore(cluster('a'), emptied, 4);
  await write('b', 1);
  const before = await storedBelow('a');
  await copyBack('b');
  expect(await storedBelow('a')).toBe(before);
  expect([await logStart(cluster('a'), shortened), await logStart(cluster('b'), shortened)]).toEqual([3n, 0n]);
  expect([await logStart(cluster('a'), emptied), await logStart(cluster('b'), emptied)]).toEqual([4n, 0n]);
  await moveRoles('a');
}, 180_000);

test('home again the starts are those of the primary, and whoever reads either side reads the same', async () => {
  await write('a', 2);
  await copyBack('a');
  for (const topic of [shortened, emptied]) {
    const start = await logStart(cluster('a'), topic);
    await eventually(`${topic} begins at ${start}`, async () =>
      (await logStart(cluster('b'), topic)) === start ? true : undefined,
    );
  }
  await expectReadAlike();
  await moveRoles('b');
}, 180_000);

test('a second time there and back is as the first one', async () => {
  await write('b', 3);
  await copyBack('b');
  await moveRoles('a');
  await write('a', 4);
  await copyBack('a');
  await expectReadAlike();
}, 240_000);

test('what is not what both sides had is faulted at its offset, and nobody is blamed', async () => {
  const [middle, tail] = ['a_other_middle', 'a_other_tail'];
  const different = new Map([
    [middle, 3],
    [tail, 9],
  ]);
  for (const topic of different.keys()) {
    for (const site of sites) {
      await createTopic(cluster(site), topic);
      const values = Array.from({ length: 10 }, (_, index) =>
        site === 'a' && index === different.get(topic) ? 'another' : `value ${index}`,
      );
      const batches = values.map((value, index) => ({ messages: [{ value, timestamp: String(1_000 + index) }] }));
      await send(cluster(site), topic, ...batches);
    }
  }
  const running = startLinkFrom('b');
  for (const topic of different.keys()) await running.reverse(topic, [10n]);
  await eventually('both are faulted', () => running.faults.length === 2 || undefined);
  const faults = running.faults.map(({ topic, fault: { code, offset } }) => ({ topic, code, offset }));
  expect(faults.toSorted((left, right) => left.topic.localeCompare(right.topic))).toEqual([
    { topic: middle, code: 'DIVERGED', offset: 3n },
    { topic: tail, code: 'DIVERGED', offset: 9n },
  ]);
}, 60_000);

test('a foreign record behind the cut faults its partition alone', async () => {
  await moveRoles('b');
  const running = startLinkFrom('b');
  await reverseAll(running);
  const first = (topic: string): Copier | undefined => running.replicator.copiersOf(topic)[0];
  await eventually('it is level', () => first('a_ten_million')?.state.kind === 'waiting' || undefined);
  await produce(cluster('a'), 'a_ten_million', ['of a zombie']);
  await eventually('it is faulted', () => running.faults.length > 0 || undefined);
  const offset = cuts.get('a_ten_million')?.[0];
  expect(running.faults).toMatchObject([{ topic: 'a_ten_million', fault: { code: 'FOREIGN_WRITE', offset } }]);
  await produce(cluster('b'), shortened, ['goes on']);
  expect(await running.compare(shortened)).toMatchObject({ recordsDifferent: 0, batchesDifferent: 0, behind: 0 });
});
