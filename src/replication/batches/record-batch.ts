import { MalformedError } from '../../kafka/errors.ts';
import { crc32c, patchCrc32c } from './crc32c.ts';

/**
 * The header of a record batch, format 2 (KIP-98), in place in the frame it came in.
 *
 * ```
 *  0        8       12      16 17    21    23      27       35       43       51    53      57      61
 *  ├ base ──┼ length┼ epoch ┼m┼ crc ─┼ att ┼ lastΔ ┼ baseTs ┼ maxTs ─┼ pid ───┼ ep ─┼ seq ──┼ count ┼ records…
 *                                    └──────────────────── checksummed ─────────────────────────────────────
 * ```
 * `length` counts from byte 12. Message sets of formats 0 and 1 have their magic at byte 16 as well.
 */
export const headerBytes = 61;
const lengthPrefixBytes = 12;
const checksummedFrom = 21;
/** End of the header fields that change on the copy: base sequence is the last of them. */
const rewrittenTo = 57;

const compressionMask = 0x07;
const logAppendTimeBit = 0x08;
const transactionalBit = 0x10;
const controlBit = 0x20;
const deleteHorizonBit = 0x40;

export interface BatchHeader {
  /** Place of the batch in its frame. */
  readonly start: number;
  readonly end: number;
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  readonly leaderEpoch: number;
  readonly records: number;
  /** One record for each offset of the range. */
  readonly dense: boolean;
  readonly logAppendTime: boolean;
  readonly transactional: boolean;
  readonly control: boolean;
}

export type ParsedBatch =
  | { readonly kind: 'batch'; readonly header: BatchHeader }
  /** The answer ends inside this batch: brokers cut answers at the byte limit. */
  | { readonly kind: 'cut-off' }
  | { readonly kind: 'old-format'; readonly magic: number; readonly baseOffset: bigint };

/** Reads the batch that begins at `start`. Throws MalformedError for lengths and counts that cannot be. */
export function parseBatch(frame: Buffer, start: number, end: number): ParsedBatch {
  if (end - start < lengthPrefixBytes + 5) return { kind: 'cut-off' };
  const baseOffset = frame.readBigInt64BE(start);
  const length = frame.readInt32BE(start + 8);
  const magic = frame.readInt8(start + 16);
  if (length < 5) throw new MalformedError(`a batch of length ${length} at offset ${baseOffset}`);
  if (magic !== 2) return { kind: 'old-format', magic, baseOffset };
  if (length < headerBytes - lengthPrefixBytes) {
    throw new MalformedError(`a batch of length ${length} at offset ${baseOffset}, shorter than its header`);
  }
  const batchEnd = start + lengthPrefixBytes + length;
  if (batchEnd > end) return { kind: 'cut-off' };
  const lastOffsetDelta = frame.readInt32BE(start + 23);
  const records = frame.readInt32BE(start + 57);
  if (baseOffset < 0n || lastOffsetDelta < 0 || records < 0) {
    throw new MalformedError(`a batch at offset ${baseOffset} with ${records} records up to +${lastOffsetDelta}`);
  }
  const attributes = frame.readInt16BE(start + 21);
  return {
    kind: 'batch',
    header: {
      start,
      end: batchEnd,
      baseOffset,
      lastOffset: baseOffset + BigInt(lastOffsetDelta),
      leaderEpoch: frame.readInt32BE(start + 12),
      records,
      dense: records === lastOffsetDelta + 1,
      logAppendTime: (attributes & logAppendTimeBit) !== 0,
      transactional: (attributes & transactionalBit) !== 0,
      control: (attributes & controlBit) !== 0,
    },
  };
}

/** Reads the whole batch: for those that are not passed on. */
export function checksumIsRight(frame: Buffer, header: BatchHeader): boolean {
  return crc32c(frame.subarray(header.start + checksummedFrom, header.end)) === frame.readUInt32BE(header.start + 17);
}

export interface ProducerStamp {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

/**
 * Makes the batch at `header` ready for appending, in place: base offset 0 (brokers refuse anything else), attributes
 * reduced to the compression codec, the link's producer id, epoch and sequence, and the checksum by combination.
 * Payload bytes are neither read nor moved. Returns the batch as a slice of the frame.
 */
export function stampBatch(frame: Buffer, header: BatchHeader, stamp: ProducerStamp): Buffer {
  const batch = frame.subarray(header.start, header.end);
  const before = Buffer.from(batch.subarray(checksummedFrom, rewrittenTo));
  batch.writeBigInt64BE(0n, 0);
  batch.writeInt16BE(batch.readInt16BE(21) & compressionMask, 21);
  batch.writeBigInt64BE(stamp.producerId, 43);
  batch.writeInt16BE(stamp.producerEpoch, 51);
  batch.writeInt32BE(stamp.baseSequence, 53);
  const after = batch.subarray(checksummedFrom, rewrittenTo);
  batch.writeUInt32BE(patchCrc32c(batch.readUInt32BE(17), before, after, batch.length - rewrittenTo), 17);
  return batch;
}

/** What of two batches must be equal for one to be the copy of the other, and is not; `undefined` when nothing is. */
export function compareBatches(
  source: { readonly frame: Buffer; readonly header: BatchHeader },
  copy: { readonly frame: Buffer; readonly header: BatchHeader },
): string | undefined {
  const left = source.frame.subarray(source.header.start, source.header.end);
  const right = copy.frame.subarray(copy.header.start, copy.header.end);
  if (source.header.baseOffset !== copy.header.baseOffset) return 'base offset';
  if (source.header.lastOffset !== copy.header.lastOffset) return 'last offset';
  if (source.header.records !== copy.header.records) return 'number of records';
  if (source.header.logAppendTime !== copy.header.logAppendTime) return 'timestamp type';
  if ((left.readInt16BE(21) & compressionMask) !== (right.readInt16BE(21) & compressionMask)) return 'compression';
  if (left.compare(right, 27, 43, 27, 43) !== 0) return 'timestamps';
  return left.compare(right, headerBytes, right.length, headerBytes, left.length) === 0 ? undefined : 'records';
}

/**
 * Whether a copy of the source's batch has the same bytes after its header. Not where records are missing or times are
 * the broker's; and not where the cleaner has been at it since: a batch with records to be deleted later (KIP-534) is
 * written anew, with the time of their deletion as base timestamp, even if none is missing yet.
 */
export function hasSameBytesAtCopy({
  frame,
  header,
}: {
  readonly frame: Buffer;
  readonly header: BatchHeader;
}): boolean {
  const rewritten = (frame.readInt16BE(header.start + 21) & deleteHorizonBit) !== 0;
  return header.dense && !header.logAppendTime && !rewritten;
}

/** Whoever wrote the batch; -1 for a producer without an id, which then detects no duplicates. */
export function producerIdOf(frame: Buffer, header: BatchHeader): bigint {
  return frame.readBigInt64BE(header.start + 43);
}

export function compressionOf(frame: Buffer, header: BatchHeader): number {
  return frame.readInt16BE(header.start + 21) & compressionMask;
}
