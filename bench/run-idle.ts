import { setTimeout as delay } from 'node:timers/promises';
import { type BenchContext } from './bench-context.ts';
import { awaitFirstCopies } from './first-copies.ts';
import { markOf, runOf } from './measured-time.ts';
import { type Run } from './results.ts';
import { makeSourceTopics, makeTargetTopics, removeTopics, topicsOf } from './scenario-topics.ts';
import { type IdleScenario } from './scenarios.ts';
import { type CopyingMover, startMover } from './start-mover.ts';

/** What it costs to follow partitions in which nothing happens, after a record went through each. */
export async function runIdle(mover: CopyingMover, scenario: IdleScenario, context: BenchContext): Promise<Run> {
  const topics = topicsOf(scenario);
  const { signal } = context;
  await makeSourceTopics(scenario, context);
  await makeTargetTopics(scenario, context);
  const startedAtMs = performance.now();
  const running = await startMover(mover, scenario, { context, topics });
  try {
    await awaitFirstCopies({ topics, partitions: scenario.at.partitions }, context, running);
    // The time is what is measured here, not waited for.
    await delay(scenario.settleSeconds * 1000, undefined, { signal });
    await running.mark();
    const begin = await markOf(running.pid);
    await delay(scenario.seconds * 1000, undefined, { signal });
    const end = await markOf(running.pid);
    const inside = await running.inside();
    return runOf({ startedAtMs, begin, end, inside }, { bytes: 0, offsets: 0 });
  } finally {
    await running.stop();
    await removeTopics(scenario, context);
  }
}
