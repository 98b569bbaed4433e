import type { Logger } from 'pino';
import type { WorkerConfig } from '../worker-config.ts';
import type { Move } from './repoint-spec.ts';
import { type HookOutcome, runHooks } from './run-hooks.ts';

/**
 * Tells of a move to whatever moves applications that do not follow by themselves. Resolves to what did not work, a line
 * each: nobody waits for it any longer. Rejects only when `signal` aborts; whoever takes up the operation does it again.
 */
export type Repoint = (move: Omit<Move, 'bootstrapServers'>, signal: AbortSignal) => Promise<readonly string[]>;

/** For all hooks of a site together: until they have ended, a switchover's old primary is no copy. */
export const hooksMsMax = 240_000;

/** What a command may need to find its programs and files. The rest of a worker's environment is the worker's own. */
const passedOn = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'] as const;

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
          if (outcome.outcome === 'done') logger.info(told, 'a hook was run');
          else logger.warn(told, 'a hook did not do its work: repoint by hand');
        },
      },
      AbortSignal.any([signal, AbortSignal.timeout(hooksMsMax)]),
    );
    signal.throwIfAborted();
    return outcomes.flatMap((each) => (each.outcome === 'done' ? [] : [remarkOf(each)]));
  };
}

function remarkOf({ hook, outcome, attempts, reason = '' }: HookOutcome): string {
  const tried = `${attempts} ${attempts === 1 ? 'time' : 'times'}`;
  const text = outcome === 'given up' ? `was given up for want of time: ${reason}` : `failed ${tried}: ${reason}`;
  return `${`the hook ${hook} ${text}`.slice(0, remarkCharsMax)}; repoint by hand`;
}
