import type { Logger } from 'pino';
import type { WorkerConfig } from '../worker-config.ts';
import type { Move } from './repoint-spec.ts';
import { type HookOutcome, runHooks } from './run-hooks.ts';

/**
 * Probes the new primary, and tells of a move to whatever moves applications that do not follow by themselves. Resolves to what
 * people have to know of it, a line each: what did not work, which nobody waits for any longer, and what a probe has shown. Rejects only when `signal` aborts; whoever takes up the operation does it again.
 */
export type Repoint = (move: Omit<Move, 'bootstrapServers'>, signal: AbortSignal) => Promise<readonly string[]>;

/** For all hooks of a site together: until they have ended, a switchover's old primary is no copy. */
export const hooksMsMax = 240_000;

/** What a command may need to find its programs and files. The rest of a worker's environment is the worker's own. */
export const passedOn = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'] as const;

const remarkCharsMax = 500;

/** The hooks that the worker's file declares: of the site that it runs at, for moves that make that site primary. */
export function siteHooks(
  { site, clients, clusters, repoint: hooks = [] }: Pick<WorkerConfig, 'site' | 'clients' | 'clusters' | 'repoint'>,
  logger: Logger,
): Repoint {
  const { bootstrapServers } = clients?.[site] ?? clusters[site];
  const env = Object.fromEntries(passedOn.map((name) => [name, process.env[name]]));
  return async (move, signal) => {
    const outcomes = await runHooks(
      hooks,
      {
        move: { ...move, bootstrapServers },
        env,
        onOutcome: (outcome) => {
          const told = { operation: move.operationId, ...outcome };
          const { outcome: what } = outcome;
          if (what === 'done') logger.info(told, 'a hook was run');
          else if (what === 'not meant' || what === 'skipped') logger.info(told, 'a hook was not run');
          else logger.warn(told, `a hook did not do its work: ${byHand(outcome)}`);
        },
      },
      AbortSignal.any([signal, AbortSignal.timeout(hooksMsMax)]),
    );
    signal.throwIfAborted();
    return outcomes.flatMap(remarksOf);
  };
}

function remarksOf(each: HookOutcome): readonly string[] {
  const { hook, attempts, reason = '', shown } = each;
  const line = (text: string): string => `the hook ${hook} ${text}`.slice(0, remarkCharsMax);
  switch (each.outcome) {
    case 'done':
      return shown === undefined ? [] : [line(shown)];
    case 'skipped':
      return [line(`was skipped: ${reason}`)];
    case 'not meant':
      return [];
    case 'failed':
      return [`${line(`failed ${attempts} ${attempts === 1 ? 'time' : 'times'}: ${reason}`)}; ${byHand(each)}`];
    case 'given up':
      return [`${line(`was given up for want of time: ${reason}`)}; ${byHand(each)}`];
  }
}

function byHand({ kind }: HookOutcome): string {
  return kind === 'probe' ? 'applications may fare alike' : 'repoint by hand';
}
