/**
 * Produce, API key 0, versions 9 to 11 (same request; 10 and 11 add leader hints to the answer, which are skipped).
 * Batches go out by reference: their bytes are not copied.
 *
 * Left out: version 13 (topic ids; not in 3.9).
 */
import type { RequestFrame } from './connection.ts';
import { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

export const produceApis: readonly { readonly key: number; readonly version: number }[] = [9, 10, 11].map(
  (version) => ({
    key: 0,
    version,
  }),
);

export interface ProducePartition {
  readonly topic: string;
  readonly partition: number;
  /** Exactly one record batch: a second one in the same partition is refused by brokers (protocol.md part 1). */
  readonly batch: Buffer;
}

export interface ProducedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly baseOffset: bigint;
  /** Text of the broker, when it gives one. */
  readonly message: string | undefined;
}

const allInSyncReplicas = -1;

export function encodeProduce(
  partitions: readonly ProducePartition[],
  options: {
    readonly version: number;
    readonly timeoutMs: number;
    /** Of the transaction the batches belong to. Copies never belong to one. */
    readonly transactionalId?: string;
  },
): RequestFrame {
  const writer = new WireWriter(64 + partitions.length * 48);
  if (options.transactionalId === undefined) writer.compactNull();
  else writer.compactString(options.transactionalId);
  writer.int16(allInSyncReplicas).int32(options.timeoutMs);
  const topics = Map.groupBy(partitions, (partition) => partition.topic);
  writer.compactArrayLength(topics.size);
  for (const [topic, batches] of topics) {
    writer.compactString(topic).compactArrayLength(batches.length);
    for (const { partition, batch } of batches) {
      writer
        .int32(partition)
        .unsignedVarint(batch.length + 1)
        .splice(batch)
        .noTaggedFields();
    }
    writer.noTaggedFields();
  }
  writer.noTaggedFields();
  return { apiKey: 0, apiVersion: options.version, flexible: true, body: writer.parts() };
}

/** Results in the broker's order, which need not be the request's. Throws MalformedError. */
export function decodeProduce(bytes: Buffer, start: number): readonly ProducedPartition[] {
  const reader = new WireReader(bytes, start);
  const topics = reader.compactArray((entry) => {
    const topic = entry.compactString();
    const results = entry.compactArray((partition) => decodePartition(partition, topic));
    entry.taggedFields();
    return results;
  });
  reader.int32(); // throttle time
  reader.taggedFields();
  return topics.flat();
}

function decodePartition(reader: WireReader, topic: string): ProducedPartition {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const baseOffset = reader.int64();
  reader.int64(); // log append time
  reader.int64(); // log start offset
  const recordErrors = reader.compactArray((error) => {
    error.int32(); // index in the batch
    const text = error.compactNullableString();
    error.taggedFields();
    return text;
  });
  const message = reader.compactNullableString() ?? recordErrors.find((text) => text !== undefined);
  reader.taggedFields();
  return { topic, partition, errorCode, baseOffset, message };
}
