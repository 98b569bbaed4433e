import { compressionsAlgorithmsByBitmask } from '@platformatic/kafka';
import { MalformedError } from '../kafka/errors.ts';
import { WireReader } from '../kafka/wire-reader.ts';
import { crc32c } from './crc32c.ts';
import { type BatchHeader, compressionOf, headerBytes } from './record-batch.ts';
import { decompressed } from './records.ts';

export type RepackedItem =
  | { readonly kind: 'batch'; readonly bytes: Buffer; readonly header: BatchHeader }
  | { readonly kind: 'gap'; readonly from: bigint; readonly count: bigint };

interface RawRecord {
  readonly offset: bigint;
  readonly attributes: number;
  readonly timestampDelta: bigint;
  /** Key, value and headers with their lengths, as they stand in the source. */
  readonly body: Buffer;
}

/**
 * Turns a batch that cannot pass (holes, log append time, a beginning below the copy's end) into dense batches with
 * the gaps between them: the same records at the same offsets with the same times, keys, values and headers, in the
 * same compression. Its bytes are not the source's. Records below `from` are left out.
 *
 * A batch with log append time gets create time: every record's time is the batch's, so all deltas are 0.
 */
export function repackBatch(frame: Buffer, header: BatchHeader, from: bigint): readonly RepackedItem[] {
  const records = readRecords(frame, header).filter(({ offset }) => offset >= from);
  const items: RepackedItem[] = [];
  let next = from;
  for (let index = 0; index < records.length;) {
    const run = denseRun(records, index);
    const first = records[index]?.offset ?? next;
    if (first > next) items.push({ kind: 'gap', from: next, count: first - next });
    items.push(encodeRun(frame, header, run));
    index += run.length;
    next = first + BigInt(run.length);
  }
  if (next <= header.lastOffset) items.push({ kind: 'gap', from: next, count: header.lastOffset - next + 1n });
  return items;
}

function readRecords(frame: Buffer, header: BatchHeader): readonly RawRecord[] {
  const plain = decompressed({ frame, header });
  const reader = new WireReader(plain);
  const records: RawRecord[] = [];
  let previous = -1n;
  for (let index = 0; index < header.records; index++) {
    const length = reader.varint();
    const end = reader.position + length;
    if (length < 0 || end > plain.length)
      throw new MalformedError(`record ${index} of the batch at ${header.baseOffset}`);
    const attributes = reader.int8();
    const timestampDelta = reader.varlong();
    const offset = header.baseOffset + BigInt(reader.varint());
    if (offset <= previous || offset > header.lastOffset) {
      throw new MalformedError(`record ${index} of the batch at ${header.baseOffset} has offset ${offset}`);
    }
    previous = offset;
    records.push({ offset, attributes, timestampDelta, body: plain.subarray(reader.position, end) });
    reader.skip(end - reader.position);
  }
  return records;
}

function denseRun(records: readonly RawRecord[], start: number): readonly RawRecord[] {
  let end = start + 1;
  while (records[end] !== undefined && records[end]?.offset === (records[end - 1]?.offset ?? 0n) + 1n) end += 1;
  return records.slice(start, end);
}

function encodeRun(frame: Buffer, source: BatchHeader, run: readonly RawRecord[]): RepackedItem {
  const records = run.map((record) => ({
    ...record,
    timestampDelta: source.logAppendTime ? 0n : record.timestampDelta,
  }));
  const batch = encodeBatch(records, {
    codec: compressionOf(frame, source),
    baseTimestamp: frame.readBigInt64BE(source.start + (source.logAppendTime ? 35 : 27)),
    baseOffset: run[0]?.offset ?? source.baseOffset,
    leaderEpoch: source.leaderEpoch,
  });
  return { kind: 'batch', ...batch };
}

/** A record as it goes into a batch; `body` is key, value and headers with their lengths. */
export interface EncodedRecord {
  readonly attributes: number;
  readonly timestampDelta: bigint;
  readonly body: Buffer;
}

/** A dense batch of these records, without producer. `baseOffset` and `leaderEpoch` stand in the header we keep only. */
export function encodeBatch(
  records: readonly EncodedRecord[],
  of: {
    readonly codec: number;
    readonly baseTimestamp: bigint;
    readonly baseOffset: bigint;
    readonly leaderEpoch: number;
  },
): { readonly bytes: Buffer; readonly header: BatchHeader } {
  const largest = records.reduce(
    (most, { timestampDelta }) => (timestampDelta > most ? timestampDelta : most),
    records[0]?.timestampDelta ?? 0n,
  );
  const payload = Buffer.concat(records.flatMap((record, index) => encodeRecord(record, index)));
  const stored = of.codec === 0 ? payload : compress(of.codec, payload);
  const bytes = Buffer.alloc(headerBytes + stored.length);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt8(2, 16);
  bytes.writeInt16BE(of.codec, 21);
  bytes.writeInt32BE(records.length - 1, 23);
  bytes.writeBigInt64BE(of.baseTimestamp, 27);
  bytes.writeBigInt64BE(of.baseTimestamp + largest, 35);
  bytes.writeBigInt64BE(-1n, 43);
  bytes.writeInt16BE(-1, 51);
  bytes.writeInt32BE(-1, 53);
  bytes.writeInt32BE(records.length, 57);
  stored.copy(bytes, headerBytes);
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
  const header: BatchHeader = {
    start: 0,
    end: bytes.length,
    baseOffset: of.baseOffset,
    lastOffset: of.baseOffset + BigInt(records.length - 1),
    leaderEpoch: of.leaderEpoch,
    records: records.length,
    dense: true,
    logAppendTime: false,
    transactional: false,
    control: false,
  };
  return { bytes, header };
}

function compress(codec: number, payload: Buffer): Buffer {
  const algorithm = compressionsAlgorithmsByBitmask[codec];
  if (algorithm === undefined) throw new MalformedError(`compression ${codec}`);
  return Buffer.from(algorithm.compressSync(payload));
}

function encodeRecord({ attributes, timestampDelta, body }: EncodedRecord, index: number): Buffer[] {
  const head = Buffer.concat([
    Buffer.from([attributes & 0xff]),
    encodeVarlong(timestampDelta),
    encodeVarlong(BigInt(index)),
  ]);
  return [encodeVarlong(BigInt(head.length + body.length)), head, body];
}

/** Zigzag varint, as records use it. */
function encodeVarlong(value: bigint): Buffer {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
