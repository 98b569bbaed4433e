import type { ClusterMetadata } from '../../kafka/cluster.ts';

/** A look at all partitions of a cluster may take a small part of the time between two looks. */
const msPerPartition = 3;

/**
 * How long to wait before all topics of a cluster are looked at again: as configured, but longer where there are many
 * partitions, since the answer names each of them: 30 s for 10,000.
 */
export function lookIntervalMs(configuredMs: number, partitions: number): number {
  return Math.max(configuredMs, partitions * msPerPartition);
}

/** Of all topics. */
export function partitionsOf({ topics }: ClusterMetadata): number {
  let sum = 0;
  for (const { partitions } of topics.values()) sum += partitions.length;
  return sum;
}
