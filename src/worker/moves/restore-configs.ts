import type { Cluster } from '../../kafka/cluster.ts';
import { describeConfigs, type TopicChanges } from '../../kafka/config-admin.ts';
import { ConnectionError } from '../../kafka/errors.ts';
import type { TopicPolicy } from '../../pair/topic-policy.ts';
import { type AppliedChanges, applyConfigs } from '../../sync/topics/apply-configs.ts';
import type { ConfigMemory } from '../../sync/topics/config-record.ts';
import { promotionConfigs } from '../../sync/topics/promotion-configs.ts';
import { Wakeup } from '../../replication/waiting/wakeup.ts';

export interface RestoreConfigsPorts {
  readonly cluster: Cluster;
  /** What the source wished of each copy. */
  readonly memory: Pick<ConfigMemory, 'get'>;
  readonly policy: Pick<TopicPolicy, 'configs'>;
  readonly mayAct: () => boolean;
}

/** Brokers show a change a moment after it was taken; one that takes longer is looked at again by the next attempt. */
const shownMsMax = 5_000;
const lookMs = 20;

/**
 * Gives these copies the configs their source had, in place of those that only a copy needs, and waits until a broker shows
 * them. By topic what the promoted topic does not get, with why, each in one line. Idempotent. Throws
 * {@link ConnectionError} when it is not known whether all of it was done.
 */
export async function restoreConfigs(
  ports: RestoreConfigsPorts,
  topics: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { cluster, mayAct } = ports;
  const { changes, remarks } = await planRestoring(ports, topics);
  const applied = await applyConfigs(cluster, changes, { mayAct, stillSynced: (all) => all });
  if (applied.stopped) throw new ConnectionError('this worker does not lead its site any more');
  for (const [topic, why] of applied.failed) throw new ConnectionError(`the configs of ${topic}: ${why}`);
  for (const [topic, refused] of applied.refused) {
    for (const { name, to, message } of refused.values()) {
      remarks.set(topic, [
        ...(remarks.get(topic) ?? []),
        `${name}=${to ?? '(the cluster’s own)'} is refused: ${message}`,
      ]);
    }
  }
  await untilShown(
    ports,
    changes.map(({ topic }) => topic),
    { refused: applied.refused, signal },
  );
  return remarks;
}

interface Restoring {
  readonly changes: readonly TopicChanges[];
  readonly remarks: Map<string, readonly string[]>;
}

/** What is to be changed by what the cluster shows now. */
async function planRestoring(
  { cluster, memory, policy }: RestoreConfigsPorts,
  topics: readonly string[],
): Promise<Restoring> {
  const described = await describeConfigs(cluster, topics, { fallbacks: true });
  const metadata = await cluster.metadata(topics);
  const remarks = new Map<string, readonly string[]>();
  const changes: TopicChanges[] = [];
  for (const topic of topics) {
    const configs = described.configs.get(topic);
    if (configs === undefined) {
      const why = described.refused.get(topic)?.message ?? 'the cluster does not show them';
      throw new ConnectionError(`the configs of ${topic} cannot be read at ${cluster.name}: ${why}`);
    }
    const wish = memory.get(topic)?.wish;
    const replicas = Math.min(...(metadata.topics.get(topic)?.partitions.map((each) => each.replicas) ?? [1]));
    const restored = promotionConfigs(wish ?? {}, { configs, replicas }, policy);
    const missing = restored.unfulfilled.map(({ name, value, why }) => `${name}=${value} is not restored: ${why}`);
    const unheard =
      wish === undefined
        ? ['what its source wished was never heard: what only a copy needs is as this cluster has it']
        : [];
    if (unheard.length + missing.length > 0) remarks.set(topic, [...unheard, ...missing]);
    if (restored.changes.length > 0) changes.push({ topic, changes: restored.changes });
  }
  return { changes, remarks };
}

/** Before the first write is let in the brokers have to go by them. */
async function untilShown(
  ports: RestoreConfigsPorts,
  topics: readonly string[],
  { refused, signal }: { readonly refused: AppliedChanges['refused']; readonly signal: AbortSignal },
): Promise<void> {
  const pause = new Wakeup();
  const deadlineMs = performance.now() + shownMsMax;
  for (let open = topics; open.length > 0;) {
    const { changes } = await planRestoring(ports, open);
    open = changes.flatMap(({ topic, changes: each }) =>
      each.some(({ name }) => refused.get(topic)?.has(name) !== true) ? [topic] : [],
    );
    const [left] = open;
    if (left === undefined) return;
    if (performance.now() > deadlineMs) throw new ConnectionError(`the brokers do not show the configs of ${left} yet`);
    await pause.wait(signal, lookMs);
    signal.throwIfAborted();
  }
}
