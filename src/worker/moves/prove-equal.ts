import type { Cluster } from '../../kafka/cluster.ts';
import { compareLogs } from '../../replication/logs/compare-logs.ts';
import { LogReader } from '../../replication/logs/log-reader.ts';
import { deletedMeanwhile } from '../../replication/logs/verify.ts';
import { ImpossibleError } from './impossible.ts';
import { readLogEnds } from './read-ends.ts';

export interface EqualPorts {
  readonly source: Cluster;
  readonly target: Cluster;
  /** Of a copy whose roles were reversed before, by partition: below it the log is its site's own. */
  readonly ownBelow: (topic: string) => ReadonlyMap<number, bigint> | undefined;
}

/** Offsets before the end that are read on both sides, of every partition. What lies before is compared all the time. */
const tailRecords = 100n;
const bytesMax = 64 * 1024;
const comparedAtOnce = 16;

/**
 * Whether the copies are their sources to the last record: every partition ends at the same offset on both sides, by the
 * leaders, and the last batches are the same. Rejects with {@link ImpossibleError} where they are not, and with what a cluster
 * that does not answer throws.
 */
export async function proveEqual(ports: EqualPorts, topics: readonly string[], signal: AbortSignal): Promise<void> {
  const { source, target } = ports;
  const [theirs, ours] = await Promise.all([readLogEnds(source, topics), readLogEnds(target, topics)]);
  signal.throwIfAborted();
  for (const [key, { end }] of theirs) {
    const copy = ours.get(key)?.end;
    if (copy === end) continue;
    const where = copy === undefined ? 'its copy does not have it' : `its copy at ${copy}`;
    throw new ImpossibleError(
      `${key} ends at ${end} and ${where}, though both stood still: something wrote to one side`,
    );
  }
  const readers = { source: new LogReader(source), copy: new LogReader(target) };
  const waiting = [...theirs.values()].filter(({ end }) => end > 0n);
  const next = async (): Promise<void> => {
    for (let of = waiting.shift(); of !== undefined; of = waiting.shift())
      await compareTail(of, readers, ports, signal);
  };
  await Promise.all(Array.from({ length: comparedAtOnce }, next));
}

async function compareTail(
  { topic, partition, end }: { readonly topic: string; readonly partition: number; readonly end: bigint },
  logs: { readonly source: LogReader; readonly copy: LogReader },
  { ownBelow }: EqualPorts,
  signal: AbortSignal,
): Promise<void> {
  const range = { from: end > tailRecords ? end - tailRecords : 0n, to: end, bytesMax };
  const below = ownBelow(topic)?.get(partition);
  const found = await compareLogs(
    {
      source: logs.source.batches({ topic, partition }, range, signal),
      copy: logs.copy.batches({ topic, partition }, range, signal),
    },
    // Compaction may have removed records at the source since they were copied.
    {
      ...{ from: range.from, to: end, compacted: true, deleted: deletedMeanwhile(logs, { topic, partition }, signal) },
      ...(below === undefined ? {} : { ownBelow: below }),
    },
  );
  const { firstDifference } = found;
  if (firstDifference === undefined) return;
  const { offset, what } = firstDifference;
  throw new ImpossibleError(`${topic}/${partition} is not the same on both sides at offset ${offset}: ${what}`);
}
