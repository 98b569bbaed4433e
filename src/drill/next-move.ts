import type { DrillVerdict } from './level.ts';
import { seesToTails } from './loss-on-purpose.ts';
import type { AbortRecord, RunRecord } from './run-record.ts';
import type { Phase } from './script.ts';
import { type AbortAction, abortTable, type AbortTrigger, mostUrgent } from './triggers.ts';

/** Of the operation that carries out a leg, as the site that coordinates it says. */
export type LegSeen =
  | { readonly kind: 'not begun' }
  /** Its coordinator does not begin with it. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'going on'; readonly promoted: boolean; readonly aborting: boolean }
  | { readonly kind: 'done' }
  | { readonly kind: 'given up'; readonly reason: string };

export interface TriggerSeen {
  readonly trigger: AbortTrigger;
  readonly reason: string;
}

/** What has become of a phase's work in this life. */
export type PhaseWork =
  | { readonly kind: 'none' }
  | { readonly kind: 'done' }
  /** It stands against the drill, or shows that something is wrong. */
  | { readonly kind: 'failed'; readonly reasons: readonly string[] };

/** What the controller knows of a run when it is asked for its next move. */
export interface RunSight {
  readonly run: Pick<RunRecord, 'script' | 'at' | 'abort'> & { readonly facts: Pick<RunRecord['facts'], 'failures'> };
  readonly work: PhaseWork;
  /** Of the leg of a `move` phase; `not begun` elsewhere. */
  readonly leg: LegSeen;
  /** Topics of the drill are not at home, by the roles that both sites show. */
  readonly away: boolean;
  readonly triggers: readonly TriggerSeen[];
}

export type RunMove =
  /** The work of the phase is to be begun; idempotent. */
  | { readonly kind: 'work' }
  /** The operation of the leg is to be given up. */
  | { readonly kind: 'cancel leg' }
  /** Written down, before anything follows from it. */
  | { readonly kind: 'abort'; readonly abort: Omit<AbortRecord, 'at'>; readonly failures: readonly string[] }
  /** To another phase. `failures`: what this one has shown to be wrong. */
  | { readonly kind: 'go'; readonly to: number; readonly result: PhaseResult; readonly failures: readonly string[] }
  /** Nothing stands against it but what is named: the run never begins. */
  | { readonly kind: 'block'; readonly reasons: readonly string[] }
  | { readonly kind: 'wait' }
  | { readonly kind: 'end' };

export type PhaseResult = 'done' | 'failed' | 'given up';

/**
 * The next move of a run. Pure, and all there is to the order of things: who carries it out decides nothing. Every way through
 * it ends with `judge` (where something was moved), `cleanup` and `seal`, whatever happened before; behind `lose` they come
 * after `mend`.
 */
export function nextMove(sight: RunSight): RunMove {
  const { run } = sight;
  const phase = run.script.phases[run.at];
  if (phase === undefined) return { kind: 'end' };
  const ending = isEnding(phase);
  if (run.abort === undefined && !ending) {
    const seen = mostUrgent(triggersOf(sight, phase));
    if (seen !== undefined) return abort(sight, phase, seen);
  }
  if (run.abort !== undefined && !ending) return whileAborting(sight, phase, run.abort);
  if (phase.does === 'move') return whileMoving(sight, phase);
  return whileWorking(sight, phase);
}

/** How a run ends that came to its end. Pure. */
export function verdictOf({ facts, abort, blocked }: Pick<RunRecord, 'facts' | 'abort' | 'blocked'>): {
  readonly verdict: DrillVerdict;
  readonly reasons: readonly string[];
} {
  if (blocked !== undefined) return { verdict: 'BLOCKED', reasons: blocked };
  const reasons = [...(abort === undefined ? [] : [`${abort.trigger}: ${abort.reason}`]), ...facts.failures];
  const aborted = abort === undefined ? undefined : ruleOf(abort).verdict;
  if (aborted === 'INTERRUPTED' && facts.failures.length === 0) return { verdict: 'INTERRUPTED', reasons };
  return reasons.length > 0 ? { verdict: 'FAILED', reasons } : { verdict: 'PASSED', reasons: [] };
}

/** What follows from an abort. */
export function ruleOf({ trigger, before }: Pick<AbortRecord, 'trigger' | 'before'>): {
  readonly action: AbortAction;
  readonly verdict: 'FAILED' | 'INTERRUPTED';
  readonly page: boolean;
} {
  return abortTable[trigger][before ? 'before' : 'after'];
}

/** What every run comes to that has begun. */
function isEnding({ does }: Phase): boolean {
  return does === 'judge' || does === 'cleanup' || does === 'seal';
}

