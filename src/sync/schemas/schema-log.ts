import type { Cluster } from '../../kafka/cluster.ts';
import { walkRecords } from '../../replication/batches/records.ts';
import { LogReader, type RawBatch } from '../../replication/logs/log-reader.ts';
import type { SchemaLogRecord } from '../../schema-primary/log-entry.ts';
import { schemasTopic } from '../../schema-primary/schema-primary.ts';

/** Where a registry's log stands at one site. */
export type SchemaLogSight =
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'present';
      /** Another one: the log was deleted and made anew. */
      readonly topicId: string;
      readonly partitions: number;
      readonly start: bigint;
      /** What consumers may read: below it nothing changes but by compaction. */
      readonly end: bigint;
    };

/** What was read at once, in order, without markers and aborted records. */
export interface SchemaLogPart {
  readonly records: readonly SchemaLogRecord[];
  /** Everything below was read. */
  readonly readTo: bigint;
}

/** A registry's log at one site, for reading. Throws KafkaError and ConnectionError when it cannot be had. */
export interface SchemaLog {
  look(signal: AbortSignal): Promise<SchemaLogSight>;
  read(range: { readonly from: bigint; readonly to: bigint }, signal: AbortSignal): AsyncIterable<SchemaLogPart>;
}

const partition = 0;
/** A site that cannot be reached is asked again in the next round. */
const attemptsMax = 3;
const bytesMax = 1024 * 1024;

/** The log in the topic `_schemas` of a cluster. */
export class KafkaSchemaLog implements SchemaLog {
  readonly #cluster: Cluster;
  readonly #topic: string;
  readonly #reader: LogReader;

  constructor(cluster: Cluster, topic = schemasTopic) {
    this.#cluster = cluster;
    this.#topic = topic;
    this.#reader = new LogReader(cluster, { attemptsMax });
  }

  async look(signal: AbortSignal): Promise<SchemaLogSight> {
    const metadata = await this.#cluster.metadata([this.#topic]);
    const topic = metadata.topics.get(this.#topic);
    if (topic === undefined) return { kind: 'absent' };
    const { start, end } = await this.#reader.range(this.#topic, partition, signal);
    return { kind: 'present', topicId: topic.topicId, partitions: topic.partitions.length, start, end };
  }

  async *read({ from, to }: { from: bigint; to: bigint }, signal: AbortSignal): AsyncGenerator<SchemaLogPart> {
    const of = { topic: this.#topic, partition };
    for (let position = from; position < to;) {
      const chunk = await this.#reader.chunk(of, { offset: position, bytesMax }, signal);
      // A new leader that does not show as much yet; the next round asks again.
      if (chunk.readTo <= position) return;
      const readTo = chunk.readTo < to ? chunk.readTo : to;
      yield { records: await recordsOf(chunk.batches, { from: position, to: readTo }), readTo };
      position = readTo;
    }
  }
}

/** What consumers may see of the batches, inside the range: a batch may reach over its edges. */
async function recordsOf(
  batches: readonly RawBatch[],
  { from, to }: { readonly from: bigint; readonly to: bigint },
): Promise<readonly SchemaLogRecord[]> {
  const records: SchemaLogRecord[] = [];
  for (const batch of batches) {
    if (batch.dropped || batch.header.records === 0) continue;
    for await (const { offset, key, value } of walkRecords(batch)) {
      if (offset < from || offset >= to) continue;
      records.push({ offset, key: key?.toString('utf8'), value: value?.toString('utf8') });
    }
  }
  return records;
}
