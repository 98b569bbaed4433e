import { z } from 'zod';
import { siteIdSchema } from '../pair/site.ts';
import { openAtCutMax, openAtCutSchema } from './open-at-cut.ts';
import { operationIdSchema } from './operation.ts';

const offset = z.string().regex(/^\d+$/);

/** Where a promotion ended the copying of one partition. Offsets are decimal strings: they are 64-bit. */
export const partitionCutSchema = z.strictObject({
  /** First offset that the new primary gives to its own clients; everything below was copied. */
  offset,
  /** Of the newest record below it, as its producer dated it; absent where there is none. */
  lastRecordAt: z.iso.datetime().optional(),
  /** SHA-256 of the payload of the last batch below it (its bytes behind the header), hex; absent where there is none. */
  tailSha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** Offsets of the source above the cut, as last heard and at its fastest rate since: at most so many are missing here. Absent where nobody knows. */
  unseen: z.int().min(0).optional(),
  /** Of these the part above an open transaction: nobody could have read them. */
  heldBack: z.int().min(0).optional(),
  /** Transactions that were open there then, the first ones; absent where none was. */
  open: z.array(openAtCutSchema).max(openAtCutMax).optional(),
});

export type PartitionCut = z.output<typeof partitionCutSchema>;

/** The certificate of one topic's promotion. Partitions stand at their number. */
export const cutRecordSchema = z.strictObject({
  topic: z.string(),
  operation: operationIdSchema,
  term: z.int().min(1),
  primary: siteIdSchema,
  at: z.iso.datetime(),
  /** Of the topic at the old primary. */
  sourceTopicId: z.string(),
  /** Of the topic that was the copy. */
  topicId: z.string(),
  partitions: z.array(partitionCutSchema),
  /** Transactions that were open at the source, and configs of it that the promoted topic did not get, with why. */
  remarks: z.array(z.string()),
});

export type CutRecord = z.output<typeof cutRecordSchema>;
