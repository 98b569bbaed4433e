import { z } from 'zod';

const count = z.int().min(0);

/**
 * By partition, which stand at their number: the records that the old primary's log held, and where each of them is. That
 * the first number is the sum of the others is what a reconciliation promises.
 */
export const partitionSumsSchema = z.array(
  z.strictObject({
    acknowledged: count,
    /** At the new primary, equal and at the same offset. */
    present: count,
    /** In the quarantine's files. */
    quarantined: count,
  }),
);

export type PartitionSums = z.output<typeof partitionSumsSchema>;

/** What the two logs and the quarantine say of one partition, each counted by itself. */
export interface CountedPartition {
  readonly sum?: { readonly acknowledged: number; readonly present: number } | undefined;
  readonly quarantined: number;
}

/** Pure. */
export function sumsOf(partitions: readonly CountedPartition[]): PartitionSums {
  return partitions.map(({ sum, quarantined }) => ({
    acknowledged: sum?.acknowledged ?? 0,
    present: sum?.present ?? 0,
    quarantined,
  }));
}

/** Partitions of which a record is nowhere, or somewhere twice; none when the promise holds. Pure. */
export function wrongSums(sums: PartitionSums): readonly number[] {
  return sums.flatMap(({ acknowledged, present, quarantined }, partition) =>
    acknowledged === present + quarantined ? [] : [partition],
  );
}
