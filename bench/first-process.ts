import { type BenchContext } from './bench-context.ts';
import { withClosing } from './closing.ts';
import { type MoveJob } from './mover.ts';
import { usageOf } from './process-usage.ts';
import { reach } from './progress.ts';
import { type Run } from './results.ts';
import { type CopyingMover, startMover } from './start-mover.ts';

/** What a process reached that was stopped in the middle of a backlog. */
export interface FirstProcess {
  readonly residentMaxBytes: number;
  readonly loopBlockedEverMs: number;
}

/** Starts a mover, lets it copy up to `offsets`, and stops it: the next one with the same job has to resume. */
export async function runFirstProcess(
  mover: CopyingMover,
  given: {
    readonly job: MoveJob;
    readonly context: BenchContext;
    readonly offsets: number;
    readonly progress: () => Promise<number | undefined>;
  },
): Promise<FirstProcess> {
  const { job, context, offsets, progress } = given;
  return withClosing(async (later) => {
    const running = await startMover(mover, job, context);
    later(() => running.stop());
    await reach(offsets, progress, { mover: running, signal: context.signal });
    const { residentMaxBytes } = await usageOf(running.pid);
    return { residentMaxBytes, loopBlockedEverMs: (await running.inside())?.loopBlockedEverMs ?? 0 };
  });
}

/** The worst of both processes, where it is about the worst. */
export function withFirstProcess(first: FirstProcess | undefined, run: Run): Run {
  if (first === undefined) return run;
  const residentMaxBytes = Math.max(first.residentMaxBytes, run.residentMaxBytes);
  const { inside } = run;
  if (inside === undefined) return { ...run, residentMaxBytes };
  const loopBlockedEverMs = Math.max(first.loopBlockedEverMs, inside.loopBlockedEverMs);
  return { ...run, residentMaxBytes, inside: { ...inside, loopBlockedEverMs } };
}
