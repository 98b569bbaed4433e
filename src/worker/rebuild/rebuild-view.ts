import { z } from 'zod';
import { manifestFaultSchema, quarantinedSchema, scannedRangeSchema, tailSchema } from '../../quarantine/manifest.ts';
import { partitionSumsSchema } from '../reconcile/partition-sums.ts';
import { ownBelowSchema } from '../state/own-below.ts';

/** What the API says of a rebuild. Offsets are decimal strings, topic ids 32 hex digits, times ISO 8601 in UTC. */
const count = z.int().min(0);
const isoTime = z.iso.datetime();
export const planHashSchema = z.string().regex(/^[0-9a-f]{64}$/);

const plannedPartitionSchema = z.strictObject({
  partition: count,
  ...scannedRangeSchema.shape,
  /** What only the copy holds: it goes to the files. */
  quarantined: quarantinedSchema,
  /** Offsets of the source from its start to its end: all of them are copied anew. */
  offsetsToCopy: count,
});

export const keyConflictsSchema = z.strictObject({
  keys: count,
  /** The first ones, as text, or as base64 where they are none. */
  first: z.array(z.strictObject({ partition: count, key: z.string() })),
  /** There were more keys in the tail than are looked for. */
  more: z.boolean(),
});

export const rebuildPlanSchema = z.strictObject({
  topic: z.string(),
  link: z.string(),
  /** The copy that is deleted; only the topic with this id. */
  copyTopicId: z.string(),
  /** The source topic it was a copy of. */
  copiedTopicId: z.string(),
  /** The source topic the new copy will be made from. */
  sourceTopicId: z.string(),
  /** Of a copy whose site was primary before, by partition: below it the copy's log is the site's own. */
  ownBelow: ownBelowSchema.optional(),
  /** Of a reconciliation: the copy is the log of an old primary then. */
  tail: tailSchema.optional(),
  /** Of the tail of a compacted topic: keys that the new primary has written as well since the cut. */
  conflicts: keyConflictsSchema.optional(),
  /** What it takes: as far as making the plan has measured it. */
  price: z
    .strictObject({
      /** Of the source, which is copied anew: estimated by what was read of it. Absent where nothing was. */
      bytesToCopy: count.optional(),
      /** Of a tail, appended to the new primary: at most so many. */
      bytesToReplay: count,
      /** At which both logs were read. Absent where too little was read to say, as `seconds` is. */
      bytesPerSecond: count.optional(),
      seconds: z.number().min(0).optional(),
    })
    .optional(),
  faults: z.array(manifestFaultSchema),
  partitions: z.array(plannedPartitionSchema),
  /** Where the files go: a folder of the worker's machine. */
  folder: z.string(),
  neededBytes: count,
  freeBytes: count,
  /** Consumer groups with positions on the copy: Kafka forgets those with the topic. They are in the manifest. */
  groups: count,
  /** Groups whose positions the worker may not read: they are not saved. */
  groupsHidden: z.array(z.string()),
  /** The target makes topics that consumers ask for: one may come before the new copy, which is then faulted. */
  autoCreated: z.boolean(),
  /** Of everything that decides what goes; confirming means sending it back. */
  hash: planHashSchema,
});

const progress = { partitionsDone: count, partitionsTotal: count };
/** What keeps it from going on at present; it is tried again and again. */
const trouble = { trouble: z.string().optional() };
const confirmed = { hash: planHashSchema, startedAt: isoTime, quarantine: z.string() };

/**
 * - `none`          nothing was asked for since the worker started
 * - `planning`      both logs are being compared
 * - `planned`       waits for its hash to be sent back
 * - `quarantining`  nothing appends to the copy; what only it holds is being written and read back. It is still whole
 * - `replaying`     the quarantine is complete; the tail is being appended to the new primary
 * - `deleting`      the quarantine is complete; the copy goes if it did not change meanwhile
 * - `seeding`       the copy is being made anew
 * - `reversing`     the log of an old primary ends at the cut; it becomes a copy as it is
 * - `interrupted`   nobody carries it out: its journal cannot be written, or another worker took over; `reason` says which
 * - `done`          the new copy was level with the source once, or faulted before it was
 * - `stopped`       the plan or the rebuild ended before its time; `reason` says why, `copy` whether the copy is as it was
 */
export const rebuildViewSchema = z.discriminatedUnion('step', [
  z.strictObject({ step: z.literal('none') }),
  z.strictObject({ step: z.literal('planning'), startedAt: isoTime, ...progress }),
  z.strictObject({ step: z.literal('planned'), plan: rebuildPlanSchema }),
  z.strictObject({ step: z.literal('quarantining'), ...confirmed, ...progress, ...trouble }),
  z.strictObject({ step: z.literal('replaying'), ...confirmed, ...trouble }),
  z.strictObject({ step: z.literal('deleting'), ...confirmed, ...trouble }),
  z.strictObject({ step: z.literal('seeding'), ...confirmed, ...trouble }),
  z.strictObject({ step: z.literal('reversing'), ...confirmed, ...trouble }),
  z.strictObject({
    step: z.literal('interrupted'),
    ...confirmed,
    /** The step it is at. A restart of the worker goes on from there. */
    at: z.enum(['quarantining', 'replaying', 'deleting', 'seeding', 'reversing']),
    reason: z.string(),
  }),
  z.strictObject({
    step: z.literal('done'),
    ...confirmed,
    at: isoTime,
    copy: z.enum(['level', 'faulted']),
    remarks: z.array(z.string()),
    /** Of a reconciliation. */
    tail: tailSchema.optional(),
    sums: partitionSumsSchema.optional(),
  }),
  z.strictObject({
    step: z.literal('stopped'),
    at: isoTime,
    reason: z.string(),
    /** `unknown`: its deletion had been sent, and no answer says what became of it. */
    copy: z.enum(['kept', 'unknown']),
    /** Present when a finished quarantine is there. */
    quarantine: z.string().optional(),
  }),
]);

/** The short form that stands beside a topic. */
export const rebuildNoteSchema = z.strictObject({
  step: z.enum([
    ...(['planning', 'planned', 'quarantining', 'replaying', 'deleting', 'seeding', 'reversing'] as const),
    ...(['interrupted', 'done', 'stopped'] as const),
  ]),
  quarantine: z.string().optional(),
  reason: z.string().optional(),
});

export type RebuildPlan = z.output<typeof rebuildPlanSchema>;
export type PlannedPartition = z.output<typeof plannedPartitionSchema>;
export type RebuildView = z.output<typeof rebuildViewSchema>;
export type RebuildNote = z.output<typeof rebuildNoteSchema>;

export function noteOf(view: RebuildView): RebuildNote | undefined {
  if (view.step === 'none') return undefined;
  const reason = 'trouble' in view ? view.trouble : 'reason' in view ? view.reason : undefined;
  return {
    step: view.step,
    ...('quarantine' in view && view.quarantine !== undefined ? { quarantine: view.quarantine } : {}),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** No record would be moved to files. Pure. */
export function nothingGoes({
  partitions,
}: {
  readonly partitions: readonly Pick<PlannedPartition, 'quarantined'>[];
}): boolean {
  return partitions.every(({ quarantined }) => quarantined.batches === 0);
}
