import { type BenchContext } from './bench-context.ts';
import { checkCopy } from './copy-check.ts';
import { withFollower } from './follower.ts';
import { Moments } from './moments.ts';
import { reach } from './progress.ts';
import { type Run } from './results.ts';
import { endSum } from './scenario-topics.ts';
import { type LiveScenario } from './scenarios.ts';
import { type CopyingMover } from './start-mover.ts';

/** A producer writes as fast as it can while the mover copies: does the copy keep up with it? */
export async function runLive(mover: CopyingMover, scenario: LiveScenario, context: BenchContext): Promise<Run> {
  const { source, target, signal } = context;
  return withFollower(mover, scenario, {
    context,
    measure: async (follower) => {
      const { topics, running } = follower;
      const moments = new Moments(follower, context);
      const [sourceFrom, targetFrom] = [await endSum(source.admin, topics), await endSum(target.admin, topics)];
      const plan = { ...scenario.load, topics, partitions: scenario.at.partitions };
      const { visibleRecords } = await context.load.produce(source.config, plan, moments.on);
      const written = (await endSum(source.admin, topics)) - sourceFrom;
      // The other mover leaves out what no reader sees, and numbers what is left anew.
      const wanted = mover === 'umbra' ? written : visibleRecords;
      const copied = async (): Promise<number> => (await endSum(target.admin, topics)) - targetFrom;
      await reach(wanted, copied, { mover: running, signal });
      await checkCopy(mover, { running, topics, context, end: targetFrom + wanted });
      return moments.run(written / wanted);
    },
  });
}
