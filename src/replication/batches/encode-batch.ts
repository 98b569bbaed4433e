import { compress } from './compression.ts';
import { crc32c } from './crc32c.ts';
import { type BatchHeader, headerBytes } from './record-batch.ts';

/** What the header of a dense batch says of its records. */
export interface BatchContent {
  readonly codec: number;
  readonly records: number;
  readonly baseTimestamp: bigint;
  /** Largest difference of a record's time to it. */
  readonly largestDelta: bigint;
}

/** A dense batch, without producer, of records that are encoded but not yet compressed. Copies them. */
export function encodeBatch(plain: Buffer, of: BatchContent): Buffer {
  const stored = compress(of.codec, plain);
  const bytes = Buffer.allocUnsafe(headerBytes + stored.length);
  bytes.writeBigInt64BE(0n, 0);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt32BE(0, 12);
  bytes.writeInt8(2, 16);
  bytes.writeInt16BE(of.codec, 21);
  bytes.writeInt32BE(of.records - 1, 23);
  bytes.writeBigInt64BE(of.baseTimestamp, 27);
  bytes.writeBigInt64BE(of.baseTimestamp + of.largestDelta, 35);
  bytes.writeBigInt64BE(-1n, 43);
  bytes.writeInt16BE(-1, 51);
  bytes.writeInt32BE(-1, 53);
  bytes.writeInt32BE(of.records, 57);
  stored.copy(bytes, headerBytes);
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
  return bytes;
}

/** The header of a batch that {@link encodeBatch} made, at `start` of its frame. Its place in the log stands only here. */
export function headerOfEncoded(at: {
  readonly start: number;
  readonly end: number;
  readonly baseOffset: bigint;
  readonly records: number;
  readonly leaderEpoch: number;
}): BatchHeader {
  return {
    ...at,
    lastOffset: at.baseOffset + BigInt(at.records - 1),
    dense: true,
    logAppendTime: false,
    transactional: false,
    control: false,
  };
}
