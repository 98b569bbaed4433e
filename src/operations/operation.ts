import { z } from 'zod';
import { siteIdSchema } from '../pair/site.ts';

/**
 * Moving the role of primary from one site to the other, as data. An operation is coordinated by the site that becomes
 * primary; the other one takes part. Each writes only its own `_umbra` and reads the other's: that is all they say to
 * each other.
 *
 * - `failover`    the old primary is gone or given up: what has not arrived is lost, or comes back as a tail
 * - `switchover`  both are well: nothing is lost, or nothing is changed. A failback is a switchover that leads home
 */
export const operationKinds = ['failover', 'switchover'] as const;

export const operationKindSchema = z.enum(operationKinds);

export type OperationKind = z.output<typeof operationKindSchema>;

export const operationIdSchema = z.string().regex(/^(failover|switchover)-[0-9a-z-]{6,48}$/);

const isoTime = z.iso.datetime();
const reason = z.string().max(2_000);

/** Where the coordinator is. What a step does, how it is probed and undone: `steps.ts`. */
export const stepSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fencing') }),
  z.strictObject({ kind: z.literal('draining') }),
  z.strictObject({ kind: z.literal('settling') }),
  z.strictObject({ kind: z.literal('sealing') }),
  z.strictObject({ kind: z.literal('promoting') }),
  z.strictObject({ kind: z.literal('granting') }),
  z.strictObject({ kind: z.literal('repointing') }),
  z.strictObject({ kind: z.literal('reversing') }),
  z.strictObject({ kind: z.literal('done'), remarks: z.array(reason) }),
  z.strictObject({ kind: z.literal('aborting'), reason }),
  z.strictObject({ kind: z.literal('aborted'), reason }),
]);

export type Step = z.output<typeof stepSchema>;

export type StepKind = Step['kind'];

/** More than any path has. */
const stepsMax = 20;

/** Which move of which run of a drill an operation is (docs/drills.md). */
export const drillLegSchema = z.strictObject({ run: z.string().max(100), leg: z.int().min(0) });

export type DrillLeg = z.output<typeof drillLegSchema>;

/** The coordinator's journal of one operation: written before a step begins to act. */
export const operationRecordSchema = z.strictObject({
  id: operationIdSchema,
  kind: operationKindSchema,
  /** The link whose copies become primary; it ends at `to`. */
  link: z.string(),
  to: siteIdSchema,
  /** How many; their names stand in pages of their own. */
  topics: z.int().min(1),
  planHash: z.string(),
  startedAt: isoTime,
  /** Said by a person: the old side is not proven to be fenced, and need not be. */
  unconfirmed: z.boolean(),
  /** Said by a person: it need not wait until no producer id can be given out twice. */
  withoutIdBarrier: z.boolean(),
  step: stepSchema,
  /** What did not work on the way and held nothing up: told at the end. */
  remarks: z.array(reason).optional(),
  /** Since when it is at this step. */
  since: isoTime,
  /** The steps before, with when each began. */
  passed: z
    .array(z.strictObject({ step: z.string(), at: isoTime }))
    .max(stepsMax)
    .optional(),
  /** The run of a drill that it is a leg of. */
  drill: drillLegSchema.optional(),
});

export type OperationRecord = z.output<typeof operationRecordSchema>;

/**
 * What the other site has done for an operation:
 *
 * - `fencing`    writers are being withdrawn: some may be refused already
 * - `fenced`     nobody may write there. Given back by itself when the operation does not go on in time
 * - `sealed`     as fenced, and only the coordinator's word gives it back
 * - `restoring`, `restored`  the rights are given back, all of them
 * - `reversing`, `reversed`  its topics are copies from where they end
 * - `returned`   fenced after a failover that it did not take part in: its tails wait for a decision
 */
export const partStates = [
  'fencing',
  'fenced',
  'sealed',
  'restoring',
  'restored',
  'reversing',
  'reversed',
  'returned',
] as const;

export type PartState = (typeof partStates)[number];

/** The journal of the site that takes part. */
export const partRecordSchema = z.strictObject({
  operation: operationIdSchema,
  link: z.string(),
  state: z.enum(partStates),
  since: isoTime,
  /** Why it is given back, where it was not the coordinator who said so. */
  reason: reason.optional(),
});

export type PartRecord = z.output<typeof partRecordSchema>;

/** Steps at which the new primary is primary: written together with the new terms, and never taken back. */
const promoted: ReadonlySet<StepKind> = new Set(['granting', 'repointing', 'reversing', 'done']);

/** Behind the point of no return. */
export function isPromoted({ kind }: Step): boolean {
  return promoted.has(kind);
}

/** Nothing is left to do for the coordinator. */
export function isOver({ kind }: Step): boolean {
  return kind === 'done' || kind === 'aborted';
}

/** Nothing is left to do for the site that takes part. */
export function isPartOver(state: PartState): boolean {
  return state === 'restored' || state === 'reversed' || state === 'returned';
}
