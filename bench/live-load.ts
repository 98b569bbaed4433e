import { waitUntil } from '../src/local/bounded-wait.ts';
import { type BenchContext } from './bench-context.ts';
import { type Later } from './closing.ts';
import { checkCopy } from './copy-check.ts';
import { type RunningMover } from './mover.ts';
import { holds } from './progress.ts';
import { endSum, makeSourceTopics, makeTargetTopics, removeTopics, topicsOf } from './scenario-topics.ts';
import { type BacklogScenario } from './scenarios.ts';
import { type CopyingMover } from './start-mover.ts';
import { endOffsets, logBytes } from './topics.ts';

/** More than any run lasts; the load is ended with the run. */
const liveRecordsMax = 100_000_000;
const beginTimeoutMs = 60_000;
/** Caught up: what is missing came within this time. */
const levelWithinSeconds = 1;
const levelMaxMs = 300_000;

/** Topics beside a backlog that are written to all the while. */
export interface LiveLoad {
  readonly topics: readonly string[];
  /** Bytes copied of them so far. */
  copiedBytes(): Promise<number>;
  /** Waits until the copy is level with the source. @throws when it is not within five minutes */
  level(mover: RunningMover): Promise<void>;
  /** @throws when it was not written to all the time, or was not copied as it is */
  check(mover: CopyingMover, running: RunningMover): Promise<void>;
}

/** Resolves when records come; undefined for a scenario without. */
export async function startLiveLoad(
  scenario: BacklogScenario,
  context: BenchContext,
  later: Later,
): Promise<LiveLoad | undefined> {
  if (scenario.live === undefined) return undefined;
  const { source, target, signal } = context;
  const { recordsPerSecond, records } = scenario.live;
  const live = { ...scenario, name: `${scenario.name}-live` };
  const topics = topicsOf(live);
  later(() => removeTopics(live, context));
  await makeSourceTopics(live, context);
  await makeTargetTopics(live, context);
  const plan = { ...records, topics, partitions: live.at.partitions };
  const load = await context.load.startProducing(source.config, { ...plan, recordsPerSecond, records: liveRecordsMax });
  later(() => load.stop());
  const begun = async (): Promise<boolean> => {
    load.assertRunning();
    return ((await endOffsets(source.admin, topics))?.sum ?? 0) > 0;
  };
  await waitForLoad(begun, signal);
  const isLevel = async (): Promise<boolean> => {
    load.assertRunning();
    const copied = await endSum(target.admin, topics);
    return (await endSum(source.admin, topics)) - copied <= recordsPerSecond * levelWithinSeconds;
  };
  return {
    topics,
    copiedBytes: async () => logBytes(target.admin, topics),
    level: async (mover) => holds('level with the live load', isLevel, { mover, signal, timeoutMs: levelMaxMs }),
    async check(mover, running) {
      load.assertRunning();
      await checkCopy(mover, { running, topics, context, growing: true });
    },
  };
}

async function waitForLoad(begun: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  const bound = { timeoutMs: beginTimeoutMs, intervalMs: 100, signal };
  if (!(await waitUntil(begun, bound))) throw new Error(`no live record within ${beginTimeoutMs / 1000} s`);
}
