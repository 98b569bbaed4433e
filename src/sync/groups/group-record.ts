import { z } from 'zod';

/**
 * What the standby's `_umbra` keeps of one group that the link writes there. It is written before the first position
 * is: a group of that name without a record is somebody else's and is left alone.
 */
export const groupRecordSchema = z.strictObject({
  group: z.string(),
  /** Partitions by topic, ascending, whose position at the standby is the link's: only these may be removed again. */
  written: z.record(z.string(), z.array(z.int().min(0))),
  /** When all of them were last committed. Kafka forgets a position some days after its commit, not after its use. */
  refreshedAt: z.iso.datetime(),
});

export type GroupRecord = z.output<typeof groupRecordSchema>;

/** Where the records are kept. A record that `put` has resolved for is there after any crash. */
export interface GroupMemory {
  /** All records, by group. */
  groups(): ReadonlyMap<string, GroupRecord>;
  /** Many at once: after an installation there is one for each group. */
  putGroups(records: readonly GroupRecord[], signal: AbortSignal): Promise<void>;
  removeGroups(groups: readonly string[], signal: AbortSignal): Promise<void>;
}
