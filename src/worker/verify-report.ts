import { z } from 'zod';

/** What `umbra verify` found when it read both logs raw. Offsets are decimal strings: they are 64-bit. */
const offset = z.string().regex(/^\d+$/);
const count = z.int().min(0);

const counts = {
  /** Byte-identical after the header. */
  batchesEqual: count,
  /** Could not pass as a whole (holes, log append time); all their records are there. */
  batchesRepacked: count,
  batchesDifferent: count,
  recordsEqual: count,
  recordsDifferent: count,
  /** Records at the source that the copy has not got yet; behind is not different. */
  behind: count,
};

export const partitionVerdictSchema = z.strictObject({
  partition: z.int().min(0),
  ...counts,
  /** The source's log start and its last stable offset when the comparison began. */
  sourceStart: offset,
  sourceEnd: offset,
  /** The copy's log end when the comparison began. */
  copyEnd: offset,
  firstDifference: z.strictObject({ offset, what: z.string() }).optional(),
});

export const topicVerdictSchema = z.strictObject({
  link: z.string(),
  topic: z.string(),
  partitions: z.array(partitionVerdictSchema),
});

export const verifyReportSchema = z.strictObject({
  topics: z.array(topicVerdictSchema),
  totals: z.strictObject(counts),
});

export type PartitionVerdict = z.output<typeof partitionVerdictSchema>;
export type TopicVerdict = z.output<typeof topicVerdictSchema>;
export type VerifyReport = z.output<typeof verifyReportSchema>;

/** How far a running verification is; called once per finished partition. */
export interface VerifyProgress {
  readonly link: string;
  readonly topic: string;
  readonly partitionsDone: number;
  readonly partitionsTotal: number;
}
