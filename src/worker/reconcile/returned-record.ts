import { z } from 'zod';
import { termSchema } from '../../pair/ownership.ts';
import type { SiteState, StateSection } from '../state/state.ts';

const offset = z.string().regex(/^\d+$/);

/**
 * What the site of an old primary says of a topic that another site took over in a failover: where its own log ends beside
 * the cut. Written as soon as that is seen, and removed when the topic is a copy there.
 */
export const returnedRecordSchema = z.strictObject({
  topic: z.string(),
  /** The promotion that made the other site primary, and its term. */
  operation: z.string(),
  term: termSchema,
  /** At their number. `cut` is `0` where the new primary had no such partition. */
  partitions: z.array(z.strictObject({ cut: offset, end: offset })),
  /** When it was first seen like this. */
  at: z.iso.datetime(),
});

export type ReturnedRecord = z.output<typeof returnedRecordSchema>;

/** `split`: both sites hold records of their own above the cut. `returned`: only the new primary may. */
export const returnedStates = ['returned', 'split'] as const;

export type ReturnedState = (typeof returnedStates)[number];

export interface ReturnedCounts {
  readonly state: ReturnedState;
  /** Offsets of the old log above the cut: an upper bound of the records there. */
  readonly tailOffsets: number;
  /** Partitions that have any. */
  readonly tailPartitions: number;
}

/** Pure. */
export function countsOf({ partitions }: Pick<ReturnedRecord, 'partitions'>): ReturnedCounts {
  const tails = partitions.map(({ cut, end }) => BigInt(end) - BigInt(cut)).filter((length) => length > 0n);
  return {
    state: tails.length > 0 ? 'split' : 'returned',
    tailOffsets: Number(tails.reduce((sum, length) => sum + length, 0n)),
    tailPartitions: tails.length,
  };
}

/** Where the records of one `_umbra` stand. */
export function returnedSection(state: Pick<SiteState, 'section'>): StateSection<ReturnedRecord> {
  return state.section('returned/', returnedRecordSchema);
}
