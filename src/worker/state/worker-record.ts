import { z } from 'zod';
import { incarnationSchema } from '../group/member-data.ts';

/**
 * A life of a worker that may hold partitions: written before it is given any, removed when it is fenced. Who finds one
 * that is no member of the group must take it for alive.
 */
export const workerRecordSchema = z.strictObject({
  incarnation: incarnationSchema,
  url: z.url(),
  since: z.iso.datetime(),
});

export type WorkerRecord = z.output<typeof workerRecordSchema>;
