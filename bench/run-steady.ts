import { type BenchContext } from './bench-context.ts';
import { checkCopy } from './copy-check.ts';
import { withFollower } from './follower.ts';
import { Moments } from './moments.ts';
import { type Run } from './results.ts';
import { type SteadyScenario } from './scenarios.ts';
import { type CopyingMover } from './start-mover.ts';

/** A machine that is too busy to send at the rate measures another one. */
const lateMax = 1.1;

/** Records come at a rate and are read at both clusters while the mover copies them. */
export async function runSteady(mover: CopyingMover, scenario: SteadyScenario, context: BenchContext): Promise<Run> {
  const sites = { source: context.source.config, target: context.target.config };
  return withFollower(mover, scenario, {
    context,
    measure: async (follower) => {
      const { topics, running } = follower;
      const moments = new Moments(follower, context);
      const plan = { ...scenario.load, topics, partitions: scenario.at.partitions };
      const latency = await context.load.steady(sites, plan, moments.on);
      if (latency.missing > 0) throw new Error(`${latency.missing} of ${latency.records} records were not copied`);
      await checkCopy(mover, { running, topics, context });
      const run = await moments.run();
      const { seconds } = scenario.load;
      if (run.seconds > seconds * lateMax) {
        throw new Error(`the producer took ${run.seconds.toFixed(1)} s for the load of ${seconds} s: another rate`);
      }
      return { ...run, latency };
    },
  });
}
