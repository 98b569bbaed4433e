import { z } from 'zod';
import { incarnationSchema } from '../group/member-data.ts';
import { partitionSampleSchema } from './partition-sample.ts';

/** What keeps a worker from copying its part of the link as it should. */
export const linkProblemSchema = z.strictObject({
  kind: z.enum(['source', 'target', 'acquiring', 'waiting', 'unleased', 'fenced']),
  reason: z.string(),
});

export type LinkProblem = z.output<typeof linkProblemSchema>;

/** What a worker tells the controller of its site when it is asked. Nothing of it is ever written down. */
export const workerReportSchema = z.strictObject({
  incarnation: incarnationSchema,
  problem: linkProblemSchema.optional(),
  /** What does not work beside that, or of one partition only, in words. */
  trouble: z.string().optional(),
  samples: z.array(partitionSampleSchema),
});

export type WorkerReport = z.output<typeof workerReportSchema>;
