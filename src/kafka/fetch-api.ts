/**
 * Fetch, API key 1, version 13 (topic ids, KIP-516; fetch sessions, KIP-227; diverging epochs, KIP-595).
 * Version 13 is served by every KRaft release so far (3.3 to 4.3). Our own codec, because the library decodes record by
 * record and the data path must not touch payloads.
 *
 * Left out: rack and preferred replicas (we fetch from leaders only, protocol.md R2 part 6), snapshot ids, and
 * `currentLeader` hints (metadata is asked instead).
 */
import type { RequestFrame } from './connection.ts';
import type { FramePool } from './frame-pool.ts';
import { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

export const fetchApi = { key: 1, version: 13 } as const;

export interface FetchPartition {
  readonly topicId: string;
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: bigint;
  /** Epoch of the last batch held below `fetchOffset`, if known: lets the leader notice a diverged history. */
  readonly lastFetchedEpoch: number | undefined;
  readonly bytesMax: number;
}

export interface FetchSession {
  readonly id: number;
  readonly epoch: number;
}

/** No session: everything is sent with every request. */
export const noSession: FetchSession = { id: 0, epoch: -1 };
/** Asks for a new session. */
export const newSession: FetchSession = { id: 0, epoch: 0 };

export interface FetchRequest {
  readonly session: FetchSession;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly bytesMax: number;
  /** In a session: those that are new or changed. */
  readonly partitions: readonly FetchPartition[];
  readonly forgotten: readonly { readonly topicId: string; readonly partition: number }[];
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

export interface FetchedPartition {
  readonly topicId: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: bigint;
  readonly lastStableOffset: bigint;
  readonly logStartOffset: bigint;
  readonly abortedTransactions: readonly AbortedTransaction[];
  /** Place of the raw record batches in the answer; the last one may be cut off. */
  readonly records: { readonly start: number; readonly end: number };
  /** Present when the leader's history differs from ours: the largest epoch both may share, and where it ends. */
  readonly diverging: { readonly epoch: number; readonly endOffset: bigint } | undefined;
}

export interface FetchAnswer {
  readonly errorCode: number;
  readonly sessionId: number;
  readonly partitions: readonly FetchedPartition[];
}

const consumerReplicaId = -1;
const readCommitted = 1;
const absentEpoch = -1;

export function encodeFetch(request: FetchRequest, pool?: FramePool): RequestFrame {
  const writer = new WireWriter(256 + request.partitions.length * 64);
  writer.int32(consumerReplicaId).int32(request.maxWaitMs).int32(request.minBytes).int32(request.bytesMax);
  writer.int8(readCommitted).int32(request.session.id).int32(request.session.epoch);
  const topics = Map.groupBy(request.partitions, (partition) => partition.topicId);
  writer.compactArrayLength(topics.size);
  for (const [topicId, partitions] of topics) {
    writer.uuid(topicId).compactArrayLength(partitions.length);
    for (const partition of partitions) {
      writer.int32(partition.partition).int32(partition.currentLeaderEpoch).int64(partition.fetchOffset);
      // A consumer has no log of its own: its log start is "unknown" (-1).
      writer
        .int32(partition.lastFetchedEpoch ?? absentEpoch)
        .int64(-1n)
        .int32(partition.bytesMax)
        .noTaggedFields();
    }
    writer.noTaggedFields();
  }
  const forgotten = Map.groupBy(request.forgotten, (partition) => partition.topicId);
  writer.compactArrayLength(forgotten.size);
  for (const [topicId, partitions] of forgotten) {
    writer.uuid(topicId).compactArrayLength(partitions.length);
    for (const { partition } of partitions) writer.int32(partition);
    writer.noTaggedFields();
  }
  writer.compactString('').noTaggedFields();
  return {
    apiKey: fetchApi.key,
    apiVersion: fetchApi.version,
    flexible: true,
    body: writer.parts(),
    ...(pool === undefined ? {} : { pool }),
  };
}

/** `bytes` from `start` is the body of the answer. Throws MalformedError on bytes that are not what they should be. */
export function decodeFetch(bytes: Buffer, start: number): FetchAnswer {
  const reader = new WireReader(bytes, start);
  reader.int32(); // throttle time
  const errorCode = reader.int16();
  const sessionId = reader.int32();
  const partitions = reader.compactArray((topic) => {
    const topicId = topic.uuid();
    const fetched = topic.compactArray((partition) => decodePartition(partition, topicId));
    topic.taggedFields();
    return fetched;
  });
  reader.taggedFields();
  return { errorCode, sessionId, partitions: partitions.flat() };
}

function decodePartition(reader: WireReader, topicId: string): FetchedPartition {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const highWatermark = reader.int64();
  const lastStableOffset = reader.int64();
  const logStartOffset = reader.int64();
  const abortedTransactions = reader.compactArray((aborted) => {
    const transaction = { producerId: aborted.int64(), firstOffset: aborted.int64() };
    aborted.taggedFields();
    return transaction;
  });
  reader.int32(); // preferred read replica
  const records = reader.compactNullableBytes() ?? { start: 0, end: 0 };
  let diverging: FetchedPartition['diverging'];
  reader.taggedFields((tag, field) => {
    if (tag !== 0) return;
    const epoch = field.int32();
    const endOffset = field.int64();
    if (epoch >= 0) diverging = { epoch, endOffset };
  });
  return {
    topicId,
    partition,
    errorCode,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    abortedTransactions,
    records,
    diverging,
  };
}
