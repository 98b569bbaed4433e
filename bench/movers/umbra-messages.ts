import { z } from 'zod';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';

/** What umbra.ts and the process it starts tell each other. */
export const umbraJobSchema = z.strictObject({
  source: z.custom<z.input<typeof clusterConfigSchema>>((value) => clusterConfigSchema.safeParse(value).success),
  target: z.custom<z.input<typeof clusterConfigSchema>>((value) => clusterConfigSchema.safeParse(value).success),
  topics: z.array(z.string()).min(1),
  runId: z.string(),
  /** File for a CPU profile of the time from the mark to the end. */
  profileFile: z.string().optional(),
});

export type UmbraJob = z.input<typeof umbraJobSchema>;

export const umbraQuestionSchema = z.strictObject({ kind: z.enum(['mark', 'report']) });

export const umbraAnswerSchema = z.strictObject({
  loopDelayMaxMs: z.number(),
  loopBlockedMaxMs: z.number(),
  loopBlockedEverMs: z.number(),
  loopBusyShare: z.number(),
  markers: z.int(),
  partitions: z.int(),
  level: z.int(),
  /** Faults and errors that the core calls bugs. */
  problems: z.array(z.string()),
  /** The kinds of states the partitions are in. */
  state: z.string(),
});

export type UmbraAnswer = z.output<typeof umbraAnswerSchema>;
