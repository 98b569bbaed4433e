import { compressionsAlgorithms, Writer } from '@platformatic/kafka';
import { makeBatch, resealed } from './batches.ts';

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

export interface SparseShape {
  readonly baseOffset: bigint;
  /** Offset deltas of the records, ascending. */
  readonly deltas: readonly number[];
  /** Default: the last delta. */
  readonly lastOffsetDelta?: number;
  readonly attributes?: number;
  readonly compression?: Compression;
  readonly value?: (index: number) => Buffer;
}

/** A batch with holes, as a cleaner leaves it; keys, times and headers differ from record to record. */
export function sparseBatch(shape: SparseShape): Buffer {
  const { baseOffset, deltas, compression = 'none', value = (index) => Buffer.from(`value ${index}`) } = shape;
  const plain = Buffer.concat(deltas.map((delta, index) => record(delta, index, value(index))));
  return batchOf(plain, {
    ...shape,
    compression,
    records: deltas.length,
    lastOffsetDelta: shape.lastOffsetDelta ?? deltas.at(-1) ?? 0,
    baseOffset,
  });
}

/** A batch around a record section of any bytes. */
export function batchOf(
  plain: Buffer,
  of: Omit<SparseShape, 'deltas' | 'value'> & { readonly records: number; readonly lastOffsetDelta: number },
): Buffer {
  const { compression = 'none' } = of;
  const head = makeBatch({ baseOffset: of.baseOffset, records: 1 }).subarray(0, 61);
  const algorithm = compressionsAlgorithms[compression];
  const batch = Buffer.concat([head, algorithm.compressSync(plain)]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt16BE(algorithm.bitmask | (of.attributes ?? 0), 21);
  batch.writeInt32BE(of.lastOffsetDelta, 23);
  batch.writeBigInt64BE(1_700_000_000_000n, 27);
  batch.writeBigInt64BE(1_700_000_000_999n, 35);
  batch.writeInt32BE(of.records, 57);
  return resealed(batch);
}

function record(delta: number, index: number, value: Buffer): Buffer {
  const body = Writer.create()
    .appendInt8(index % 3)
    .appendVarInt64(BigInt((index * 37) % 1000) - 3n)
    .appendVarInt(delta)
    .appendVarInt(index % 4 === 0 ? -1 : 3)
    .append(index % 4 === 0 ? Buffer.alloc(0) : Buffer.from('key'))
    .appendVarInt(value.length)
    .append(value)
    .appendVarInt(index % 2)
    .append(index % 2 === 0 ? Buffer.alloc(0) : Buffer.from('024804ffff', 'hex')).buffer;
  return Buffer.concat([Writer.create().appendVarInt(body.length).buffer, body]);
}
