import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import { callWebhook } from './call-webhook.ts';
import type { Move, RepointHook } from './repoint-spec.ts';
import { runHookCommand } from './run-hook-command.ts';

/** What became of one hook. No part of it is a secret: no arguments, no headers, of a URL its host. */
export interface HookOutcome {
  /** Its name, or its place and what it runs or calls. */
  readonly hook: string;
  readonly outcome: 'done' | 'failed' | 'given up';
  readonly attempts: number;
  readonly elapsedMs: number;
  /** Why the last attempt failed; undefined when it is done. */
  readonly reason: string | undefined;
}

export interface HookRun {
  readonly move: Move;
  /** Everything that a command may see of the worker's own. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told of each hook when it is over. */
  readonly onOutcome?: (outcome: HookOutcome) => void;
}

/**
 * Runs the hooks one after the other. Never rejects: one that fails in all of its attempts is reported and the next one
 * is run, since applications that were moved are better than none. An abort ends the attempt under way; what was not
 * done by then is `given up`. Hooks must bear to be run again: after a crash nobody knows whether one was.
 */
export async function runHooks(
  hooks: readonly RepointHook[],
  run: HookRun,
  signal: AbortSignal,
): Promise<readonly HookOutcome[]> {
  const outcomes: HookOutcome[] = [];
  for (const [index, hook] of hooks.entries()) {
    const outcome = await runHook(hook, nameOf(hook, index), run, signal);
    outcomes.push(outcome);
    run.onOutcome?.(outcome);
  }
  return outcomes;
}

async function runHook(
  hook: RepointHook,
  name: string,
  { move, env }: HookRun,
  signal: AbortSignal,
): Promise<HookOutcome> {
  const begun = performance.now();
  const pause = new Wakeup();
  let reason: string | undefined = 'it was not tried';
  let attempts = 0;
  while (attempts < hook.attempts && !hasAborted(signal)) {
    if (attempts > 0) await pause.wait(signal, retryDelays.after(attempts + steepness));
    if (hasAborted(signal)) break;
    attempts += 1;
    reason = await attempt(hook, { move, env }, signal);
    if (reason === undefined) break;
  }
  const elapsedMs = Math.round(performance.now() - begun);
  const failed = hasAborted(signal) ? 'given up' : 'failed';
  return { hook: name, outcome: reason === undefined ? 'done' : failed, attempts, elapsedMs, reason };
}

/** What a hook calls is mended by people or restarts: later pauses than those between requests to a broker. */
const steepness = 2;

/** Why it failed, or undefined. */
function attempt(hook: RepointHook, run: HookRun, signal: AbortSignal): Promise<string | undefined> {
  switch (hook.kind) {
    case 'command':
      return runHookCommand(hook, run, signal);
    case 'webhook':
      return callWebhook(hook, run.move, signal);
  }
}

function nameOf(hook: RepointHook, index: number): string {
  if (hook.name !== undefined) return hook.name;
  const what = hook.kind === 'command' ? (hook.command[0] ?? '') : new URL(hook.url.reveal()).host;
  return `${index + 1} (${hook.kind} ${what})`;
}
