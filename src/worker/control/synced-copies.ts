import type { ClusterMetadata, TopicMetadata } from '../../kafka/cluster.ts';
import type { SyncedCopy } from '../../sync/topics/config-sync.ts';

/** What the link remembers of a copy. */
export interface KnownCopy {
  readonly sourceTopicId: string;
  readonly shadowTopicId: string | undefined;
}

/** Of these copies those that both clusters show, each under the id that is known. Pure. */
export function syncedCopies(
  names: readonly string[],
  known: ReadonlyMap<string, KnownCopy>,
  looked: { readonly source: ClusterMetadata; readonly target: ClusterMetadata },
): readonly SyncedCopy[] {
  return names.flatMap((topic) => {
    const copy = known.get(topic);
    const source = looked.source.topics.get(topic);
    const target = looked.target.topics.get(topic);
    if (copy?.shadowTopicId === undefined || source === undefined || target === undefined) return [];
    if (source.topicId !== copy.sourceTopicId || target.topicId !== copy.shadowTopicId) return [];
    return [
      {
        topic,
        sourceTopicId: source.topicId,
        shadowTopicId: target.topicId,
        partitions: { source: source.partitions.length, copy: target.partitions.length },
        replicas: { source: fewest(source), copy: fewest(target) },
      },
    ];
  });
}

/** Replicas of the partition that has the fewest. */
function fewest({ partitions }: TopicMetadata): number {
  return partitions.reduce((least, { replicas }) => Math.min(least, replicas), Infinity);
}
