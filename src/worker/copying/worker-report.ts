import { z } from 'zod';
import { incarnationSchema } from '../group/member-data.ts';
import { partitionSampleSchema } from './partition-sample.ts';

/** What keeps a worker from copying its part of the link as it should. */
export const linkProblemSchema = z.strictObject({
  kind: z.enum(['source', 'target', 'acquiring', 'waiting', 'unleased', 'fenced']),
  reason: z.string(),
});

/** Who of the source's producers had the highest id, as far as batches showed it, and a topic that it wrote to. */
export const seenProducerSchema = z.strictObject({ id: z.string().regex(/^\d+$/), topic: z.string() });

export type SeenProducer = z.output<typeof seenProducerSchema>;

export type LinkProblem = z.output<typeof linkProblemSchema>;

/** What a worker tells the controller of its site when it is asked. Nothing of it is ever written down. */
export const workerReportSchema = z.strictObject({
  incarnation: incarnationSchema,
  problem: linkProblemSchema.optional(),
  /** What does not work beside that, or of one partition only, in words. */
  trouble: z.string().optional(),
  samples: z.array(partitionSampleSchema),
  /** Of all it has copied in its life, also of what others copy now. Absent while none had an id. */
  highestProducer: seenProducerSchema.optional(),
});

export type WorkerReport = z.output<typeof workerReportSchema>;
