import { z } from 'zod';

const isoTime = z.iso.datetime();

/** The longest any list of the view gets; the counts beside them count all. */
export const listMax = 50;

/** Values that are not there mean: none of the topic's own, so what the cluster gives it. */
const changeViewSchema = z.strictObject({
  topic: z.string(),
  name: z.string(),
  /** At the copy. */
  shown: z.string().optional(),
  wanted: z.string().optional(),
});

/** Plain data: how the configs of a link's copies stand. Counts are since this process became the one that syncs. */
export const configSyncViewSchema = z.strictObject({
  /** Copies whose configs were compared at the newest look. */
  topics: z.int().min(0),
  /** Of these, those that have all they are to have. */
  level: z.int().min(0),
  /** Absent before the first look. */
  lookedAt: isoTime.optional(),
  /** When all of them were last level. */
  levelAt: isoTime.optional(),
  /** Configs that are not yet as they are to be, and why nothing is done about it now. */
  differing: z.strictObject({
    count: z.int().min(0),
    first: z.array(
      changeViewSchema.extend({
        why: z.enum(['being changed', 'settling', 'held', 'read-only', 'topic not reachable']),
      }),
    ),
  }),
  /** What the target did not take; tried again at `nextTryAt`, or at once when the source's value changes. */
  refused: z.strictObject({
    count: z.int().min(0),
    first: z.array(changeViewSchema.omit({ shown: true }).extend({ message: z.string(), nextTryAt: isoTime })),
  }),
  /** Values that somebody else had set on copies, and that were reverted. */
  edited: z.strictObject({ count: z.int().min(0), newest: z.array(changeViewSchema.extend({ at: isoTime })) }),
  /** Set on source topics, and not known to the target's release. */
  unknown: z.array(z.strictObject({ name: z.string(), topics: z.int().min(1), example: z.string() })),
  /** Copies with fewer replicas than the source, or more partitions. */
  shape: z.strictObject({
    count: z.int().min(0),
    first: z.array(z.strictObject({ topic: z.string(), message: z.string() })),
  }),
  /** Topics whose configs one of the clusters did not show. */
  unseen: z.strictObject({
    count: z.int().min(0),
    first: z.array(z.strictObject({ topic: z.string(), message: z.string() })),
  }),
  /** Why the newest look failed, if it did. */
  trouble: z.strictObject({ at: isoTime, message: z.string() }).optional(),
});

export type ConfigSyncView = z.output<typeof configSyncViewSchema>;

export type ChangeView = z.output<typeof changeViewSchema>;

/** What happened, for the journal of events. */
export type ConfigEvent =
  /** One for each topic and look. */
  | { readonly kind: 'configs synced'; readonly topic: string; readonly changes: readonly ChangeView[] }
  | { readonly kind: 'config edit reverted'; readonly topic: string; readonly changes: readonly ChangeView[] }
  /**
   * One for each reason and look. `message` is one line: the broker's words, or that others keep changing it. `first` has
   * at most {@link listMax} of the `count` configs.
   */
  | {
      readonly kind: 'configs refused';
      readonly message: string;
      readonly count: number;
      readonly first: readonly { readonly topic: string; readonly name: string }[];
    };
