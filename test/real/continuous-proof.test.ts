import { Partitioners } from 'kafkajs';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import type { ClusterConfigInput } from '../../src/kafka/cluster-config.ts';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { deleteRecords } from '../../src/kafka/delete-records-api.ts';
import type { PartitionProof } from '../../src/replication/proof/continuous-proof.ts';
import type { Copier } from '../../src/replication/copier/copier.ts';
import { defaultReplicatorLimits } from '../../src/replication/replicator-limits.ts';
import { createTopic, kafkajs, produce } from '../fixtures/kafkajs.ts';
import { startReplication, type TestReplication } from '../fixtures/replication.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { eventually } from '../fixtures/wait.ts';

const sites = sharedSites();
let link: TestReplication | undefined;

afterEach(async () => {
  await link?.stop();
  link = undefined;
});

/** Small windows and slices, so that runs, jumps and sweeps all happen; a budget that does not keep a test waiting. */
const small = {
  ...defaultReplicatorLimits.proof,
  bytesPerSecondMin: 64 * 1024 * 1024,
  windowBytes: 8 * 1024,
  sliceBytes: 2 * 1024,
};

function start(): TestReplication {
  link = startReplication({ source: sites.a.umbra, target: sites.b.umbra, limits: { proof: small } });
  return link;
}

function wholly(copier: Copier, proof: PartitionProof | undefined): PartitionProof | undefined {
  return proof?.unverified === 0n && proof.verifiedTo === copier.copiedTo ? proof : undefined;
}

async function proved(topic: string): Promise<readonly PartitionProof[]> {
  const running = link;
  if (running === undefined) throw new Error('nothing runs');
  return Promise.all(
    running.replicator
      .copiersOf(topic)
      .map((copier) =>
        eventually(`${topic}/${copier.of.partition} is proved`, () =>
          wholly(copier, running.replicator.proofOf(copier)),
        ),
      ),
  );
}

/** Records that two clusters can be given alike: the times are fixed, and long past for a topic that deletes by time. */
async function produceAlike(cluster: ClusterConfigInput, topic: string, values: readonly string[]): Promise<void> {
  const producer = kafkajs(cluster).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  try {
    for (const [index, value] of values.entries()) {
      const message = { value, partition: 0, timestamp: String(1_700_000_000_000 + index) };
      await producer.send({ topic, acks: -1, messages: [message] });
    }
  } finally {
    await producer.disconnect();
  }
}

async function topicIdAt(cluster: ClusterConfigInput, topic: string): Promise<string> {
  const reader = new Cluster('a site', clusterConfigSchema.parse(cluster), { clientId: 'test' });
  try {
    const found = (await reader.metadata([topic])).topics.get(topic);
    if (found === undefined) throw new Error(`no topic ${topic}`);
    return found.topicId;
  } finally {
    await reader.close();
  }
}

/** Of its partition 0. */
async function deleteAtSource(topic: string, before: bigint): Promise<void> {
  const cluster = new Cluster('the source', clusterConfigSchema.parse(sites.a.admin), { clientId: 'test' });
  onTestFinished(() => cluster.close());
  const deleted = await deleteRecords(await cluster.any(), [{ topic, partition: 0, before }]);
  expect([...deleted.values()]).toMatchObject([{ ok: true }]);
}

test('every offset of a copy is proved, window by window and then from below', async () => {
  const topic = 'a_proved';
  await createTopic(sites.a.app, topic, { partitions: 2 });
  for (let round = 0; round < 20; round++) {
    await produce(
      sites.a.app,
      topic,
      Array.from({ length: 30 }, (_, index) => `${round} ${index} ${'x'.repeat(40)}`),
    );
  }
  const { faults, ...running } = start();
  await running.follow(topic);
  await running.compare(topic);
  const [first] = await proved(topic);
  expect(first?.verifiedTo).toBe(600n);
  await produce(sites.a.app, topic, ['one more']);
  await running.compare(topic);
  const [next] = await proved(topic);
  expect(next?.verifiedTo).toBe(601n);
  expect(next?.verifiedAt.getTime()).toBeGreaterThanOrEqual(first?.verifiedAt.getTime() ?? Infinity);
  expect(faults).toEqual([]);
});

test('batches that had to be made anew are proved by their records', async () => {
  const topic = 'a_proved_append_time';
  await createTopic(sites.a.app, topic, { configs: { 'message.timestamp.type': 'LogAppendTime' } });
  for (let round = 0; round < 5; round++) await produce(sites.a.app, topic, ['one', 'two', 'three']);
  const { faults, ...running } = start();
  await running.follow(topic);
  await running.compare(topic);
  expect(await proved(topic)).toMatchObject([{ verifiedTo: 15n }]);
  expect(faults).toEqual([]);
});

test('a copy that differs in the middle is found although its end is right, and faulted at that offset', async () => {
  const topic = 'a_differs_inside';
  const values = Array.from({ length: 200 }, (_, index) => `record ${index} ${'x'.repeat(60)}`);
  await createTopic(sites.a.app, topic, { configs: { 'retention.ms': '-1' } });
  await createTopic(sites.b.admin, topic, { configs: { 'retention.ms': '-1' } });
  await produceAlike(sites.a.app, topic, values);
  await produceAlike(
    sites.b.admin,
    topic,
    values.map((value, index) => (index === 70 ? value.toUpperCase() : value)),
  );
  const { replicator, faults } = start();
  const sourceTopicId = await topicIdAt(sites.a.umbra, topic);
  const targetTopicId = await topicIdAt(sites.b.umbra, topic);
  replicator.add({ topic, sourceTopicId, targetTopicId, partitions: [0] });
  await eventually('the partition is faulted', () => faults[0]);
  expect(faults).toMatchObject([{ topic, partition: 0, fault: { code: 'FOREIGN_WRITE', offset: 70n } }]);
  expect(faults[0]?.fault.message).toContain('from offset 70 on the copy differs from the source');
});

test('what the source has deleted need not be proved', async () => {
  const topic = 'a_proved_start';
  await createTopic(sites.a.app, topic, { configs: { 'retention.ms': '-1' } });
  await produceAlike(
    sites.a.app,
    topic,
    Array.from({ length: 300 }, (_, index) => `record ${index} ${'x'.repeat(60)}`),
  );
  // Never got to: the budget is spent by the window at the start.
  link = startReplication({
    source: sites.a.umbra,
    target: sites.b.umbra,
    limits: { proof: { ...small, bytesPerSecondMin: 16 * 1024 } },
  });
  await link.follow(topic);
  const [copier] = link.replicator.copiersOf(topic);
  if (copier === undefined) throw new Error('no copier');
  await eventually('all is copied', () => copier.copiedTo === 300n || undefined);
  await deleteAtSource(topic, 250n);
  expect(await proved(topic)).toMatchObject([{ verifiedTo: 300n }]);
  expect(link.faults).toEqual([]);
});

test('of a log that holds nothing any more there is nothing left to prove', async () => {
  const topic = 'a_proved_empty';
  await createTopic(sites.a.app, topic);
  await produce(sites.a.app, topic, ['one', 'two', 'three']);
  await deleteAtSource(topic, 3n);
  const { faults, ...running } = start();
  await running.follow(topic);
  expect(await proved(topic)).toMatchObject([{ verifiedTo: 3n }]);
  await produce(sites.a.app, topic, ['four']);
  await running.compare(topic);
  expect(await proved(topic)).toMatchObject([{ verifiedTo: 4n }]);
  expect(faults).toEqual([]);
});
