import { waitUntil } from '../src/local/bounded-wait.ts';
import { type RunningMover } from './mover.ts';

export interface Watched {
  readonly mover: RunningMover;
  readonly signal: AbortSignal;
}

export interface ReachBounds {
  /** Without any progress for so long, the mover is stuck. */
  readonly stuckAfterMs: number;
  /** A mover that is only slow is measured as well, up to this. */
  readonly totalMaxMs: number;
}

const reachBounds: ReachBounds = { stuckAfterMs: 240_000, totalMaxMs: 1_800_000 };
const lookEveryMs = 25;

/**
 * Waits until `progress` (offsets copied so far; undefined: cannot be told now) has reached `wanted`, and gives what it
 * then was.
 * @throws with the mover's last lines when it is stuck, or takes longer than any run may
 */
export async function reach(
  wanted: number,
  progress: () => Promise<number | undefined>,
  watched: Watched,
  bounds: ReachBounds = reachBounds,
): Promise<number> {
  const startedAt = performance.now();
  let most = 0;
  let progressAt = startedAt;
  const over = async (): Promise<boolean> => {
    const now = (await progress()) ?? most;
    if (now > most) [most, progressAt] = [now, performance.now()];
    return most >= wanted || performance.now() - progressAt > bounds.stuckAfterMs;
  };
  await waitUntil(over, { timeoutMs: bounds.totalMaxMs, intervalMs: lookEveryMs, signal: watched.signal });
  if (most >= wanted) return most;
  const [still, whole] = [progressAt, startedAt].map((since) => Math.round((performance.now() - since) / 1000));
  return gaveUp(`${most} of ${wanted} offsets were copied in ${whole} s, none in the last ${still} s`, watched);
}

/** Waits until the condition holds. @throws with `what` and the mover's last lines when it does not within `timeoutMs` */
export async function holds(
  what: string,
  condition: () => Promise<boolean>,
  { timeoutMs, ...watched }: Watched & { readonly timeoutMs: number },
): Promise<void> {
  const bound = { timeoutMs, intervalMs: lookEveryMs, signal: watched.signal };
  if (!(await waitUntil(condition, bound))) await gaveUp(`${what}: not within ${timeoutMs / 1000} s`, watched);
}

async function gaveUp(what: string, { mover }: Watched): Promise<never> {
  // Its own view rejects with the reason, if it knows one.
  await mover.inside();
  throw new Error(`${what}:\n${await mover.logTail()}`);
}
