import { SsmParameters } from '../../aws/ssm-parameters.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import type { Attempt } from './attempt.ts';
import { callWebhook } from './call-webhook.ts';
import { probePrimary } from './probe-primary.ts';
import { type Move, moveAsEnvironment, moveAsJson, type RepointHook } from './repoint-spec.ts';
import { type CommandTold, runHookCommand } from './run-hook-command.ts';
import { updateDns } from './update-dns.ts';
import { writeParameter } from './write-parameter.ts';

/** What became of one hook. No part of it is a secret: no arguments, no headers, of a URL its host. */
export interface HookOutcome {
  /** Its name, or its place and what it runs or calls. */
  readonly hook: string;
  readonly kind: RepointHook['kind'];
  /**
   * `not meant`: the operation is none of its business. `skipped`: it is, but the operation does not move what the hook
   * would write into.
   */
  readonly outcome: 'done' | 'not meant' | 'skipped' | 'failed' | 'given up';
  readonly attempts: number;
  readonly elapsedMs: number;
  /** Why the last attempt failed, or why there was none; undefined when it is done. */
  readonly reason: string | undefined;
  /** What a probe that is done has shown. */
  readonly shown?: string;
}

export interface HookRun {
  readonly move: Move;
  /** Everything that a command may see of the worker's own. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told of each hook when it is over. */
  readonly onOutcome?: (outcome: HookOutcome) => void;
}

/**
 * Runs the hooks one after the other, probes first: who points others at a site has been told by then whether it serves.
 * Never rejects: one that fails in all of its attempts is reported and the next one is run, since applications that were moved
 * are better than none. An abort ends the attempt under way; what was not
 * done by then is `given up`. Hooks must bear to be run again: after a crash nobody knows whether one was.
 */
export async function runHooks(
  hooks: readonly RepointHook[],
  run: HookRun,
  signal: AbortSignal,
): Promise<readonly HookOutcome[]> {
  const outcomes: HookOutcome[] = [];
  const named = hooks.map((hook, index) => ({ hook, name: nameOf(hook, index) }));
  const isProbe = ({ hook }: (typeof named)[number]): boolean => hook.kind === 'probe';
  for (const { hook, name } of [...named.filter(isProbe), ...named.filter((each) => !isProbe(each))]) {
    const outcome = await runHook(hook, name, run, signal);
    outcomes.push(outcome);
    run.onOutcome?.(outcome);
  }
  return outcomes;
}

async function runHook(hook: RepointHook, name: string, run: HookRun, signal: AbortSignal): Promise<HookOutcome> {
  const told = { hook: name, kind: hook.kind };
  const not = notRun(hook, run.move);
  if (not !== undefined) return { ...told, ...not, attempts: 0, elapsedMs: 0 };
  const begun = performance.now();
  const pause = new Wakeup();
  let last: Attempt = { kind: 'failed', reason: 'it was not tried' };
  let attempts = 0;
  while (last.kind === 'failed' && attempts < hook.attempts && !hasAborted(signal)) {
    if (attempts > 0) await pause.wait(signal, retryDelays.after(attempts + steepness));
    if (hasAborted(signal)) break;
    attempts += 1;
    last = await attempt(hook, run, signal);
  }
  const took = { attempts, elapsedMs: Math.round(performance.now() - begun) };
  switch (last.kind) {
    case 'done': {
      const shown = last.shown === undefined ? {} : { shown: last.shown };
      return { ...told, ...took, outcome: 'done', reason: undefined, ...shown };
    }
    case 'failed':
      return { ...told, ...took, outcome: hasAborted(signal) ? 'given up' : 'failed', reason: last.reason };
  }
}

/** Why it is not run; undefined when it is. */
function notRun(hook: RepointHook, { topics }: Move): Pick<HookOutcome, 'outcome' | 'reason'> | undefined {
  const { prefix } = hook;
  if (prefix !== undefined && !topics.some((topic) => topic.startsWith(prefix)))
    return { outcome: 'not meant', reason: `the operation moves no topic ${prefix}…` };
  if (hook.kind === 'probe' && !topics.includes(hook.topic))
    return { outcome: 'skipped', reason: `the operation does not move ${hook.topic}` };
  return undefined;
}

/** What a hook calls is mended by people or restarts: later pauses than those between requests to a broker. */
const steepness = 2;

async function attempt(hook: RepointHook, run: HookRun, signal: AbortSignal): Promise<Attempt> {
  switch (hook.kind) {
    case 'command':
      return doneUnless(await runHookCommand(hook, commandTold(run), signal));
    case 'webhook':
      return doneUnless(await callWebhook(hook, { key: run.move.operationId, body: moveAsJson(run.move) }, signal));
    case 'dns':
      return doneUnless(await updateDns(hook, run.env, signal));
    case 'parameter':
      return writeParameter(hook, run.move, { open: (region) => new SsmParameters(region), signal });
    case 'probe':
      return probePrimary(hook, run.move, signal);
  }
}

function commandTold({ move, env }: HookRun): CommandTold {
  return { input: moveAsJson(move), variables: moveAsEnvironment(move), env };
}

function doneUnless(reason: string | undefined): Attempt {
  return reason === undefined ? { kind: 'done' } : { kind: 'failed', reason };
}

function nameOf(hook: RepointHook, index: number): string {
  return hook.name ?? `${index + 1} (${hook.kind} ${whatOf(hook)})`;
}

function whatOf(hook: RepointHook): string {
  switch (hook.kind) {
    case 'command':
      return hook.command[0] ?? '';
    case 'webhook':
      return new URL(hook.url.reveal()).host;
    case 'dns':
      return hook.zone;
    case 'parameter':
      return hook.name;
    case 'probe':
      return hook.topic;
  }
}
