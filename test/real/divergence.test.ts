import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClusterConfigInput, clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster, type PartitionMetadata } from '../../src/kafka/cluster.ts';
import { type SiteId, sites } from '../../src/pair/site.ts';
import type { TopicDetailView } from '../../src/worker/views.ts';
import { comesBackSoon, startTestCluster, type TestBroker, type TestCluster } from '../fixtures/cluster.ts';
import { createTopic, createTopics, deleteBefore, kafkajs, logEnds, logStart, produce } from '../fixtures/kafkajs.ts';
import { following, startPair, type TestPair } from '../fixtures/pair.ts';
import { eventually } from '../fixtures/wait.ts';
import { metric } from '../fixtures/worker-metrics.ts';

/** Site a: three brokers, for elections. Site b: one, whose files are tampered with. */
let clusters: Readonly<Record<SiteId, TestCluster>>;
let pair: TestPair;
const slowMs = 90_000;

beforeAll(async () => {
  // A frozen broker is to leave the cluster, and a killed one to come back.
  const [a, b] = await Promise.all([
    startTestCluster({ name: 'fork-a', brokers: 3, security: 'none', brokerSettings: comesBackSoon }),
    startTestCluster({ name: 'fork-b', security: 'none', brokerSettings: comesBackSoon }),
  ]);
  clusters = { a, b };
  pair = await startPair({ clusters: { a: a.connection('umbra'), b: b.connection('umbra') } });
}, 240_000);

afterAll(async () => {
  await pair.abandon();
  await Promise.all(sites.map((site) => clusters[site].remove()));
}, 120_000);

describe('a source on one broker', () => {
  const app = (): ClusterConfigInput => clusters.b.connection('app');
  const copies = (): ClusterConfigInput => clusters.a.connection('app');

  test('whose log comes back empty, shorter or longer with other records faults at the fork; the others go on', async () => {
    // Any two batches that are sent one after the other stand in segments of their own.
    const rolled = { configs: { 'segment.ms': '1' } };
    const tampered = ['b_emptied', 'b_shorter', 'b_regrown', 'b_longer'];
    await createTopics(app(), tampered, rolled);
    await createTopic(app(), 'b_intact');
    await Promise.all(
      [...tampered, 'b_intact'].map(async (topic) => {
        await produce(app(), topic, ten('first'));
        await produce(app(), topic, ten('second'));
        await copiedTo(topic, 20);
      }),
    );
    await Promise.all([pair.kill('a'), clusters.b.broker.stop()]);
    await removeSegments('b_emptied', 0);
    await removeSegments('b_shorter', 10);
    await removeSegments('b_regrown', 0);
    await removeSegments('b_longer', 10);
    await clusters.b.broker.start();
    // A broker that has just come back leads nothing for a moment.
    expect(await eventually('b_shorter has a leader', () => logEnds(app(), 'b_shorter'))).toEqual([10n]);
    for (const topic of ['b_regrown', 'b_longer'])
      for (const what of ['x', 'y', 'z']) await produce(app(), topic, ten(what));
    await produce(app(), 'b_intact', ten('third'));
    await pair.start('a');

    await faultedAt('b_emptied', 'SOURCE_TRUNCATED', 0);
    await faultedAt('b_shorter', 'SOURCE_TRUNCATED', 10);
    await faultedAt('b_regrown', 'SOURCE_TRUNCATED', 0);
    const { fault } = await faultedAt('b_longer', 'SOURCE_TRUNCATED', 10);
    expect(fault?.message).toMatch(/the same below offset 10 and differ from there on/);
    await copiedTo('b_intact', 30);
    // Nothing of the old copies is touched, and a restart forgets nothing.
    for (const topic of tampered) expect(await logEnds(copies(), topic)).toEqual([20n]);
    await pair.kill('a');
    await pair.start('a');
    await faultedAt('b_longer', 'SOURCE_TRUNCATED', 10);
    for (const topic of tampered) await pair.topic(topic, ({ state }) => state === 'faulted', slowMs);
    expect(await metric(pair.api.a, 'umbra_partition_fault_offset')).toBe(20);
  }, 240_000);

  test('whose topic is deleted and created anew faults, and the old copy stays as it was', async () => {
    await createTopic(app(), 'b_again');
    await createTopic(app(), 'b_beside');
    await produce(app(), 'b_again', ten('old'));
    await copiedTo('b_again', 10);
    const admin = kafkajs(app()).admin();
    await admin.connect();
    await admin.deleteTopics({ topics: ['b_again'] });
    await admin.disconnect();
    await createTopic(app(), 'b_again');
    await produce(app(), 'b_again', [...ten('new'), ...ten('newer')]);
    await produce(app(), 'b_beside', ten('beside'));
    const view = await pair.topic('b_again', ({ state }) => state === 'faulted', slowMs);
    expect(view.fault?.code).toBe('SOURCE_RECREATED');
    await copiedTo('b_beside', 10);
    expect(await logEnds(copies(), 'b_again')).toEqual([10n]);
  });

  test('that deleted records before they were copied faults with their number', async () => {
    const ahead = ['b_ahead', 'b_ahead_emptied'];
    await createTopics(app(), ahead);
    for (const topic of ahead) await produce(app(), topic, ten('copied'));
    for (const topic of ahead) await copiedTo(topic, 10);
    await deleteBefore(app(), 'b_ahead_emptied', 10);
    await eventually('the copy is emptied with its source', async () =>
      (await logStart(copies(), 'b_ahead_emptied')) === 10n ? true : undefined,
    );
    await pair.kill('a');
    for (const topic of ahead) {
      await produce(app(), topic, ten('lost'));
      await deleteBefore(app(), topic, 15);
    }
    await pair.start('a');
    for (const topic of ahead) {
      const { fault } = await faultedAt(topic, 'RETENTION_AHEAD', 10);
      expect(fault?.message).toMatch(/the 5 offsets from 10 to 14 were deleted before they were copied/);
    }
  });
});

