import { type Consumer, FetchIsolationLevels, ListOffsetTimestamps, type RecordsBatch } from '@platformatic/kafka';

/** Who leads a partition of a topic. */
export interface Leader {
  readonly topicId: string;
  readonly partition: number;
  readonly node: number;
  readonly leaderEpoch: number;
}

/** Offset of the next record to be read. */
export interface Position extends Leader {
  readonly offset: bigint;
}

/** A record as consumers are given it. */
export interface FetchedRecord {
  readonly partition: number;
  readonly offset: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

export interface Fetched {
  readonly records: readonly FetchedRecord[];
  /** By partition where to go on; of those alone of which something came. */
  readonly next: ReadonlyMap<number, bigint>;
}

/** One answer to one fetch. */
const fetchBytesMax = 4 << 20;
/** Batches of markers, which are offsets and no records. */
const controlBatch = 0x20;

/** By partition. Rejects where the cluster does not know the topic, or a partition has no leader. */
export async function leadersOf(consumer: Consumer, topic: string): Promise<readonly Leader[]> {
  const { id, partitions } = (await consumer.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic) ?? {};
  if (id === undefined || partitions === undefined) throw new Error(`the brokers do not know the topic ${topic}`);
  return Object.entries(partitions).map(([partition, { leader, leaderEpoch }]) => {
    if (leader < 0) throw new Error(`${topic}/${partition} has no leader`);
    return { topicId: id, partition: Number(partition), node: leader, leaderEpoch };
  });
}

/** By partition: where its log begins, or the last stable offset. */
export async function offsetsOf(
  consumer: Consumer,
  topic: string,
  which: 'earliest' | 'stable',
): Promise<readonly bigint[]> {
  const timestamp = which === 'earliest' ? ListOffsetTimestamps.EARLIEST : ListOffsetTimestamps.LATEST;
  const isolationLevel = FetchIsolationLevels.READ_COMMITTED;
  const offsets = (await consumer.listOffsets({ topics: [topic], timestamp, isolationLevel })).get(topic);
  if (offsets === undefined) throw new Error(`the brokers do not tell where ${topic} begins and ends`);
  return offsets;
}

/** What comes behind these positions, all of one node; an answer may be empty after `waitMs`. As `read_committed` has it. */
export async function fetchFrom(consumer: Consumer, positions: readonly Position[], waitMs: number): Promise<Fetched> {
  const [first] = positions;
  if (first === undefined) return { records: [], next: new Map() };
  const partitions = positions.map(({ partition, offset, leaderEpoch }) => ({
    ...{ partition, fetchOffset: offset, currentLeaderEpoch: leaderEpoch },
    ...{ lastFetchedEpoch: -1, partitionMaxBytes: fetchBytesMax },
  }));
  const { responses } = await consumer.fetch({
    ...{ node: first.node, minBytes: 1, maxBytes: fetchBytesMax, maxWaitTime: waitMs },
    ...{ isolationLevel: FetchIsolationLevels.READ_COMMITTED, topics: [{ topicId: first.topicId, partitions }] },
  });
  const from = new Map(positions.map(({ partition, offset }) => [partition, offset]));
  const next = new Map<number, bigint>();
  const records: FetchedRecord[] = [];
  for (const { partitionIndex: partition, records: batches } of responses.flatMap((each) => each.partitions)) {
    for (const batch of batches ?? []) {
      next.set(partition, batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n);
      const wanted = recordsOf(batch).filter(({ offset }) => offset >= (from.get(partition) ?? 0n));
      records.push(...wanted.map((record) => ({ partition, ...record })));
    }
  }
  return { records, next };
}

function recordsOf({ firstOffset, attributes, records }: RecordsBatch): readonly Omit<FetchedRecord, 'partition'>[] {
  if ((attributes & controlBatch) !== 0) return [];
  return records.map(({ offsetDelta, key, value }) => ({ offset: firstOffset + BigInt(offsetDelta), key, value }));
}
