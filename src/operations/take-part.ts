import { isPromoted, type OperationRecord, type PartRecord, type PartState } from './operation.ts';
import type { WorkState } from './work-state.ts';

/** What the site that takes part knows of one operation of the other site. */
export interface PartFacts {
  /** As the other site's `_umbra` says; it may be old. */
  readonly operation: Pick<OperationRecord, 'kind' | 'step'>;
  /** Age of the operation by both clocks of the sites; undefined counts as too old. */
  readonly ageMs: number | undefined;
  /** Its own journal; undefined before it has begun. */
  readonly part: Pick<PartRecord, 'state'> | undefined;
  /** Of this life's work in this state; a fence that somebody gets through has failed. */
  readonly work: WorkState;
  /** How long this life has seen it in this state. */
  readonly waitedMs: number;
  /** A person made sure that the other site will not take the topics over any more. Default no. */
  readonly released?: boolean;
}

export interface PartLimits {
  /** An operation that began longer ago and was never taken part in is not begun with. */
  readonly beginMsMax: number;
  /** A fence that is not sealed within this time is taken down again. */
  readonly holdMsMax: number;
}

export const defaultPartLimits: PartLimits = { beginMsMax: 60_000, holdMsMax: 120_000 };

/** Idempotent: begun again after a crash. */
export type PartWork = 'raise' | 'seal' | 'lower' | 'reverse';

export type PartMove =
  | { readonly kind: 'work'; readonly work: PartWork }
  | { readonly kind: 'note'; readonly state: PartState; readonly reason?: string }
  | { readonly kind: 'wait' }
  | { readonly kind: 'over' };

/**
 * The next move of the site that was primary. Pure. Two rules keep it from being a second writer, or from being none:
 * before `sealed` it may give the rights back by itself, and then the coordinator can never get `sealed`; after it only
 * the coordinator's `aborting` gives them back, which it can never write once it is primary.
 */
export function partMove(facts: PartFacts, limits = defaultPartLimits): PartMove {
  const { operation, part, ageMs } = facts;
  const promoted = isPromoted(operation.step);
  if (facts.released === true && part !== undefined && isReleasable(part.state) && !promoted) {
    return {
      kind: 'note',
      state: 'restoring',
      reason: 'it was released: a person made sure that nobody takes it over',
    };
  }
  switch (part?.state) {
    case undefined: {
      // The other site is primary: whoever may still write here must not, however late this is found out.
      if (promoted) return { kind: 'note', state: 'fencing' };
      const fresh = ageMs !== undefined && ageMs <= limits.beginMsMax;
      return operation.step.kind === 'fencing' && fresh ? { kind: 'note', state: 'fencing' } : { kind: 'wait' };
    }
    case 'fencing':
      return whileRaising(facts);
    case 'fenced':
      return whileFenced(facts, limits);
    case 'sealed':
      if (promoted) return { kind: 'note', state: 'reversing' };
      return isGivenUp(facts) ? { kind: 'note', state: 'restoring' } : { kind: 'wait' };
    case 'restoring':
      return facts.work.kind === 'done' ? { kind: 'note', state: 'restored' } : { kind: 'work', work: 'lower' };
    case 'reversing':
      return facts.work.kind === 'done' ? { kind: 'note', state: 'reversed' } : { kind: 'work', work: 'reverse' };
    case 'restored':
      // A failover that went on without the fence.
      return promoted ? { kind: 'note', state: 'fencing' } : { kind: 'over' };
    case 'reversed':
    case 'returned':
      return { kind: 'over' };
  }
}

function whileRaising(facts: PartFacts): PartMove {
  const { work, operation } = facts;
  const promoted = isPromoted(operation.step);
  if (isGivenUp(facts)) return { kind: 'note', state: 'restoring' };
  switch (work.kind) {
    case 'none':
      return { kind: 'work', work: 'raise' };
    case 'done':
      return { kind: 'note', state: 'fenced' };
    case 'failed':
      // Where the other site is primary already it is tried until nobody gets through; until then it shows.
      return promoted ? { kind: 'work', work: 'raise' } : { kind: 'note', state: 'restoring', reason: work.reason };
  }
}

function whileFenced(facts: PartFacts, { holdMsMax }: PartLimits): PartMove {
  const { operation, work, waitedMs } = facts;
  if (isGivenUp(facts)) return { kind: 'note', state: 'restoring' };
  if (operation.kind === 'failover') {
    return isPromoted(operation.step) ? { kind: 'note', state: 'returned' } : { kind: 'wait' };
  }
  // Promoted without a seal it cannot be; but if it is, giving the rights back would be the worst that can be done.
  if (isPromoted(operation.step)) return { kind: 'note', state: 'sealed' };
  if (work.kind === 'failed') return { kind: 'note', state: 'restoring', reason: work.reason };
  if (operation.step.kind === 'sealing') {
    return work.kind === 'done' ? { kind: 'note', state: 'sealed' } : { kind: 'work', work: 'seal' };
  }
  if (waitedMs <= holdMsMax) return { kind: 'wait' };
  return { kind: 'note', state: 'restoring', reason: 'the operation did not go on in time' };
}

/** The fence is up, or going up, and the other site may not have taken over. */
export function isReleasable(state: PartState): boolean {
  return state === 'fencing' || state === 'fenced' || state === 'sealed';
}

function isGivenUp({ operation }: PartFacts): boolean {
  return operation.step.kind === 'aborting' || operation.step.kind === 'aborted';
}
