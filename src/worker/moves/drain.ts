import type { Cluster } from '../../kafka/cluster.ts';
import { partitionKey } from '../../kafka/log-queries.ts';
import { Wakeup } from '../../replication/waiting/wakeup.ts';
import type { PartitionSample } from '../copying/partition-sample.ts';
import { ImpossibleError } from './impossible.ts';
import { readLogEnds } from './read-ends.ts';

export interface DrainPorts {
  readonly source: Cluster;
  /** What the workers say of their partitions now. */
  readonly samples: (signal: AbortSignal) => Promise<readonly PartitionSample[]>;
}

const lookMs = 20;

/**
 * Waits until every copy ends where its source ends. The sources are fenced, so that their ends stand still. Rejects when
 * `signal` aborts, and with {@link ImpossibleError} when a copy has stopped for good.
 */
export async function untilDrained(
  { source, samples }: DrainPorts,
  topics: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const names = new Set(topics);
  const left = new Map(
    [...(await readLogEnds(source, topics))].map(([key, { end }]) => [key, end] as const).filter(([, end]) => end > 0n),
  );
  const pause = new Wakeup();
  for (;;) {
    signal.throwIfAborted();
    for (const { topic, partition, copiedTo, state } of await samples(signal)) {
      if (!names.has(topic)) continue;
      const key = partitionKey(topic, partition);
      const end = left.get(key);
      if (end !== undefined && copiedTo !== undefined && BigInt(copiedTo) >= end) left.delete(key);
      if (state === 'faulted') throw new ImpossibleError(`the copy of ${topic}, partition ${partition}, is faulted`);
    }
    if (left.size === 0) return;
    await pause.wait(signal, lookMs);
  }
}