describe('a source of three brokers after an unclean election', () => {
  const on = [1, 2];
  const configs = { 'unclean.leader.election.enable': 'true', 'min.insync.replicas': '1' };
  const unclean = ['a_short', 'a_equal', 'a_longer'];

  test('faults at the fork while the link runs; the others go on', async () => {
    const source = clusters.a;
    await createTopic(source.connection('app'), 'a_running', { on, configs });
    await createTopic(source.connection('app'), 'a_beside', { replicas: 3, partitions: 3 });
    await produce(source.connection('app'), 'a_running', ten('both'));
    await loseFollower(['a_running'], async (leader) => {
      await produce(leader, 'a_running', ten('leader only'), 1);
      await copiedTo('a_running', 20);
    });
    await faultedAt('a_running', 'SOURCE_TRUNCATED', 10);
    await produce(source.connection('app'), 'a_beside', ten('beside'));
    await copiedTo('a_beside', 10);
    expect(await logEnds(clusters.b.connection('app'), 'a_running')).toEqual([20n]);
    await source.broker.start();
  }, 240_000);

  test('faults at the fork when the worker comes back, wherever the source ends by then', async () => {
    const source = clusters.a;
    await createTopics(source.connection('app'), unclean, { on, configs });
    for (const topic of unclean) await produce(source.connection('app'), topic, ten('both'));
    const survivor = await loseFollower(unclean, async (leader) => {
      for (const topic of unclean) await produce(leader, topic, ten('leader only'), 1);
      for (const topic of unclean) await copiedTo(topic, 20);
      await pair.kill('b');
    });
    expect(await logEnds(survivor, 'a_short')).toEqual([10n]);
    await produce(survivor, 'a_equal', ten('other'));
    await produce(survivor, 'a_longer', ten('other'));
    await produce(survivor, 'a_longer', [...ten('more'), ...ten('and more').slice(5)]);
    await pair.start('b');
    for (const topic of unclean) await faultedAt(topic, 'SOURCE_TRUNCATED', 10);
  }, 240_000);

  /**
   * Freezes the follower of topics on two brokers, lets `meanwhile` write to the leader alone, kills the leader and
   * thaws the follower, which is elected with what it has. Hands back how to reach the survivors.
   */
  async function loseFollower(
    topics: readonly string[],
    meanwhile: (leader: ClusterConfigInput) => Promise<void>,
  ): Promise<ClusterConfigInput> {
    const source = clusters.a;
    const first = await partitionOf(source.connection('app'), topics[0] ?? '');
    const leader = brokerOf(first.leader);
    const follower = brokerOf(on.find((id) => id !== first.leader));
    for (const topic of topics) expect((await partitionOf(source.connection('app'), topic)).leader).toBe(leader.nodeId);
    const through = (broker: TestBroker): ClusterConfigInput => ({
      ...source.connection('app'),
      bootstrapServers: [source.bootstrapServers[broker.nodeId - 1] ?? '', source.bootstrapServers[2] ?? ''],
    });
    await follower.pause();
    try {
      for (const topic of topics) {
        await eventually(`${topic} has one replica in sync`, async () =>
          (await partitionOf(through(leader), topic)).inSync === 1 ? true : undefined,
        );
      }
      await meanwhile(through(leader));
      await leader.kill();
    } finally {
      await follower.resume();
    }
    for (const topic of topics) {
      await eventually(
        `the follower leads ${topic}`,
        async () => ((await partitionOf(through(follower), topic)).leader === follower.nodeId ? true : undefined),
        slowMs,
      );
    }
    return through(follower);
  }

  function brokerOf(nodeId: number | undefined): TestBroker {
    const broker = clusters.a.brokers.find((each) => each.nodeId === nodeId);
    if (broker === undefined) throw new Error(`no broker ${nodeId ?? 'at all'}`);
    return broker;
  }
});

