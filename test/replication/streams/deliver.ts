import type { FramePool } from '../../../src/kafka/frame-pool.ts';
import type { Copier } from '../../../src/replication/copier/copier.ts';

/** Gives a copier an answer of its source that holds these bytes, in a frame of the pool. */
export function deliver(copier: Copier, pool: FramePool, bytes: Buffer, sourceEnd: bigint): void {
  const frame = pool.acquire(bytes.length);
  bytes.copy(frame.bytes);
  try {
    copier.fetched(frame, {
      topicId: copier.of.sourceTopicId,
      partition: copier.of.partition,
      errorCode: 0,
      highWatermark: sourceEnd,
      lastStableOffset: sourceEnd,
      logStartOffset: 0n,
      abortedTransactions: [],
      diverging: undefined,
      records: { start: 0, end: bytes.length },
    });
  } finally {
    frame.release();
  }
}
