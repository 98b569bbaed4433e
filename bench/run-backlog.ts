import { type BenchContext } from './bench-context.ts';
import { withClosing } from './closing.ts';
import { checkCopy } from './copy-check.ts';
import { runFirstProcess, withFirstProcess } from './first-process.ts';
import { startLiveLoad } from './live-load.ts';
import { markOf, runOf } from './measured-time.ts';
import { type MoverName } from './mover.ts';
import { reach } from './progress.ts';
import { type Run, type ScenarioResult } from './results.ts';
import { runFloor } from './run-floor.ts';
import { endSum, makeSourceTopics, makeTargetTopics, removeTargetTopics, topicsOf } from './scenario-topics.ts';
import { type BacklogScenario } from './scenarios.ts';
import { type CopyingMover, moveJob, startMover } from './start-mover.ts';
import { endOffsets, logBytes } from './topics.ts';

type Load = NonNullable<ScenarioResult['load']>;

/** The log that all runs of the scenario copy. */
export interface Backlog {
  readonly load: Load;
  readonly runOnce: (mover: MoverName) => Promise<Run>;
}

/** Writes the log. */
export async function prepareBacklog(scenario: BacklogScenario, context: BenchContext): Promise<Backlog> {
  await makeSourceTopics(scenario, context);
  const topics = topicsOf(scenario);
  const { partitions } = scenario.at;
  const produced = await context.load.produce(context.source.config, { ...scenario.load, topics, partitions });
  const load: Load = {
    bytes: await logBytes(context.source.admin, topics),
    offsets: await endSum(context.source.admin, topics),
    visibleRecords: produced.visibleRecords,
    seconds: produced.seconds,
  };
  return {
    load,
    runOnce: (mover) =>
      mover === 'floor' ? runFloor(load.bytes, context) : copyBacklog(mover, scenario, { context, load }),
  };
}

async function copyBacklog(
  mover: CopyingMover,
  scenario: BacklogScenario,
  given: { readonly context: BenchContext; readonly load: Load },
): Promise<Run> {
  const { context, load } = given;
  const topics = topicsOf(scenario);
  const { admin } = context.target;
  const progress = async (): Promise<number | undefined> => (await endOffsets(admin, topics))?.sum;
  // The other mover leaves out what no reader sees, and numbers what is left anew.
  const wanted = mover === 'umbra' ? load.offsets : load.visibleRecords;
  return withClosing(async (later) => {
    later(() => removeTargetTopics(scenario, context));
    await makeTargetTopics(scenario, context);
    const live = await startLiveLoad(scenario, context, later);
    const job = moveJob(scenario, [...topics, ...(live?.topics ?? [])], context);
    const { restartAtShare, warmUpShare } = scenario;
    const first =
      restartAtShare === undefined
        ? undefined
        : await runFirstProcess(mover, { job, context, progress, offsets: Math.ceil(wanted * restartAtShare) });
    const startedAtMs = performance.now();
    const running = await startMover(mover, job, context);
    later(() => running.stop());
    const watched = { mover: running, signal: context.signal };
    await reach(Math.ceil(wanted * warmUpShare), progress, watched);
    await running.mark();
    // Together: what is copied while the one is asked for would be counted without the other.
    const [begin, from, liveFrom] = await Promise.all([
      markOf(running.pid),
      endSum(admin, topics),
      live?.copiedBytes(),
    ]);
    await reach(wanted, progress, watched);
    await live?.level(running);
    const [end, liveTo] = await Promise.all([markOf(running.pid), live?.copiedBytes()]);
    const inside = await running.inside();
    await checkCopy(mover, { running, topics, context, end: wanted });
    await live?.check(mover, running);
    const offsets = wanted - from;
    const bytes = (load.bytes * offsets) / wanted + (liveTo ?? 0) - (liveFrom ?? 0);
    return withFirstProcess(first, runOf({ startedAtMs, begin, end, inside }, { bytes, offsets }));
  });
}
