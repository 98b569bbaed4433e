/**
 * Topics of the benchmark's clusters: DeleteTopics (20) version 6, DescribeLogDirs (35) version 4 beside what
 * src/kafka has. The clusters are the benchmark's own: it may do everything there.
 */
import { deleteTopicsV6, describeLogDirsV4 } from '@platformatic/kafka';
import { type ClusterConfigInput, clusterConfigSchema } from '../src/kafka/cluster-config.ts';
import { Cluster } from '../src/kafka/cluster.ts';
import { KafkaError } from '../src/kafka/errors.ts';
import { call } from '../src/kafka/library-api.ts';
import { listOffsets } from '../src/kafka/log-queries.ts';
import { createTopic } from '../src/kafka/topic-admin.ts';
import { waitUntil } from '../src/local/bounded-wait.ts';

const adminTimeoutMs = 60_000;
/** Thousands of partitions take a small broker a while. */
const leadersTimeoutMs = 300_000;
const unknownTopic = 3;

export function openCluster(name: string, config: ClusterConfigInput): Cluster {
  return new Cluster(name, clusterConfigSchema.parse(config), { clientId: 'umbra-bench-admin' });
}

export async function topicNames(cluster: Cluster): Promise<readonly string[]> {
  return [...(await cluster.metadata('all')).topics.keys()];
}

export interface TopicPlan {
  readonly name: string;
  readonly partitions: number;
  readonly configs: Readonly<Record<string, string>>;
}

/** Makes the topic anew, whatever was there; resolves when every partition has its log. */
export async function remakeTopic(cluster: Cluster, plan: TopicPlan, signal: AbortSignal): Promise<void> {
  await deleteTopics(cluster, [plan.name]);
  const configs = new Map(Object.entries(plan.configs));
  const made = async (): Promise<boolean> =>
    (await createTopic(cluster, { name: plan.name, partitions: plan.partitions, configs })).kind === 'created';
  const bound = { timeoutMs: leadersTimeoutMs, intervalMs: 100, signal };
  if (!(await waitUntil(made, bound))) throw new Error(`topic ${plan.name} at ${cluster.name} does not go away`);
  const led = async (): Promise<boolean> => (await endOffsets(cluster, [plan.name]))?.partitions === plan.partitions;
  if (!(await waitUntil(led, bound))) throw new Error(`topic ${plan.name} at ${cluster.name} has no leaders in time`);
}

/** Topics that are not there count as deleted. */
export async function deleteTopics(cluster: Cluster, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const broker = await cluster.any();
  const topics = names.map((name) => ({ name, topicId: null }));
  const answer = await call(broker.connection, broker.negotiate(deleteTopicsV6.api), topics, adminTimeoutMs);
  for (const { errorCode, name } of answer.responses) {
    if (errorCode !== 0 && errorCode !== unknownTopic) throw new KafkaError(errorCode, `deleting ${String(name)}`);
  }
}

/** Sum of the high watermarks; undefined while a partition has no leader, or one that does not know it yet. */
export async function endOffsets(
  cluster: Cluster,
  topics: readonly string[],
): Promise<{ readonly sum: number; readonly partitions: number } | undefined> {
  const metadata = await cluster.metadata(topics);
  const all = [...metadata.topics.values()].flatMap(({ name, partitions }) =>
    partitions.map(({ partition, leader }) => ({ topic: name, partition, leader })),
  );
  let sum = 0;
  let partitions = 0;
  for (const [leader, group] of Map.groupBy(all, (each) => each.leader)) {
    if (leader === undefined) return undefined;
    const broker = await cluster.broker(leader, 'control');
    for (const end of (await listOffsets(broker, 'latest', group)).values()) {
      if (!end.ok) return undefined;
      sum += Number(end.value);
      partitions += 1;
    }
  }
  return { sum, partitions };
}

/** Bytes of the topics' logs on disk, on one replica each: the clusters keep one. */
export async function logBytes(cluster: Cluster, topics: readonly string[]): Promise<number> {
  const { topics: found } = await cluster.metadata(topics);
  const wanted = [...found.values()].map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partition }) => partition),
  }));
  const broker = await cluster.any();
  const answer = await call(broker.connection, broker.negotiate(describeLogDirsV4.api), wanted);
  return answer.results
    .flatMap((result) => result.topics.flatMap(({ partitions }) => partitions))
    .reduce((sum, { partitionSize }) => sum + Number(partitionSize), 0);
}
