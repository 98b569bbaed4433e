import { waitUntil } from '../src/local/bounded-wait.ts';
import { type InsideView, type RunningMover } from './mover.ts';
import { type Usage, usageOf } from './process-usage.ts';
import { type Run } from './results.ts';

/** Begin of a process, or of the measured part of its life. */
export interface Mark {
  readonly atMs: number;
  readonly usage: Usage;
}

export async function markOf(pid: number): Promise<Mark> {
  return { atMs: performance.now(), usage: await usageOf(pid) };
}

export interface Span {
  readonly startedAtMs: number;
  readonly begin: Mark;
  readonly end: Mark;
  readonly inside: InsideView | undefined;
}

/** What was used between two marks, and before the first. */
export function runOf({ startedAtMs, begin, end, inside }: Span, moved: { bytes: number; offsets: number }): Run {
  return {
    ...moved,
    seconds: (end.atMs - begin.atMs) / 1000,
    cpuSeconds: end.usage.cpuSeconds - begin.usage.cpuSeconds,
    kernelSeconds: end.usage.kernelSeconds - begin.usage.kernelSeconds,
    startUpSeconds: (begin.atMs - startedAtMs) / 1000,
    startUpCpuSeconds: begin.usage.cpuSeconds,
    residentMaxBytes: end.usage.residentMaxBytes,
    ...(inside === undefined
      ? {}
      : {
          inside: {
            loopDelayMaxMs: inside.loopDelayMaxMs,
            loopBusyShare: inside.loopBusyShare,
            markers: inside.markers,
          },
        }),
  };
}

const stuckAfterMs = 240_000;
const lookEveryMs = 25;

/**
 * Waits until `progress` has reached `wanted`, and gives what it then was. Time without any progress is bounded, not
 * the whole: a slow mover is measured as well.
 * @throws with the mover's last lines when it is stuck
 */
export async function reach(
  wanted: number,
  progress: () => Promise<number | undefined>,
  watched: { readonly mover: RunningMover; readonly signal: AbortSignal },
): Promise<number> {
  let last = -1;
  for (;;) {
    const before = last;
    const further = await waitUntil(
      async () => {
        last = (await progress()) ?? last;
        return last > before;
      },
      { timeoutMs: stuckAfterMs, intervalMs: lookEveryMs, signal: watched.signal },
    );
    if (last >= wanted) return last;
    if (further) continue;
    // Its own view rejects with the reason, if it knows one.
    await watched.mover.inside();
    const lines = await watched.mover.logTail();
    throw new Error(`nothing was copied for ${stuckAfterMs / 1000} s, ${last} of ${wanted} offsets are:\n${lines}`);
  }
}
