import { createHash } from 'node:crypto';
import type { Tail } from '../../quarantine/manifest.ts';
import type { PlannedPartition, RebuildPlan } from './rebuild-view.ts';

/** What the hash says of a partition. */
export type HashedPartition = Pick<PlannedPartition, 'partition' | 'forkOffset' | 'quarantined'>;

type Decisive = Pick<RebuildPlan, 'topic' | 'link' | 'copyTopicId' | 'copiedTopicId' | 'sourceTopicId'> & {
  readonly partitions: readonly HashedPartition[];
  readonly tail?: Tail | undefined;
};

/**
 * The hash of what a person confirms: which topic goes, what is made from it, and every byte that is only there and
 * should be at the source. Not in it: the ends of the logs, for the source and the healthy partitions go on; and what is
 * only there because the source deleted it by its age or compacted it away, which goes on as well. Pure.
 */
export function planHash(plan: Decisive): string {
  const decisive = [
    'umbra-rebuild/1',
    [plan.topic, plan.link, plan.copyTopicId, plan.copiedTopicId, plan.sourceTopicId],
    plan.partitions.map(({ partition, forkOffset, quarantined }) => [
      partition,
      forkOffset ?? null,
      quarantined.recordsUnexplained,
      quarantined.unexplainedSha256,
    ]),
    ...(plan.tail === undefined ? [] : [decisiveTail(plan.tail)]),
  ];
  return createHash('sha256').update(JSON.stringify(decisive)).digest('hex');
}

/** In a fixed order: what reads back from a journal is the same plan. */
function decisiveTail({ operation, term, site, cuts, method, decision }: Tail): readonly unknown[] {
  const reason = decision?.kind === 'discard' ? decision.reason : null;
  return [operation, term, site, cuts, method, decision?.kind ?? null, reason];
}