function ten(what: string): string[] {
  return Array.from({ length: 10 }, (_, index) => `${what} ${index}`);
}

async function copiedTo(topic: string, end: number): Promise<void> {
  await pair.topic(
    topic,
    (view) => following(view) && view.partitionViews.some((partition) => partition.copiedTo === String(end)),
    slowMs,
  );
}

/** Faulted, with the offset as data and in the sentence. */
async function faultedAt(
  topic: string,
  code: string,
  offset: number,
): Promise<TopicDetailView['partitionViews'][number]> {
  const view = await pair.topic(topic, ({ state }) => state === 'faulted', slowMs);
  const [partition] = view.partitionViews;
  expect(partition).toMatchObject({ state: 'faulted', fault: { code, offset: String(offset) } });
  expect(partition?.fault?.message).toContain(String(offset));
  if (partition === undefined) throw new Error(`${topic} has no partitions`);
  return partition;
}

async function partitionOf(cluster: ClusterConfigInput, topic: string): Promise<PartitionMetadata> {
  const client = new Cluster('the source', clusterConfigSchema.parse(cluster), { clientId: 'test' });
  try {
    const partition = (await client.metadata([topic])).topics.get(topic)?.partitions[0];
    if (partition === undefined) throw new Error(`no topic ${topic}`);
    return partition;
  } finally {
    await client.close();
  }
}

/** Takes the files of all segments that begin at or above `offset` from the stopped broker of site b. */
async function removeSegments(topic: string, offset: number): Promise<void> {
  const home = join(clusters.b.local.home, 'broker-1');
  const folders = await readdir(home, { recursive: true, withFileTypes: true });
  const folder = folders.find((each) => each.isDirectory() && each.name === `${topic}-0`);
  if (folder === undefined) throw new Error(`no folder of ${topic}`);
  const path = join(folder.parentPath, folder.name);
  if (offset === 0) {
    await rm(path, { recursive: true });
    return;
  }
  const files = (await readdir(path)).filter((name) => /^\d{20}\./.test(name) && Number(name.slice(0, 20)) >= offset);
  expect(files.length).toBeGreaterThan(0);
  for (const name of files) await rm(join(path, name));
}
