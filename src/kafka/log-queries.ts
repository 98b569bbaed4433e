/**
 * Questions about the ends of logs, each for many partitions of one leader in one request:
 * OffsetForLeaderEpoch (23) version 4, DescribeProducers (61) version 0, ListOffsets (2) versions 6 and 7.
 *
 * ListOffsets(latest) answers the high watermark, not the log end (protocol.md S5): it serves for display and for
 * finding foreign writes, never for deciding where to append.
 */
import { describeProducersV0, listOffsetsV6, offsetForLeaderEpochV4 } from '@platformatic/kafka';
import type { Broker } from './cluster.ts';
import { call } from './library-api.ts';

export interface PartitionRef {
  readonly topic: string;
  readonly partition: number;
}

/** `topic/partition`, the key of the answers below. */
export function partitionKey(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly code: number };

const consumer = -1;

/**
 * Log end of each partition, asked at the leader with the epoch it must still lead at: errors 6, 74, 75 say it does
 * not. This is the only safe source of "where would the next batch go".
 */
export async function logEnds(
  broker: Broker,
  partitions: readonly (PartitionRef & { readonly leaderEpoch: number })[],
): Promise<ReadonlyMap<string, Answer<bigint>>> {
  return epochEnds(
    broker,
    partitions.map((partition) => ({ ...partition, epoch: partition.leaderEpoch })),
  );
}

/** End offset of `epoch` in each partition's history at its leader. */
export async function epochEnds(
  broker: Broker,
  partitions: readonly (PartitionRef & { readonly leaderEpoch: number; readonly epoch: number })[],
): Promise<ReadonlyMap<string, Answer<bigint>>> {
  const topics = [...Map.groupBy(partitions, (partition) => partition.topic)].map(([name, list]) => ({
    name,
    partitions: list.map((partition) => ({
      partitionIndex: partition.partition,
      currentLeaderEpoch: partition.leaderEpoch,
      leaderEpoch: partition.epoch,
    })),
  }));
  const answer = await call(broker.connection, broker.negotiate(offsetForLeaderEpochV4.api), consumer, topics);
  return new Map(
    answer.topics.flatMap(({ topic, partitions: list }) =>
      list.map((entry) => [
        partitionKey(topic, entry.partition),
        entry.errorCode === 0 ? { ok: true, value: entry.endOffset } : { ok: false, code: entry.errorCode },
      ]),
    ),
  );
}

/** Last sequence of each producer id that has state in the partition. Answers on followers too: frame it (S5, R7). */
export async function lastSequences(
  broker: Broker,
  partitions: readonly PartitionRef[],
): Promise<ReadonlyMap<string, Answer<ReadonlyMap<bigint, number>>>> {
  const topics = [...Map.groupBy(partitions, (partition) => partition.topic)].map(([name, list]) => ({
    name,
    partitionIndexes: list.map((partition) => partition.partition),
  }));
  const answer = await call(broker.connection, broker.negotiate(describeProducersV0.api), topics);
  return new Map(
    answer.topics.flatMap(({ name, partitions: list }) =>
      list.map((entry) => [
        partitionKey(name, entry.partitionIndex),
        entry.errorCode === 0
          ? {
              ok: true,
              value: new Map(entry.activeProducers.map((producer) => [producer.producerId, producer.lastSequence])),
            }
          : { ok: false, code: entry.errorCode },
      ]),
    ),
  );
}

/** A transaction that has begun and not ended in a partition. */
export interface OpenTransaction {
  readonly producerId: bigint;
  readonly startOffset: bigint;
  /** Of the producer's newest record, in ms since 1970. */
  readonly lastTimestamp: bigint;
}

/** The open transactions of each partition, asked at its leader; those that cannot be told are left out. */
export async function openTransactions(
  broker: Broker,
  partitions: readonly PartitionRef[],
): Promise<ReadonlyMap<string, readonly OpenTransaction[]>> {
  const topics = [...Map.groupBy(partitions, (partition) => partition.topic)].map(([name, list]) => ({
    name,
    partitionIndexes: list.map((partition) => partition.partition),
  }));
  const answer = await call(broker.connection, broker.negotiate(describeProducersV0.api), topics);
  return new Map(
    answer.topics.flatMap(({ name, partitions: list }) =>
      list
        .filter(({ errorCode }) => errorCode === 0)
        .map((entry) => [
          partitionKey(name, entry.partitionIndex),
          entry.activeProducers
            .filter(({ currentTxnStartOffset }) => currentTxnStartOffset >= 0n)
            .map(({ producerId, currentTxnStartOffset, lastTimestamp }) => ({
              ...{ producerId, lastTimestamp, startOffset: currentTxnStartOffset },
            })),
        ]),
    ),
  );
}

const readUncommitted = 0;
const readCommitted = 1;
const places = {
  earliest: { timestamp: -2n, isolation: readUncommitted },
  latest: { timestamp: -1n, isolation: readUncommitted },
  stable: { timestamp: -1n, isolation: readCommitted },
} as const;

/**
 * Log start (`earliest`), high watermark (`latest`) or last stable offset (`stable`, where the first open transaction
 * begins) of each partition, asked at its leader.
 */
export async function listOffsets(
  broker: Broker,
  which: keyof typeof places,
  partitions: readonly PartitionRef[],
): Promise<ReadonlyMap<string, Answer<bigint>>> {
  const topics = [...Map.groupBy(partitions, (partition) => partition.topic)].map(([name, list]) => ({
    name,
    partitions: list.map((partition) => ({
      partitionIndex: partition.partition,
      currentLeaderEpoch: -1,
      timestamp: places[which].timestamp,
    })),
  }));
  const answer = await call(
    broker.connection,
    broker.negotiate(listOffsetsV6.api),
    consumer,
    places[which].isolation,
    topics,
  );
  return new Map(
    answer.topics.flatMap(({ name, partitions: list }) =>
      list.map((entry) => [
        partitionKey(name, entry.partitionIndex),
        entry.errorCode === 0 ? { ok: true, value: entry.offset } : { ok: false, code: entry.errorCode },
      ]),
    ),
  );
}
