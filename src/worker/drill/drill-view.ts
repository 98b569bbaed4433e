import { z } from 'zod';
import { drillSpecSchema } from '../../drill/drill-spec.ts';
import { drillLevelSchema, drillVerdictSchema } from '../../drill/level.ts';
import { abortRecordSchema, factsSchema, journalEntrySchema, runRecordSchema } from '../../drill/run-record.ts';
import { scriptSchema } from '../../drill/script.ts';
import { siteIdSchema } from '../../pair/site.ts';
import { approvalSchema, drillFindingSchema, freezeSchema, pastRunSchema } from '../state/drill-memory.ts';
import { checkSchema } from './check.ts';

const isoTime = z.iso.datetime();

/** What the API answers of drills. Times are ISO 8601 in UTC, spans in ms. */
export const nextRunSchema = z.strictObject({
  /** With its jitter. */
  at: isoTime,
  plannedFor: isoTime,
  /** By which window it is not going to run. */
  blocked: z.string().optional(),
});

export const drillViewSchema = z.strictObject({
  spec: drillSpecSchema,
  /** In words; absent where nobody has planned it. */
  schedule: z.string().optional(),
  next: z.array(nextRunSchema),
  /** One after the other, until now. */
  skips: z.int().min(0),
  /** The run that goes on. */
  running: z.string().optional(),
  last: pastRunSchema.optional(),
  approvals: z.array(approvalSchema),
});

export type DrillView = z.output<typeof drillViewSchema>;

/** A run that goes on. */
export const runViewSchema = z.strictObject({
  id: z.string(),
  drill: z.string(),
  level: drillLevelSchema,
  site: siteIdSchema,
  requestedBy: z.string(),
  startedAt: isoTime,
  deadlineAt: isoTime,
  planHash: z.string(),
  state: runRecordSchema.shape.state,
  /** Where it is; absent at its very end. */
  phase: z.string().optional(),
  since: isoTime,
  /** What giving it up would mean now. */
  abortMeans: z.string(),
  journal: z.array(journalEntrySchema),
  facts: factsSchema,
  script: scriptSchema,
  abort: abortRecordSchema.optional(),
  blocked: z.array(z.string()).optional(),
});

export type RunView = z.output<typeof runViewSchema>;

/** One that goes on, or one that is over. */
export const runAnswerViewSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('running'), run: runViewSchema }),
  z.strictObject({ kind: z.literal('over'), run: pastRunSchema }),
]);

export type RunAnswerView = z.output<typeof runAnswerViewSchema>;

/** What a run would do, and what stands against it now as far as this site can tell. Nothing is begun. */
export const drillPlanSchema = z.strictObject({
  drill: z.string(),
  level: drillLevelSchema,
  hash: z.string(),
  script: scriptSchema,
  plannedMs: z.int().min(0),
  checks: z.array(checkSchema),
  /** Would it begin? The other site is asked when it does. */
  blockers: z.array(z.string()),
});

export type DrillPlan = z.output<typeof drillPlanSchema>;

export const drillsAnswerSchema = z.strictObject({
  drills: z.array(drillViewSchema),
  runs: z.array(runViewSchema),
  /** In force at either site. */
  frozen: freezeSchema.optional(),
});

export type DrillsAnswer = z.output<typeof drillsAnswerSchema>;

export const historyAnswerSchema = z.strictObject({ runs: z.array(pastRunSchema) });
export const findingsAnswerSchema = z.strictObject({ findings: z.array(drillFindingSchema) });
export const drillVerdictsSchema = drillVerdictSchema;
