import type { Tail } from '../../quarantine/manifest.ts';
import type { PlannedPartition } from '../rebuild/rebuild-view.ts';

type ScannedTail = Pick<PlannedPartition, 'partition' | 'copyEnd' | 'forkOffset' | 'quarantined'>;

/** Records that the new primary should have and has not, without those it deleted by their age or compacted away. Pure. */
export function tailRecords(partitions: readonly Pick<ScannedTail, 'quarantined'>[]): number {
  return partitions.reduce((sum, { quarantined }) => sum + quarantined.recordsUnexplained, 0);
}

export interface ScannedTopic {
  readonly partitions: readonly ScannedTail[];
  /** That the old primary's topic has. */
  readonly partitionsHere: number;
}

/**
 * What becomes of an old primary's log, by what was found in it. Where both logs are equal up to the cut and the old one
 * ends there it is a copy as it is. Anything else is deleted and copied again, also a log that lost records below the
 * cut, and one with partitions that the new primary never had. Where nothing is to be decided no decision is kept. Pure.
 */
export function tailAsFound(asked: Omit<Tail, 'method'>, { partitions, partitionsHere }: ScannedTopic): Tail {
  const { decision, ...tail } = asked;
  const isCopy =
    partitionsHere === asked.cuts.length &&
    partitions.every(
      ({ partition, copyEnd, forkOffset }) => forkOffset === undefined && copyEnd === (asked.cuts[partition] ?? '0'),
    );
  if (isCopy) return { ...tail, method: 'in-place' };
  const open = tailRecords(partitions) > 0;
  return { ...tail, method: 'anew', ...(open && decision !== undefined ? { decision } : {}) };
}

/** Nobody has said what becomes of records that only the old primary holds. Pure. */
export function lacksDecision(tail: Tail, partitions: readonly Pick<ScannedTail, 'quarantined'>[]): boolean {
  return tail.method === 'anew' && tail.decision === undefined && tailRecords(partitions) > 0;
}
