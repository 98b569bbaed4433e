import { createHash } from 'node:crypto';
import { z } from 'zod';
import {
  operationKindSchema,
  operationRecordSchema,
  partRecordSchema,
  partStates,
  stepSchema,
} from '../../operations/operation.ts';
import { type Plan, planCodes, planText } from '../../operations/plan.ts';
import { siteIdSchema } from '../../pair/site.ts';
import { topicStateKindSchema } from '../../pair/topic-state.ts';
import { returnedStates } from '../reconcile/returned-record.ts';
import { planHashSchema } from '../rebuild/rebuild-view.ts';

const isoTime = z.iso.datetime();
const topicName = z.string().min(1).max(249);
/** What a request's body holds at the longest names; more are moved together as `all`, or one after the other. */
const topicsMax = 200;

/** What a person asks to be planned, or confirms with the hash of the plan. */
export const moveRequestSchema = z.strictObject({
  kind: operationKindSchema,
  /** Copies of this site, all of the link, or those of them that are at home here. */
  topics: z.union([z.enum(['all', 'home']), z.array(topicName).min(1).max(topicsMax)], {
    error: `must be "all", "home" or the names of 1 to ${topicsMax} topics`,
  }),
  /** The old side need not be proven to be fenced: said by a person who made sure of it. */
  oldSideUnconfirmed: z.boolean().default(false),
  /** Promote also what is faulted, paused, orphaned or was never level, as it is. */
  includeUnready: z.boolean().default(false),
  /** Do not wait until no producer id can be given out twice: an acknowledged record may be dropped then. */
  withoutIdBarrier: z.boolean().default(false),
});

export type MoveRequest = z.output<typeof moveRequestSchema>;

export type MoveRequestInput = z.input<typeof moveRequestSchema>;

export const confirmedMoveSchema = moveRequestSchema.extend({ plan: planHashSchema });

const lossSchema = z.strictObject({
  seconds: z.number().min(0),
  records: z.int().min(0),
  recordsAtMost: z.int().min(0),
  bytes: z.int().min(0),
  basis: z.enum(['measured', 'estimated', 'stale']),
  sampleAgeMs: z.int().min(0).optional(),
});

const findingSchema = z.strictObject({ code: z.enum(planCodes), message: z.string(), remedy: z.string() });

export const movePlanSchema = z.strictObject({
  hash: planHashSchema,
  kind: operationKindSchema,
  link: z.string(),
  to: siteIdSchema,
  topics: z.array(
    z.strictObject({
      name: z.string(),
      state: topicStateKindSchema,
      partitions: z.int().min(0),
      term: z.int().min(1),
      copyTopicId: z.string(),
      loss: lossSchema.optional(),
    }),
  ),
  steps: z.array(
    z.strictObject({ kind: z.string(), intent: z.string(), probe: z.string(), undo: z.string().optional() }),
  ),
  /** Absent for a switchover, which loses nothing. */
  loss: lossSchema.optional(),
  seconds: z.number().min(0),
  blockers: z.array(findingSchema),
  warnings: z.array(findingSchema),
  unconfirmed: z.boolean(),
  unready: z.boolean(),
});

export type MovePlan = z.output<typeof movePlanSchema>;

export function viewPlan(plan: Plan): MovePlan {
  const hash = createHash('sha256').update(planText(plan)).digest('hex');
  // Through JSON: fields that are undefined are left out.
  return movePlanSchema.parse(JSON.parse(JSON.stringify({ hash, ...plan })));
}

export const operationViewSchema = z.strictObject({
  id: z.string(),
  kind: operationKindSchema,
  link: z.string(),
  to: siteIdSchema,
  topics: z.int().min(1),
  startedAt: isoTime,
  step: stepSchema,
  since: isoTime,
  unconfirmed: z.boolean(),
  /** The steps before, with when each began. */
  passed: operationRecordSchema.shape.passed,
  /** The run of a drill that it is a leg of. */
  drill: operationRecordSchema.shape.drill,
  /** What the other site has done for it, as last read. */
  part: z.enum(partStates).optional(),
  /** What holds it up at this moment. */
  trouble: z.string().optional(),
});

export type OperationView = z.output<typeof operationViewSchema>;

/** What a site has done for an operation of the other one. */
export const partViewSchema = partRecordSchema;

export type PartView = z.output<typeof partViewSchema>;

export const operationsAnswerSchema = z.strictObject({
  /** That this site coordinates. */
  operations: z.array(operationViewSchema),
  /** That it takes part in. */
  parts: z.array(partViewSchema),
});

export type OperationsAnswer = z.output<typeof operationsAnswerSchema>;

/** A topic that is not primary at home. */
export const roleViewSchema = z.strictObject({
  topic: z.string(),
  home: siteIdSchema,
  primary: siteIdSchema,
  term: z.int().min(1),
  since: isoTime.optional(),
  operation: z.string().optional(),
  /** What became of the log of the site that was primary before; absent while it is a copy, or nobody has seen it yet. */
  oldSide: z
    .strictObject({
      state: z.enum(returnedStates),
      /** Offsets above the cut that only the old log has: an upper bound of the records there. */
      tailOffsets: z.int().min(0),
      tailPartitions: z.int().min(0),
      at: isoTime,
    })
    .optional(),
});

export type MovedRoleView = z.output<typeof roleViewSchema>;

export const rolesAnswerSchema = z.strictObject({ roles: z.array(roleViewSchema) });
