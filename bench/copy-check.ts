import { waitUntil } from '../src/local/bounded-wait.ts';
import { LogReader } from '../src/replication/logs/log-reader.ts';
import { type PartitionVerdict, verifyPartition } from '../src/replication/logs/verify.ts';
import { type BenchContext, type BenchSite } from './bench-context.ts';
import { type RunningMover } from './mover.ts';
import { endSum } from './scenario-topics.ts';
import { type CopyingMover } from './start-mover.ts';

export interface CheckedCopy {
  readonly running: RunningMover;
  readonly topics: readonly string[];
  readonly context: BenchContext;
  /** Where the copy of a mover that numbers anew must end, over all partitions. Default: where the source ends. */
  readonly end?: number;
  /** Still being written: what the copy lacks is no fault. */
  readonly growing?: boolean;
}

/**
 * Whether the run copied what it was measured for, after the measured time: ours batch by batch, MirrorMaker 2 by the
 * number of records and by the settings that it really ran with.
 * @throws with what is wrong: such a run is no measurement
 */
export async function checkCopy(mover: CopyingMover, copy: CheckedCopy): Promise<void> {
  await copy.running.checkItself();
  switch (mover) {
    case 'umbra':
      return compareCopy(copy);
    case 'mirror-maker':
      return copy.growing === true ? undefined : checkEnds(copy.topics, copy.context, copy.end);
  }
}

async function compareCopy({ topics, context, growing = false }: CheckedCopy): Promise<void> {
  const { signal } = context;
  const [source, copy] = [new LogReader(context.source.admin), new LogReader(context.target.admin)];
  const { topics: found } = await context.source.admin.metadata(topics);
  for (const { name: topic, partitions } of found.values()) {
    for (const { partition } of partitions) {
      const of = { topic, partition, compacted: false };
      const wrong = whatIsWrong(await verifyPartition({ source, copy }, of, signal), growing);
      if (wrong !== undefined) throw new Error(`the copy of ${topic}/${partition} is not the source's: ${wrong}`);
    }
  }
}

function whatIsWrong(verdict: PartitionVerdict, growing: boolean): string | undefined {
  const { batchesDifferent, recordsDifferent, firstDifference, behind, sourceEnd, copyEnd } = verdict;
  if (batchesDifferent + recordsDifferent > 0) {
    const where =
      firstDifference === undefined ? '' : ` from offset ${firstDifference.offset}: ${firstDifference.what}`;
    return `${batchesDifferent} batches, ${recordsDifferent} records${where}`;
  }
  if (copyEnd > sourceEnd) return `it ends at ${copyEnd}, the source at ${sourceEnd}`;
  return behind === 0n || growing ? undefined : `${behind} offsets are missing`;
}

/** Duplicates arrive late: the ends are looked at until nothing comes any more. */
const settledForMs = 2_000;
const settleMaxMs = 60_000;
const lookEveryMs = 250;

/** @throws when the copy does not end, over all partitions, at `wanted` (default: where the source ends) */
export async function checkEnds(
  topics: readonly string[],
  { source, target, signal }: BenchContext,
  wanted?: number,
): Promise<void> {
  const end = await settledEnd(target, topics, signal);
  const expected = wanted ?? (await endSum(source.admin, topics));
  if (end === expected) return;
  const what = end > expected ? `${end - expected} more than there are: duplicates` : `${expected - end} are missing`;
  throw new Error(`${end} offsets were copied to ${topics.join(', ')}, ${what}`);
}

async function settledEnd({ admin }: BenchSite, topics: readonly string[], signal: AbortSignal): Promise<number> {
  let end = await endSum(admin, topics);
  let since = performance.now();
  const settled = async (): Promise<boolean> => {
    const now = await endSum(admin, topics);
    if (now !== end) [end, since] = [now, performance.now()];
    return performance.now() - since >= settledForMs;
  };
  if (await waitUntil(settled, { timeoutMs: settleMaxMs, intervalMs: lookEveryMs, signal })) return end;
  throw new Error(`the copies of ${topics.join(', ')} go on growing after everything was copied`);
}
