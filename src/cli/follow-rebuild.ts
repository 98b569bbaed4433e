import type { RebuildPlan, RebuildView } from '../worker/rebuild/rebuild-view.ts';
import { Problem, type ProblemCode } from '../worker/problems.ts';
import { printable } from './printable.ts';
import { rebuildLine } from './rebuild-text.ts';
import type { VerbContext } from './verb.ts';

const lookMs = 500;
/** A worker that does not answer in between is asked again for so long: it may be starting anew. */
const silencesMax = 60;

/** What a worker is asked about one topic: of a rebuild, or of a reconciliation. */
export interface RebuildCalls {
  readonly topic: string;
  view(signal: AbortSignal): Promise<RebuildView>;
  plan(signal: AbortSignal): Promise<RebuildView>;
  execute(hash: string, signal: AbortSignal): Promise<RebuildView>;
}

/** How a person agrees to a plan. */
export interface Confirmation {
  readonly confirm?: string | undefined;
  readonly yes: boolean;
}

/** Has the plan made, and waits for it. */
export async function planOf(context: VerbContext, calls: RebuildCalls): Promise<RebuildPlan> {
  const { topic } = calls;
  const begun = await calls.plan(context.signal);
  if (begun.step !== 'planning' && begun.step !== 'planned') {
    throw new Problem('REBUILD_BUSY', `${topic} is being rebuilt already (${begun.step})`);
  }
  const made = await follow(context, calls, ['planned', 'stopped', 'none']);
  if (made.step === 'planned') return made.plan;
  const why = made.step === 'stopped' ? made.reason : 'the worker was started anew meanwhile';
  throw new Problem('NOT_REBUILT', `no plan for ${topic} could be made: ${why}`);
}

/** Asks, with default no. Throws `NOT_CONFIRMED`, `PLAN_CHANGED`. */
export async function confirm({ io, signal }: VerbContext, plan: RebuildPlan, options: Confirmation): Promise<void> {
  if (options.confirm !== undefined) {
    if (options.confirm === plan.hash) return;
    throw new Problem('PLAN_CHANGED', `the plan is ${plan.hash} now, not ${options.confirm}; nothing was touched`);
  }
  if (options.yes) return;
  if (io.ask === undefined) {
    throw new Problem('NOT_CONFIRMED', `nobody is there to confirm the rebuild of ${plan.topic}; nothing was touched`);
  }
  const typed = await io.ask(`Type the topic's name to go on, anything else to leave it: `, signal);
  if (typed.trim() !== plan.topic) throw new Problem('NOT_CONFIRMED', `not confirmed; nothing was touched`);
}

/**
 * Sends the confirmation until the worker has said what became of it: without an answer it may have been taken up. Asked
 * again with the same plan it changes nothing.
 */
export async function order({ io, signal }: VerbContext, calls: RebuildCalls, hash: string): Promise<void> {
  const { topic } = calls;
  for (let silences = 1; ; silences++) {
    try {
      await calls.execute(hash, signal);
      return;
    } catch (error) {
      if (!(error instanceof Problem) || !passing.has(error.code) || silences >= silencesMax) throw error;
      io.progress?.(`${printable(topic)}: ${printable(error.message)}`);
    }
    await pause(signal);
  }
}

/** Looks again and again until one of these steps is reached. The rebuild itself does not depend on who looks. */
export async function follow(
  context: VerbContext,
  calls: RebuildCalls,
  until: readonly RebuildView['step'][],
): Promise<RebuildView> {
  const { io, signal } = context;
  const { topic } = calls;
  let silences = 0;
  try {
    for (;;) {
      try {
        const view = await calls.view(signal);
        if (until.includes(view.step)) return view;
        silences = 0;
        io.progress?.(rebuildLine(topic, view));
      } catch (error) {
        const passes = error instanceof Problem && passing.has(error.code);
        silences += 1;
        if (!passes || silences > silencesMax) throw error;
        io.progress?.(`${printable(topic)}: ${printable(error.message)}`);
      }
      await pause(signal);
    }
  } finally {
    io.progress?.('');
  }
}

/** In words, of one that did not come to its end. Pure. */
export function howItEnded(view: RebuildView): string {
  if (view.step === 'interrupted') return `is interrupted at its step ${view.at}: ${view.reason}`;
  if (view.step !== 'stopped') return `is not known to the worker any more: nothing was touched`;
  const copy =
    view.copy === 'kept'
      ? 'its copy is as it was'
      : 'the deletion of its copy had been sent, and whether it is gone is not known';
  return `stopped, ${copy}: ${view.reason}`;
}

/** A worker that starts anew does not know its topics for a moment. */
const passing: ReadonlySet<ProblemCode> = new Set(['UNREACHABLE', 'NOT_READY', 'NOT_FOUND']);

function pause(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve) => {
    setTimeout(resolve, lookMs);
  });
}
