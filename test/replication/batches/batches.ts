import { crc32c, createRecordsBatch } from '@platformatic/kafka';
import fc from 'fast-check';

/** A record batch, made with the library's encoder and checksum: independent of the code under test. */
export interface BatchShape {
  readonly baseOffset: bigint;
  /** Number of records. */
  readonly records: number;
  /** Default: dense. */
  readonly lastOffsetDelta?: number;
  /** Set in addition to the codec's bits. */
  readonly attributes?: number;
  readonly leaderEpoch?: number;
  readonly producerId?: bigint;
  readonly valueBytes?: number;
  readonly compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
}

export const attribute = { logAppendTime: 0x08, transactional: 0x10, control: 0x20, deleteHorizon: 0x40 } as const;

export function makeBatch(shape: BatchShape): Buffer {
  const messages = Array.from({ length: Math.max(1, shape.records) }, (_, index) => ({
    topic: 't',
    key: Buffer.from(`key ${shape.baseOffset + BigInt(index)}`),
    value: Buffer.alloc(shape.valueBytes ?? 10, index & 0xff),
    timestamp: 1_700_000_000_000n + BigInt(index),
  }));
  const options = {
    compression: shape.compression ?? 'none',
    producerId: shape.producerId ?? -1n,
    producerEpoch: -1,
    partitionLeaderEpoch: shape.leaderEpoch ?? 0,
  };
  const batch = Buffer.from(createRecordsBatch(messages, options).buffer);
  batch.writeBigInt64BE(shape.baseOffset, 0);
  batch.writeInt16BE(batch.readInt16BE(21) | (shape.attributes ?? 0), 21);
  batch.writeInt32BE(shape.lastOffsetDelta ?? shape.records - 1, 23);
  batch.writeInt32BE(shape.records, 57);
  return resealed(batch);
}

/** The same batch with a checksum that is right for its bytes as they are. */
export function resealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(libraryCrc(batch.subarray(21)), 17);
  return batch;
}

export function libraryCrc(bytes: Uint8Array): number {
  return crc32c(Buffer.from(bytes)) >>> 0;
}

/** Dense batches of some records each, one behind the other from `from` on. */
export function denseRun(from: bigint, sizes: readonly number[], more: Partial<BatchShape> = {}): Buffer[] {
  let next = from;
  return sizes.map((records) => {
    const batch = makeBatch({ baseOffset: next, records, ...more });
    next += BigInt(records);
    return batch;
  });
}

export const anySizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });

/** Where the records stand in a frame that holds nothing else. */
export function wholeOf(frame: Buffer): { readonly start: number; readonly end: number } {
  return { start: 0, end: frame.length };
}
