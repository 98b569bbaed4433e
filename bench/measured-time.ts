import { type InsideView } from './mover.ts';
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
            loopBlockedMaxMs: inside.loopBlockedMaxMs,
            loopBlockedEverMs: inside.loopBlockedEverMs,
            loopBusyShare: inside.loopBusyShare,
            markers: inside.markers,
          },
        }),
  };
}
