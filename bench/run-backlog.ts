import { type BenchContext } from './bench-context.ts';
import { type RunningLoad } from './load.ts';
import { markOf, reach, runOf } from './measured-time.ts';
import { type MoverName, type RunningMover } from './mover.ts';
import { startFloor } from './movers/floor.ts';
import { type Run, type ScenarioResult } from './results.ts';
import { endSum, makeSourceTopics, makeTargetTopics, topicsOf } from './scenario-topics.ts';
import { type BacklogScenario, type Scenario } from './scenarios.ts';
import { type CopyingMover, startMover } from './start-mover.ts';
import { deleteTopics, endOffsets, logBytes } from './topics.ts';

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
      mover === 'floor' ? runFloor(load, scenario) : copyBacklog(mover, scenario, { context, load }),
  };
}

async function copyBacklog(
  mover: CopyingMover,
  scenario: BacklogScenario,
  given: { readonly context: BenchContext; readonly load: Load },
): Promise<Run> {
  const { context, load } = given;
  const topics = topicsOf(scenario);
  const live = liveTopicsOf(scenario);
  await makeTargetTopics(scenario, context);
  if (live !== undefined) await makeLiveTopics(live, context);
  const stopping: { stop(): Promise<void> }[] = [];
  try {
    if (live !== undefined) stopping.push(await startLive(live, context));
    const startedAtMs = performance.now();
    const every = [...topics, ...(live === undefined ? [] : topicsOf(live))];
    const running = await startMover(mover, scenario, { context, topics: every });
    stopping.unshift(running);
    // The other mover leaves out what no reader sees, and numbers what is left anew.
    const wanted = mover === 'umbra' ? load.offsets : load.visibleRecords;
    const progress = async (): Promise<number | undefined> => (await endOffsets(context.target.admin, topics))?.sum;
    const watched = { mover: running, signal: context.signal };
    const from = await reach(Math.ceil(wanted * scenario.warmUpShare), progress, watched);
    await running.mark();
    const [begin, liveFrom] = [await markOf(running.pid), await liveBytes(live, context)];
    await reach(wanted, progress, watched);
    if (live !== undefined) await level(live, { running, context });
    const end = await markOf(running.pid);
    const offsets = wanted - from;
    const bytes = (load.bytes * offsets) / wanted + (await liveBytes(live, context)) - liveFrom;
    return runOf({ startedAtMs, begin, end, inside: await running.inside() }, { bytes, offsets });
  } finally {
    for (const each of stopping) await each.stop();
    await deleteTopics(context.target.admin, topics);
  }
}

/** The topic beside the backlog that is written to all the while. */
function liveTopicsOf(scenario: BacklogScenario): BacklogScenario | undefined {
  return scenario.live === undefined ? undefined : { ...scenario, name: `${scenario.name}-live` };
}

async function makeLiveTopics(live: Scenario, context: BenchContext): Promise<void> {
  await makeSourceTopics(live, context);
  await makeTargetTopics(live, context);
}

async function startLive(live: BacklogScenario, context: BenchContext): Promise<RunningLoad> {
  if (live.live === undefined) throw new Error(`${live.name} has no live load`);
  const { recordsPerSecond, records } = live.live;
  const plan = { ...records, topics: topicsOf(live), partitions: live.at.partitions };
  return context.load.startProducing(context.source.config, { ...plan, recordsPerSecond, records: liveRecordsMax });
}

/** More than any run lasts; the load is ended with the run. */
const liveRecordsMax = 100_000_000;
/** Caught up: what is missing came within this time. */
const levelWithinSeconds = 1;

async function level(
  live: BacklogScenario,
  { running, context }: { readonly running: RunningMover; readonly context: BenchContext },
): Promise<void> {
  const topics = topicsOf(live);
  const missing = async (): Promise<number> =>
    (await endSum(context.target.admin, topics)) - (await endSum(context.source.admin, topics));
  const records = (live.live?.recordsPerSecond ?? 0) * levelWithinSeconds;
  await reach(-records, missing, { mover: running, signal: context.signal });
}

async function liveBytes(live: Scenario | undefined, { target }: BenchContext): Promise<number> {
  return live === undefined ? 0 : logBytes(target.admin, topicsOf(live));
}

/** As many bytes as the log has, after as large a warm-up. */
async function runFloor(load: Load, { warmUpShare }: BacklogScenario): Promise<Run> {
  const startedAtMs = performance.now();
  const floor = await startFloor();
  try {
    const from = await movedTo(floor, load.bytes * warmUpShare);
    const begin = await markOf(floor.pid);
    const bytes = (await movedTo(floor, from + load.bytes)) - from;
    const end = await markOf(floor.pid);
    return runOf({ startedAtMs, begin, end, inside: undefined }, { bytes, offsets: 0 });
  } finally {
    await floor.stop();
  }
}

/** It answers between two blocks, so asking again and again waits. */
async function movedTo(floor: { moved(): Promise<number> }, bytes: number): Promise<number> {
  for (;;) {
    const moved = await floor.moved();
    if (moved >= bytes) return moved;
  }
}
