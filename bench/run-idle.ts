import { setTimeout as delay } from 'node:timers/promises';
import { type BenchContext } from './bench-context.ts';
import { checkEnds } from './copy-check.ts';
import { type Follower, withFollower } from './follower.ts';
import { markOf, runOf } from './measured-time.ts';
import { type Run } from './results.ts';
import { type IdleScenario } from './scenarios.ts';
import { type CopyingMover } from './start-mover.ts';

/**
 * What it costs to follow partitions in which nothing happens, after a record went through each. Ten thousand of them
 * take minutes to make: the repetitions are windows of one run, one after the other.
 */
export async function runIdle(
  mover: CopyingMover,
  scenario: IdleScenario,
  { context, count }: { readonly context: BenchContext; readonly count: number },
): Promise<readonly Run[]> {
  const { signal } = context;
  const pause = async (seconds: number): Promise<void> => delay(seconds * 1000, undefined, { signal });
  const measure = async ({ running, topics, startedAtMs }: Follower): Promise<readonly Run[]> => {
    // The time is what is measured here, not waited for.
    await pause(scenario.settleSeconds);
    const runs: Run[] = [];
    for (let window = 0; window < count; window++) {
      await running.mark();
      const begin = await markOf(running.pid);
      await pause(scenario.seconds);
      const end = await markOf(running.pid);
      const inside = await running.inside();
      const run = runOf({ startedAtMs, begin, end, inside }, { bytes: 0, offsets: 0 });
      // There was one start: the windows before this one are no part of it.
      const { startUpSeconds, startUpCpuSeconds } = runs[0] ?? run;
      runs.push({ ...run, startUpSeconds, startUpCpuSeconds });
    }
    await running.checkItself();
    await checkEnds(topics, context);
    return runs;
  };
  return withFollower(mover, scenario, { context, measure });
}
