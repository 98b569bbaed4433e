import type { Cluster } from '../../kafka/cluster.ts';
import { type ConfigChange, describeConfigs } from '../../kafka/config-admin.ts';
import { ConnectionError } from '../../kafka/errors.ts';
import type { TopicPolicy } from '../../pair/topic-policy.ts';
import { applyConfigs } from '../../sync/topics/apply-configs.ts';
import type { ConfigMemory } from '../../sync/topics/config-record.ts';
import { promotionConfigs } from '../../sync/topics/promotion-configs.ts';

export interface RestoreConfigsPorts {
  readonly cluster: Cluster;
  /** What the source wished of each copy. */
  readonly memory: Pick<ConfigMemory, 'get'>;
  readonly policy: Pick<TopicPolicy, 'configs'>;
  readonly mayAct: () => boolean;
}

/**
 * Gives these copies the configs their source had, in place of those that only a copy needs. By topic what the promoted
 * topic does not get, with why, each in one line. Idempotent. Throws {@link ConnectionError} when it is not known whether
 * all of it was done.
 */
export async function restoreConfigs(
  { cluster, memory, policy, mayAct }: RestoreConfigsPorts,
  topics: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const described = await describeConfigs(cluster, topics, { fallbacks: true });
  const metadata = await cluster.metadata(topics);
  const remarks = new Map<string, string[]>();
  const remark = (topic: string, text: string): void => {
    remarks.set(topic, [...(remarks.get(topic) ?? []), text]);
  };
  const changes: { topic: string; changes: readonly ConfigChange[] }[] = [];
  for (const topic of topics) {
    const configs = described.configs.get(topic);
    if (configs === undefined) {
      const why = described.refused.get(topic)?.message ?? 'the cluster does not show them';
      throw new ConnectionError(`the configs of ${topic} cannot be read at ${cluster.name}: ${why}`);
    }
    const wish = memory.get(topic)?.wish;
    if (wish === undefined)
      remark(topic, 'what its source wished was never heard: it keeps the configs of a copy but for those');
    const replicas = Math.min(...(metadata.topics.get(topic)?.partitions.map((each) => each.replicas) ?? [1]));
    const restored = promotionConfigs(wish ?? {}, { configs, replicas }, policy);
    for (const { name, value, why } of restored.unfulfilled) remark(topic, `${name}=${value} is not restored: ${why}`);
    if (restored.changes.length > 0) changes.push({ topic, changes: restored.changes });
  }
  const applied = await applyConfigs(cluster, changes, { mayAct, stillSynced: (all) => all });
  if (applied.stopped) throw new ConnectionError('this worker does not lead its site any more');
  for (const [topic, why] of applied.failed) throw new ConnectionError(`the configs of ${topic}: ${why}`);
  for (const [topic, refused] of applied.refused) {
    for (const { name, to, message } of refused.values()) {
      remark(topic, `${name}=${to ?? '(the cluster’s own)'} is refused: ${message}`);
    }
  }
  return remarks;
}
