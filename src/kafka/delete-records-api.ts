/** DeleteRecords (21) version 2. Takes DELETE on the topic; refused (44) on topics that are compacted only. */
import { deleteRecordsV2 } from '@platformatic/kafka';
import type { Broker } from './cluster.ts';
import { call } from './library-api.ts';
import { type Answer, partitionKey, type PartitionRef } from './log-queries.ts';

const timeoutMs = 30_000;

/** Raises the log start of each partition to `before`, asked at its leader. The answer is the new log start. */
export async function deleteRecords(
  broker: Broker,
  partitions: readonly (PartitionRef & { readonly before: bigint })[],
): Promise<ReadonlyMap<string, Answer<bigint>>> {
  const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, list]) => ({
    name,
    partitions: list.map(({ partition, before }) => ({ partitionIndex: partition, offset: before })),
  }));
  const answer = await call(broker.connection, broker.negotiate(deleteRecordsV2.api), topics, timeoutMs);
  return new Map(
    answer.topics.flatMap(({ name, partitions: list }) =>
      list.map((entry): [string, Answer<bigint>] => [
        partitionKey(name, entry.partitionIndex),
        entry.errorCode === 0 ? { ok: true, value: entry.lowWatermark } : { ok: false, code: entry.errorCode },
      ]),
    ),
  );
}
