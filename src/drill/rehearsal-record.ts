import { z } from 'zod';

const text = z.string().max(2_000);
const count = z.int().min(0);
const offset = z.string().regex(/^\d+$/);

/** Bounds of a record that has to fit beside others into one batch. */
export const rehearsedGroupsMax = 20;
export const positionsShownMax = 25;
export const problemsShownMax = 10;
export const restoredMax = 100;
export const leftOutMax = 100;
export const topicsShownMax = 200;

/** Where a group would go on in one partition. Offsets are decimal strings: they are 64-bit. */
const goesOnSchema = z.strictObject({
  topic: z.string(),
  partition: count,
  /** Committed here. */
  offset,
  /** Of the copy, when it was read. */
  end: offset,
  /** Offsets from here up to the source's position: what it would be given again. Absent where that is not known. */
  again: count.optional(),
});

/** One group, read by an ordinary consumer under another name. */
export const rehearsedGroupSchema = z.strictObject({
  group: z.string(),
  /** The name that it was read under; absent where it was not. */
  as: z.string().optional(),
  /** With a position here. */
  partitions: count,
  /** Of them those in which something was to be read and was. */
  partitionsRead: count,
  records: count,
  /** Over all partitions; absent where the source's positions are not known. */
  again: count.optional(),
  /** From its begin, with joining the group, to its first record; absent where none was to be read. */
  firstMs: z.number().min(0).optional(),
  /** Those with most to be given again. */
  goesOn: z.array(goesOnSchema).max(positionsShownMax),
  problems: z.array(text).max(problemsShownMax),
  notes: z.array(text).max(problemsShownMax),
});

export type RehearsedGroup = z.output<typeof rehearsedGroupSchema>;

/**
 * Something that a restore would need, read back:
 *
 * - `quarantine`  every byte of a quarantine that lies at this site
 * - `cut`         of a promotion to this site: whether the log below still is the one that was cut
 * - `sample`      batches of a copy, written as a quarantine, read back, compared and removed
 */
export const restoredSchema = z.strictObject({
  kind: z.enum(['quarantine', 'cut', 'sample']),
  name: z.string(),
  result: z.enum(['intact', 'not comparable', 'damaged']),
  /** What was read, or what is wrong with it. */
  value: text,
});

export type Restored = z.output<typeof restoredSchema>;

/** What a drill of level L3 has read. */
export const rehearsalSchema = z.strictObject({
  /** In which the groups have positions. */
  topics: z.array(z.string()).max(topicsShownMax),
  groups: z.array(rehearsedGroupSchema).max(rehearsedGroupsMax),
  restored: z.array(restoredSchema).max(restoredMax),
  /** What was not read, by name, and why. */
  leftOut: z.array(z.strictObject({ name: z.string(), why: text })).max(leftOutMax),
  problems: z.array(text).max(problemsShownMax),
});

export type Rehearsal = z.output<typeof rehearsalSchema>;

/** Why the drill fails, a line each. Pure. */
export function problemsOf({ groups, restored, problems }: Rehearsal): readonly string[] {
  return [
    ...problems,
    ...groups.flatMap(({ group, problems: own }) => own.map((problem) => `group ${group}: ${problem}`)),
    ...restored.flatMap(({ kind, name, result, value }) => (result === 'damaged' ? [`${kind} ${name}: ${value}`] : [])),
  ];
}
