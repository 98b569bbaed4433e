import { z } from 'zod';
import { manifestFaultSchema, quarantineNamePattern, tailSchema } from '../../quarantine/manifest.ts';
import { partitionSumsSchema } from '../reconcile/partition-sums.ts';
import { ownBelowSchema } from '../state/own-below.ts';

/**
 * The journal of one topic's rebuild, in `_umbra`. A step is written before it begins to act, so that a worker that
 * starts anew knows where the last one may have been:
 *
 * - `quarantining`  the copy is whole. The files are written anew from the start, or the rebuild stops
 * - `replaying`     the quarantine is complete and verified; the new primary appends the tail of its old one
 * - `deleting`      the quarantine was complete and verified. The copy may be gone
 * - `seeding`       the copy is gone; the link makes a new one as it makes every copy. Positions are put back at its end
 * - `reversing`     nothing is deleted: the log of an old primary becomes a copy as it is
 * - `done`, `stopped`  nothing is left to do
 */
export const rebuildRecordSchema = z.strictObject({
  topic: z.string(),
  link: z.string(),
  planHash: z.string(),
  /** The copy to be deleted, and the source topics as in the plan. */
  copyTopicId: z.string(),
  copiedTopicId: z.string(),
  sourceTopicId: z.string(),
  /** As in the plan: of a copy whose site was primary before. */
  ownBelow: ownBelowSchema.optional(),
  /** Of a reconciliation: `copyTopicId` is the old primary's topic then, the others that of the new one. */
  tail: tailSchema.optional(),
  sums: partitionSumsSchema.optional(),
  /** Folder of all quarantines: shown, but acted upon only where it is the configured one. */
  folder: z.string(),
  /** Of this one in it. */
  name: z.string().regex(quarantineNamePattern),
  startedAt: z.iso.datetime(),
  faults: z.array(manifestFaultSchema),
  step: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('quarantining') }),
    z.strictObject({ kind: z.literal('replaying'), manifestSha256: z.string(), records: z.int().min(0) }),
    z.strictObject({ kind: z.literal('deleting'), manifestSha256: z.string() }),
    z.strictObject({ kind: z.literal('seeding'), manifestSha256: z.string() }),
    z.strictObject({ kind: z.literal('reversing') }),
    z.strictObject({
      kind: z.literal('done'),
      /** Absent where nothing went to quarantine. */
      manifestSha256: z.string().optional(),
      at: z.iso.datetime(),
      /** What the new copy was then. */
      copy: z.enum(['level', 'faulted']),
      remarks: z.array(z.string()),
    }),
    z.strictObject({
      kind: z.literal('stopped'),
      at: z.iso.datetime(),
      reason: z.string(),
      /** A finished quarantine is there. */
      quarantined: z.boolean(),
      /** The deletion had gone out without an answer that says what became of it. */
      deletionSent: z.boolean(),
    }),
  ]),
});

export type RebuildRecord = z.output<typeof rebuildRecordSchema>;
