import { z } from 'zod';

/**
 * Where the copying of a reversed topic began, by partition, which stand at their number: the offset, in decimal, at
 * which both logs ended, equal, when the roles last moved. Below it the copy's log is its site's own
 * (`CopiedPartition.ownBelow`). Every partition that the topic had then has one, also where it was empty; those that
 * were added since have none.
 */
export const ownBelowSchema = z.array(z.string().regex(/^\d{1,19}$/));

export type OwnBelowRecord = z.output<typeof ownBelowSchema>;

/** By partition; undefined for a copy whose roles never moved. */
export function ownBelowOf(record: {
  readonly ownBelow?: OwnBelowRecord | undefined;
}): ReadonlyMap<number, bigint> | undefined {
  return record.ownBelow && new Map(record.ownBelow.map((offset) => BigInt(offset)).entries());
}
