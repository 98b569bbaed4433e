import type { Cluster } from '../../kafka/cluster.ts';
import { createTopic } from '../../kafka/topic-admin.ts';
import { stateTopic } from '../../prefix-policy/internal-names.ts';

/** Creates `_umbra` at a cluster if it is not there: compacted, one partition. */
export async function ensureStateTopic(cluster: Cluster): Promise<void> {
  const metadata = await cluster.metadata([stateTopic]);
  if (metadata.topics.has(stateTopic)) return;
  await createTopic(cluster, { name: stateTopic, partitions: 1, configs: new Map([['cleanup.policy', 'compact']]) });
}