/** Gives back what a run has taken away on purpose. */
function isRestoring({ does }: Phase): boolean {
  return does === 'mend' || does === 'reconcile';
}

/** Where a run goes that is given up: what was taken away is given back first. */
function endOf({ script, at }: RunSight['run']): number {
  const find = (does: Phase['does']): number => script.phases.findIndex((phase) => phase.does === does);
  const mend = find('mend');
  return at < mend && find('lose') <= at ? mend : script.phases.findIndex(isEnding);
}

function triggersOf({ triggers, leg }: RunSight, phase: Phase): readonly TriggerSeen[] {
  if (phase.does !== 'move') return triggers;
  if (leg.kind === 'refused' || leg.kind === 'given up')
    return [...triggers, { trigger: 'operation given up', reason: leg.reason }];
  // It ends by itself: what would end it has been heard already.
  return leg.kind === 'going on' && leg.aborting ? [] : triggers;
}

/** Nothing of what is under way has passed its point of no return. */
function isBefore({ leg, away }: RunSight, phase: Phase): boolean {
  if (phase.does !== 'move') return !away;
  if (leg.kind === 'done') return false;
  return leg.kind !== 'going on' || !leg.promoted;
}

function whileWorking(sight: RunSight, phase: Phase): RunMove {
  const { run, work } = sight;
  switch (work.kind) {
    case 'none':
      return { kind: 'work' };
    case 'done':
      return go(run.at + 1, 'done');
    case 'failed': {
      const { reasons } = work;
      if (isEnding(phase) || phase.does === 'rehearse') return go(run.at + 1, 'failed', reasons);
      if (isRestoring(phase)) return go(endOf(run), 'failed', reasons);
      if (phase.does === 'lose') {
        const [reason = 'the loss cannot be made'] = reasons;
        return abort(sight, phase, { trigger: 'operation given up', reason });
      }
      if (phase.does !== 'prove') return { kind: 'block', reasons };
      const reason = `after move ${phase.leg + 1} not everything is as it has to be`;
      return { ...abort(sight, phase, { trigger: 'canary', reason }), failures: reasons };
    }
  }
}

function whileMoving(sight: RunSight, phase: Extract<Phase, { readonly does: 'move' }>): RunMove {
  const { run, work, leg } = sight;
  switch (leg.kind) {
    case 'not begun':
      if (work.kind === 'failed')
        return abort(sight, phase, {
          trigger: 'operation given up',
          reason: work.reasons[0] ?? 'it could not be begun',
        });
      return work.kind === 'none' ? { kind: 'work' } : { kind: 'wait' };
    case 'going on':
      return { kind: 'wait' };
    case 'done':
      return go(run.at + 1, 'done');
    case 'refused':
    case 'given up':
      return abort(sight, phase, { trigger: 'operation given up', reason: leg.reason });
  }
}

/** To the nearest safe state, and from there to the end. */
function whileAborting({ run, leg, work }: RunSight, phase: Phase, aborted: AbortRecord): RunMove {
  const { action } = ruleOf(aborted);
  const end = endOf(run);
  if (isRestoring(phase)) {
    const tails = seesToTails(aborted.trigger);
    if (phase.does === 'reconcile' && !tails) return go(end, 'given up');
    if (work.kind === 'none') return { kind: 'work' };
    if (work.kind === 'failed') return go(end, 'failed', work.reasons);
    return go(phase.does === 'mend' && tails ? run.at + 1 : end, 'done');
  }
  if (phase.does === 'move') {
    switch (leg.kind) {
      case 'not begun':
      case 'refused':
      case 'given up':
        return go(end, 'given up');
      case 'going on':
        // Past the line nothing is undone, whatever the table wanted when it was read.
        return leg.promoted || leg.aborting || action !== 'undo' ? { kind: 'wait' } : { kind: 'cancel leg' };
      case 'done':
        return action === 'prove' ? go(run.at + 1, 'done') : go(end, 'given up');
    }
  }
  if (work.kind === 'failed') return go(end, 'failed', work.reasons);
  if (phase.does === 'prove' && action === 'prove') return work.kind === 'none' ? { kind: 'work' } : go(end, 'done');
  return go(end, 'given up');
}

function abort(sight: RunSight, phase: Phase, { trigger, reason }: TriggerSeen): Extract<RunMove, { kind: 'abort' }> {
  return { kind: 'abort', abort: { trigger, reason, before: isBefore(sight, phase) }, failures: [] };
}

function go(to: number, result: PhaseResult, failures: readonly string[] = []): RunMove {
  return { kind: 'go', to, result, failures };
}
