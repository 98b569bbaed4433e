/**
 * WriteTxnMarkers, API key 27, version 1 (flexible). Our own codec: the library has none. Needs ALTER or CLUSTER_ACTION
 * on the cluster.
 *
 * The answer proves nothing: it has one entry per producer id and one code per partition, the last result hiding the
 * others. Only the log end tells what was written (protocol.md part 2, section 8). A partition named twice inside one
 * entry is never answered at all: {@link encodeWriteTxnMarkers} cannot express it.
 */
import type { RequestFrame } from './connection.ts';
import type { PartitionRef } from './log-queries.ts';
import { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

export const writeTxnMarkersApi = { key: 27, version: 1 } as const;

export interface MarkerCount extends PartitionRef {
  /** Markers to append to this partition; at least 1. */
  readonly count: number;
}

export interface MarkerAnswer extends PartitionRef {
  readonly errorCode: number;
}

/** Lower than one seen before for this producer id is refused (52): umbra always uses the same. */
const coordinatorEpoch = 0;

/**
 * Abort markers for many partitions of one leader: entry k names all partitions that need a k-th marker, so each is
 * named at most once per entry.
 */
export function encodeWriteTxnMarkers(
  identity: { readonly producerId: bigint; readonly producerEpoch: number },
  wanted: readonly MarkerCount[],
): RequestFrame {
  const entries = wanted.reduce((most, { count }) => Math.max(most, count), 0);
  const writer = new WireWriter(64 + entries * (32 + wanted.length * 8));
  writer.compactArrayLength(entries);
  for (let entry = 0; entry < entries; entry++) {
    const topics = Map.groupBy(
      wanted.filter(({ count }) => count > entry),
      ({ topic }) => topic,
    );
    writer.int64(identity.producerId).int16(identity.producerEpoch).int8(0).compactArrayLength(topics.size);
    for (const [topic, partitions] of topics) {
      writer.compactString(topic).compactArrayLength(partitions.length);
      for (const { partition } of partitions) writer.int32(partition);
      writer.noTaggedFields();
    }
    writer.int32(coordinatorEpoch).noTaggedFields();
  }
  writer.noTaggedFields();
  return {
    apiKey: writeTxnMarkersApi.key,
    apiVersion: writeTxnMarkersApi.version,
    flexible: true,
    body: writer.parts(),
  };
}

/** One code per partition and producer id. Throws MalformedError. */
export function decodeWriteTxnMarkers(bytes: Buffer, start: number): readonly MarkerAnswer[] {
  const reader = new WireReader(bytes, start);
  const markers = reader.compactArray((marker) => {
    marker.int64(); // producer id
    const topics = marker.compactArray((entry) => {
      const topic = entry.compactString();
      const partitions = entry.compactArray((result) => {
        const partition = result.int32();
        const errorCode = result.int16();
        result.taggedFields();
        return { topic, partition, errorCode };
      });
      entry.taggedFields();
      return partitions;
    });
    marker.taggedFields();
    return topics.flat();
  });
  reader.taggedFields();
  return markers.flat();
}
