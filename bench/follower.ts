import { type BenchContext } from './bench-context.ts';
import { withClosing } from './closing.ts';
import { reach } from './progress.ts';
import { type RunningMover } from './mover.ts';
import { endSum, makeTargetTopics, removeTargetTopics, topicsOf } from './scenario-topics.ts';
import { type Scenario } from './scenarios.ts';
import { type CopyingMover, moveJob, startMover } from './start-mover.ts';
import { endOffsets } from './topics.ts';

/** A mover that has copied all there is and waits for more. */
export interface Follower {
  readonly running: RunningMover;
  readonly topics: readonly string[];
  readonly startedAtMs: number;
}

/**
 * Starts the mover on new copies of the scenario's topics, which are at the source already, measures, and removes the
 * copies again.
 */
export async function withFollower<T>(
  mover: CopyingMover,
  scenario: Scenario,
  given: { readonly context: BenchContext; readonly measure: (follower: Follower) => Promise<T> },
): Promise<T> {
  const { context, measure } = given;
  const topics = topicsOf(scenario);
  return withClosing(async (later) => {
    later(() => removeTargetTopics(scenario, context));
    await makeTargetTopics(scenario, context);
    const startedAtMs = performance.now();
    const running = await startMover(mover, moveJob(scenario, topics, context), context);
    later(() => running.stop());
    await awaitFirstCopies({ topics, partitions: scenario.at.partitions }, context, running);
    return measure({ running, topics, startedAtMs });
  });
}

/** Sends one record through every partition: from then on the mover copies, however long it took to start. */
async function awaitFirstCopies(
  { topics, partitions }: { readonly topics: readonly string[]; readonly partitions: number },
  context: BenchContext,
  running: RunningMover,
): Promise<void> {
  const records = topics.length * partitions;
  const plan = { topics, partitions, records, valueBytes: 0, content: 'random', producer: {} } as const;
  await context.load.produce(context.source.config, plan);
  const wanted = await endSum(context.source.admin, topics);
  const progress = async (): Promise<number | undefined> => (await endOffsets(context.target.admin, topics))?.sum;
  await reach(wanted, progress, { mover: running, signal: context.signal });
}
