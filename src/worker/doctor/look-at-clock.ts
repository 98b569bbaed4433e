import type { Cluster } from '../../kafka/cluster.ts';
import { stateTopic } from '../../prefix-policy/internal-names.ts';
import { LogReader, type RawBatch } from '../../replication/logs/log-reader.ts';
import type { ClockSight } from './site-sight.ts';

const partition = 0;
/** The newest batches of `_umbra` that are looked at, and the newest transactions that count. */
const batchesMax = 100n;
const transactionsMax = 5;
/** Place in the header of a record batch (protocol.md, part 1). */
const maxTimestampAt = 35;

/**
 * Compares clocks without writing anything: the records of `_umbra` have the time of the worker that wrote them, the marker
 * that commits them that of the broker. Undefined where nothing was written yet, or it was compacted away.
 */
export async function lookAtClock(cluster: Cluster, signal: AbortSignal): Promise<ClockSight | undefined> {
  const reader = new LogReader(cluster, { attemptsMax: 3 });
  const { start, end } = await reader.range(stateTopic, partition, signal);
  const from = end - batchesMax > start ? end - batchesMax : start;
  const batches: TimedBatch[] = [];
  for await (const batch of reader.batches({ topic: stateTopic, partition }, { from, to: end }, signal)) {
    batches.push(timed(batch));
  }
  return compareClocks(batches);
}

export interface TimedBatch {
  readonly control: boolean;
  readonly timestampMs: number;
}

/**
 * The marker comes after the records, by the time of a commit at least: of some transactions the least difference is nearest
 * to that of the clocks. Pure.
 */
export function compareClocks(batches: readonly TimedBatch[]): ClockSight | undefined {
  const pairs = batches.flatMap((marker, index) => {
    const records = batches[index - 1];
    return records === undefined || records.control || !marker.control
      ? []
      : [{ aheadMs: marker.timestampMs - records.timestampMs, at: marker.timestampMs }];
  });
  const newest = pairs.slice(-transactionsMax);
  const last = newest.at(-1);
  if (last === undefined) return undefined;
  return { brokerAheadMs: Math.min(...newest.map(({ aheadMs }) => aheadMs)), measuredAt: new Date(last.at) };
}

function timed({ frame, header }: RawBatch): TimedBatch {
  return { control: header.control, timestampMs: Number(frame.readBigInt64BE(header.start + maxTimestampAt)) };
}
