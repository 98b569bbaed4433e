import { type BenchContext } from './bench-context.ts';
import { awaitFirstCopies } from './first-copies.ts';
import { type Mark, markOf, runOf } from './measured-time.ts';
import { type InsideView } from './mover.ts';
import { type Run } from './results.ts';
import { endSum, makeSourceTopics, makeTargetTopics, removeTopics, topicsOf } from './scenario-topics.ts';
import { type SteadyScenario } from './scenarios.ts';
import { type CopyingMover, startMover } from './start-mover.ts';

interface Moment {
  readonly mark: Mark;
  readonly offsets: number;
  readonly inside: InsideView | undefined;
}

/** Records come at a rate and are read at both clusters while the mover copies them. */
export async function runSteady(mover: CopyingMover, scenario: SteadyScenario, context: BenchContext): Promise<Run> {
  const topics = topicsOf(scenario);
  await makeSourceTopics(scenario, context);
  await makeTargetTopics(scenario, context);
  const startedAtMs = performance.now();
  const running = await startMover(mover, scenario, { context, topics });
  try {
    await awaitFirstCopies({ topics, partitions: scenario.at.partitions }, context, running);
    const moment = async (): Promise<Moment> => ({
      mark: await markOf(running.pid),
      offsets: await endSum(context.target.admin, topics),
      inside: await running.inside(),
    });
    const moments: Promise<Moment>[] = [];
    const plan = { ...scenario.load, topics, partitions: scenario.at.partitions };
    const sites = { source: context.source.config, target: context.target.config };
    const latency = await context.load.steady(sites, plan, (event) => {
      moments.push(event === 'measuring' ? running.mark().then(moment) : moment());
    });
    const [begin, end] = await Promise.all(moments);
    if (begin === undefined || end === undefined) throw new Error('the steady load did not say when it measured');
    const offsets = end.offsets - begin.offsets;
    const span = { startedAtMs, begin: begin.mark, end: end.mark, inside: end.inside };
    return { ...runOf(span, { offsets, bytes: offsets * scenario.load.valueBytes }), latency };
  } finally {
    await running.stop();
    await removeTopics(scenario, context);
  }
}
