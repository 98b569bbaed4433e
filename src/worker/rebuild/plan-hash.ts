import { createHash } from 'node:crypto';
import type { PlannedPartition, RebuildPlan } from './rebuild-view.ts';

/** What the hash says of a partition. */
export type HashedPartition = Pick<PlannedPartition, 'partition' | 'forkOffset' | 'quarantined'>;

type Decisive = Pick<RebuildPlan, 'topic' | 'link' | 'copyTopicId' | 'copiedTopicId' | 'sourceTopicId'> & {
  readonly partitions: readonly HashedPartition[];
};

/**
 * The hash of what a person confirms: which topic goes, what is made from it, and every byte that is only there. Not
 * in it: the ends of the logs, for the source and the healthy partitions go on. Pure.
 */
export function planHash(plan: Decisive): string {
  const decisive = [
    'umbra-rebuild/1',
    [plan.topic, plan.link, plan.copyTopicId, plan.copiedTopicId, plan.sourceTopicId],
    plan.partitions.map(({ partition, forkOffset, quarantined }) => [
      partition,
      forkOffset ?? null,
      quarantined.batches,
      quarantined.records,
      quarantined.recordsOnlyHere,
      quarantined.firstOffset ?? null,
      quarantined.lastOffset ?? null,
      quarantined.sha256,
    ]),
  ];
  return createHash('sha256').update(JSON.stringify(decisive)).digest('hex');
}
