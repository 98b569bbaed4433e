import { z } from 'zod';

/** A link, or one topic of it, that is not to be copied until somebody says so. Outlives all workers. */
export const pauseRecordSchema = z.strictObject({
  link: z.string(),
  /** Absent where it is the whole link. */
  topic: z.string().optional(),
  since: z.iso.datetime(),
});

export type PauseRecord = z.output<typeof pauseRecordSchema>;

/** What a pause is of. */
export type PauseSubject = Pick<PauseRecord, 'link' | 'topic'>;

/** Its key in `_umbra`. A topic has one home, and so one link. */
export function pauseKey({ link, topic }: PauseSubject): string {
  return topic === undefined ? `pause/link/${link}` : `pause/topic/${topic}`;
}
