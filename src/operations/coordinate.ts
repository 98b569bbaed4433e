import { type OperationRecord, type PartRecord, type Step } from './operation.ts';
import { stepAfter, type WorkingStep } from './steps.ts';
import type { WorkState } from './work-state.ts';

/** What the coordinator of an operation knows when it is asked for its next move. */
export interface CoordinatorFacts {
  readonly operation: Pick<OperationRecord, 'kind' | 'unconfirmed' | 'step'>;
  /** The newest answer of the other site; it may be old. */
  readonly part: Pick<PartRecord, 'state' | 'reason'> | undefined;
  /** Of this life's work for the step it is at. */
  readonly work: WorkState;
  /** It was asked at this step and does not answer. */
  readonly silent: boolean;
  /** How long this life has been at the step. */
  readonly waitedMs: number;
  /** A person wants it to be given up. */
  readonly cancelled: boolean;
}

export interface CoordinatorLimits {
  /** For the other site to fence. */
  readonly fenceMsMax: number;
  /** The same where a person said that a failover need not wait for it; where it is silent none is waited for. */
  readonly unconfirmedMsMax: number;
  readonly sealMsMax: number;
}

export const defaultCoordinatorLimits: CoordinatorLimits = {
  fenceMsMax: 15_000,
  unconfirmedMsMax: 3_000,
  sealMsMax: 15_000,
};

/** Work of which the effect is idempotent: after a crash it is begun again. */
export type CoordinatorWork = 'drain' | 'settle' | 'prepare' | 'grant' | 'repoint' | 'release';

export type CoordinatorMove =
  | { readonly kind: 'work'; readonly work: CoordinatorWork }
  /** Writes where it is, before that step begins. */
  | { readonly kind: 'note'; readonly step: Step }
  /** Writes the new terms together with the step that follows, all or none. */
  | { readonly kind: 'promote'; readonly step: Step }
  | { readonly kind: 'wait' }
  | { readonly kind: 'over' };

/**
 * The coordinator's next move. Pure, and all there is to the order of things: who carries it out decides nothing. Before
 * the new terms are written every failure, cancellation and silence leads to `aborting`; behind them nothing does.
 */
export function coordinatorMove(facts: CoordinatorFacts, limits = defaultCoordinatorLimits): CoordinatorMove {
  const { step, kind: operation } = facts.operation;
  switch (step.kind) {
    case 'fencing':
      return whileFencing(facts, limits);
    case 'draining':
      return beforeTheLine(facts, 'drain', 'draining');
    case 'settling':
      return beforeTheLine(facts, 'settle', 'settling');
    case 'sealing':
      return whileSealing(facts, limits);
    case 'promoting': {
      const move = beforeTheLine(facts, 'prepare', 'promoting');
      return move.kind === 'note' && move.step.kind === 'granting' ? { kind: 'promote', step: move.step } : move;
    }
    case 'granting':
      return behindTheLine(facts, 'grant', 'granting');
    case 'repointing':
      return behindTheLine(facts, 'repoint', 'repointing');
    case 'reversing':
      return facts.part?.state === 'reversed' ? forwards(operation, 'reversing') : { kind: 'wait' };
    case 'aborting':
      return whileAborting(facts, step.reason);
    case 'done':
    case 'aborted':
      return { kind: 'over' };
  }
}

function whileFencing(facts: CoordinatorFacts, { fenceMsMax, unconfirmedMsMax }: CoordinatorLimits): CoordinatorMove {
  const { part, cancelled, waitedMs, operation } = facts;
  if (cancelled) return abort('it was cancelled');
  const mayGoOn = operation.kind === 'failover' && operation.unconfirmed;
  switch (part?.state) {
    case 'fenced':
    case 'sealed':
      return forwards(operation.kind, 'fencing');
    case 'restoring':
    case 'restored':
      if (mayGoOn) return forwards(operation.kind, 'fencing');
      return abort(part.reason ?? 'the old primary could not be fenced');
    default: {
      if (mayGoOn && (facts.silent || waitedMs >= unconfirmedMsMax)) return forwards(operation.kind, 'fencing');
      if (waitedMs < fenceMsMax) return { kind: 'wait' };
      return abort('the old primary did not say within the time allowed that it is fenced');
    }
  }
}

function whileSealing(facts: CoordinatorFacts, { sealMsMax }: CoordinatorLimits): CoordinatorMove {
  const { part, cancelled, waitedMs, operation } = facts;
  if (cancelled) return abort('it was cancelled');
  if (part?.state === 'sealed') return forwards(operation.kind, 'sealing');
  if (part?.state === 'restoring' || part?.state === 'restored')
    return abort(part.reason ?? 'the old primary has given its rights back');
  return waitedMs < sealMsMax
    ? { kind: 'wait' }
    : abort('the old primary did not seal its fence within the time allowed');
}

/** Nothing has been promised to anybody yet: what fails is taken back. */
function beforeTheLine(
  { operation, part, work, cancelled }: CoordinatorFacts,
  name: CoordinatorWork,
  step: WorkingStep,
): CoordinatorMove {
  if (cancelled) return abort('it was cancelled');
  const fenceGone = operation.kind === 'switchover' && (part?.state === 'restoring' || part?.state === 'restored');
  if (fenceGone) return abort(part.reason ?? 'the old primary has given its rights back');
  switch (work.kind) {
    case 'none':
      return { kind: 'work', work: name };
    case 'failed':
      return abort(work.reason);
    case 'done':
      return forwards(operation.kind, step);
  }
}

/** The site is primary: whatever does not work is tried again until it does. */
function behindTheLine(
  { operation, work }: CoordinatorFacts,
  name: CoordinatorWork,
  step: WorkingStep,
): CoordinatorMove {
  return work.kind === 'done' ? forwards(operation.kind, step) : { kind: 'work', work: name };
}

/** Over when the copies are copies again and the other site, if it has begun, has given everything back. */
function whileAborting({ part, work }: CoordinatorFacts, reason: string): CoordinatorMove {
  if (work.kind !== 'done') return { kind: 'work', work: 'release' };
  const restored = part === undefined || part.state === 'restored';
  return restored ? { kind: 'note', step: { kind: 'aborted', reason } } : { kind: 'wait' };
}

function forwards(operation: OperationRecord['kind'], step: WorkingStep): CoordinatorMove {
  const next = stepAfter(operation, step);
  return { kind: 'note', step: next === undefined ? { kind: 'done', remarks: [] } : { kind: next } };
}

function abort(reason: string): CoordinatorMove {
  return { kind: 'note', step: { kind: 'aborting', reason } };
}
