import { z } from 'zod';

/** The newest deletion of a copy because its source topic was deleted: `deleting` is written before, `deleted` after. */
export const deletionRecordSchema = z.strictObject({
  topic: z.string(),
  link: z.string(),
  sourceTopicId: z.string(),
  shadowTopicId: z.string(),
  state: z.enum(['deleting', 'deleted']),
  at: z.iso.datetime(),
});

export type DeletionRecord = z.output<typeof deletionRecordSchema>;

/** Of deletions that are over this many are kept, the newest. */
export const deletionsKeptMax = 500;

/** Topics whose records are too old to be kept. Pure. */
export function deletionsToForget(records: readonly DeletionRecord[], max = deletionsKeptMax): readonly string[] {
  const over = records.filter(({ state }) => state === 'deleted');
  return over
    .toSorted((left, right) => right.at.localeCompare(left.at))
    .slice(max)
    .map(({ topic }) => topic);
}
