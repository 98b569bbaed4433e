import { afterAll, beforeAll, expect, test } from 'vitest';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { ProducerIdAllocators } from '../../src/kafka/producer-id-allocators.ts';
import { type SiteId, sites } from '../../src/pair/site.ts';
import { renderSiteAcls } from '../../src/prefix-policy/acls.ts';
import { IdBarrier } from '../../src/sync/producer-ids/id-barrier.ts';
import { testOwners } from '../fixtures/brokers.ts';
import { comesBackSoon, startTestCluster, type TestCluster } from '../fixtures/cluster.ts';
import { createTopic } from '../fixtures/kafkajs.ts';
import { startPair, type TestPair } from '../fixtures/pair.ts';
import { startSteadyLoad, type SteadyLoad } from '../fixtures/steady-load.ts';
import { eventually } from '../fixtures/wait.ts';

/** Each kills one broker of each cluster and starts it again. `ROUNDS=30` is the long version. */
const rounds = Number(process.env['ROUNDS'] ?? '1');
const roundMs = 60_000;
const topic = 'a_moves';
const partitions = 12;
const dayMs = 86_400_000;
let clusters: Readonly<Record<SiteId, TestCluster>>;
let pair: TestPair;
let load: SteadyLoad;

beforeAll(async () => {
  // One after the other: six JVMs at once are too much for a small machine.
  const brokerSettings = { ...comesBackSoon, 'min.insync.replicas': '2' };
  const a = await startTestCluster({ name: 'three-a', brokers: 3, brokerSettings });
  const b = await startTestCluster({ name: 'three-b', brokers: 3, brokerSettings });
  clusters = { a, b };
  const principals = { umbra: 'User:umbra', app: 'User:app' };
  for (const site of sites) await clusters[site].grant(renderSiteAcls({ site, owners: testOwners, principals }));
  pair = await startPair({ clusters: { a: a.connection('umbra'), b: b.connection('umbra') } });
  await createTopic(a.connection('app'), topic, { partitions, replicas: 3 });
  // A new leader has no memory of who wrote records this old (R7).
  load = startSteadyLoad(a.connection('app'), { topic, partitions, pauseMs: 20, ageMs: 2 * dayMs });
}, 240_000);

afterAll(async () => {
  await load.stop();
  await pair.abandon();
  await Promise.all(sites.map((site) => clusters[site].remove()));
});

/** Every partition was seen to get further. */
async function everyPartitionMoves(): Promise<void> {
  const ends = async (): Promise<readonly bigint[]> =>
    (await pair.api.b.topic(topic)).partitionViews.map(({ copiedTo }) => BigInt(copiedTo ?? '0'));
  const before = await eventually(
    'all partitions are known',
    async () => {
      const now = await ends();
      return now.length === partitions ? now : undefined;
    },
    roundMs,
  );
  await eventually(
    'every partition gets further',
    async () => (await ends()).every((end, index) => end > (before[index] ?? 0n)) || undefined,
    roundMs,
  );
}

test(
  'leaders that move and brokers that die on both sides leave no batch different',
  async () => {
    await everyPartitionMoves();
    for (let round = 0; round < rounds; round++) {
      const victims = sites.map((site) => clusters[site].brokers[round % 3]!);
      await Promise.all(victims.map((broker) => broker.kill()));
      await everyPartitionMoves();
      await Promise.all(victims.map((broker) => broker.start()));
      await everyPartitionMoves();
    }
    await load.stop();
    await pair.level(topic, roundMs);
    const report = await pair.verify([topic]);
    expect(report.totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, behind: 0 });
    expect(report.totals.recordsEqual).toBeGreaterThanOrEqual(load.acknowledged);
    expect((await pair.api.b.topic(topic)).partitionsFaulted).toBe(0);
  },
  60_000 + rounds * 3 * roundMs,
);

test('no broker gives out a producer id below the barrier, nor one that was dead when it was raised', async () => {
  const signal = AbortSignal.timeout(roundMs);
  const config = clusterConfigSchema.parse(clusters.b.connection('umbra'));
  const cluster = new Cluster('site b', config, { clientId: 'test' });
  const allocators = new ProducerIdAllocators(cluster);
  const take = (nodeId: number): Promise<bigint> =>
    eventually(`broker ${nodeId} gives a producer id`, async () => {
      const answer = await allocators.next(nodeId, 0);
      return answer.ok ? answer.value : undefined;
    });
  try {
    const nodeIds = await allocators.brokers();
    const standings = await Promise.all(nodeIds.map(take));
    const highest = standings.reduce((most, at) => (at > most ? at : most)) + 5_000n;
    const ports = { allocators, highest: () => highest, sourceBrokers: () => 3, mayAct: () => true };
    const barrier = new IdBarrier(ports);
    await barrier.look(signal);
    const victim = clusters.b.brokers[1]!;
    await victim.kill();
    const outcome = await barrier.finish(signal);
    expect(outcome).toMatchObject({ kind: 'unreached', nodeIds: [victim.nodeId] });
    await victim.start();
    const fresh = await Promise.all(nodeIds.map(take));
    expect(fresh).toHaveLength(3);
    for (const id of fresh) expect(id).toBeGreaterThan(outcome.past);
    expect(await barrier.finish(signal)).toMatchObject({ kind: 'held' });
  } finally {
    await cluster.close();
  }
}, 120_000);
