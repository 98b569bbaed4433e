import { setImmediate as nextTurn } from 'node:timers/promises';
import { type KafkaRecord, type Reader, readRecord } from '@platformatic/kafka';
import { boundedReader } from '../../kafka/bounded-reader.ts';
import { MalformedError } from '../../kafka/errors.ts';
import { decompress, decompressAside, uncompressedBytesMax } from './compression.ts';
import { type BatchHeader, compressionOf, headerBytes } from './record-batch.ts';

/** A batch in the frame it came in. */
export interface BatchInFrame {
  readonly frame: Buffer;
  readonly header: BatchHeader;
}

export interface RawRecord {
  readonly offset: bigint;
  readonly timestamp: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [Buffer | null, Buffer | null])[];
}

/**
 * Decodes and, where needed, decompresses the records of a batch (all five codecs), at once: for small batches and
 * processes that do nothing else.
 * @throws MalformedError when they cannot be decoded
 * @throws UncompressedTooLargeError above {@link uncompressedBytesMax}
 */
export function decodeRecords(batch: BatchInFrame): readonly RawRecord[] {
  return [
    ...recordsIn(batch, decompress(compressionOf(batch.frame, batch.header), payloadOf(batch), uncompressedBytesMax)),
  ];
}

/** Longer than this the event loop is not held by one walk. */
const turnMsMax = 8;
/** Records between two looks at the clock. */
const recordsPerLook = 32;

/**
 * The same records one by one, beside the event loop: it is given back every few milliseconds, and no more than the
 * decompressed bytes and one record are in memory. Throws like {@link decodeRecords}, but maybe in the middle.
 */
export async function* walkRecords(batch: BatchInFrame): AsyncGenerator<RawRecord> {
  const codec = compressionOf(batch.frame, batch.header);
  const plain = await decompressAside(codec, payloadOf(batch), uncompressedBytesMax);
  let turnBegan = performance.now();
  let walked = 0;
  for (const record of recordsIn(batch, plain)) {
    yield record;
    walked += 1;
    if (walked % recordsPerLook !== 0 || performance.now() - turnBegan < turnMsMax) continue;
    await nextTurn();
    turnBegan = performance.now();
  }
}

function* recordsIn({ frame, header }: BatchInFrame, plain: Buffer): Generator<RawRecord> {
  // With log append time every record's time is the batch's largest.
  const baseTimestamp = frame.readBigInt64BE(header.start + (header.logAppendTime ? 35 : 27));
  const reader = boundedReader(plain);
  for (let index = 0; index < header.records; index++) {
    const record = readOne(reader, header);
    const timestamp = header.logAppendTime ? baseTimestamp : baseTimestamp + record.timestampDelta;
    yield toRaw(record, header.baseOffset, timestamp);
  }
}

function readOne(reader: Reader, header: BatchHeader): KafkaRecord {
  try {
    return readRecord(reader);
  } catch (error) {
    throw new MalformedError(`the records of the batch at offset ${header.baseOffset}`, { cause: error });
  }
}

/** The record section as it is stored. */
function payloadOf({ frame, header }: BatchInFrame): Buffer {
  return frame.subarray(header.start + headerBytes, header.end);
}

function toRaw(record: KafkaRecord, baseOffset: bigint, timestamp: bigint): RawRecord {
  return {
    offset: baseOffset + BigInt(record.offsetDelta),
    timestamp,
    key: record.key,
    value: record.value,
    headers: record.headers,
  };
}

/** The first of two records' parts that differs, in words; undefined when they are equal. */
export function compareRecords(source: RawRecord, copy: RawRecord): string | undefined {
  if (source.offset !== copy.offset) return 'offset';
  if (source.timestamp !== copy.timestamp) return 'timestamp';
  if (!sameBytes(source.key, copy.key)) return 'key';
  if (!sameBytes(source.value, copy.value)) return 'value';
  if (source.headers.length !== copy.headers.length) return 'number of headers';
  const different = source.headers.some(([name, value], index) => {
    const [otherName = null, otherValue = null] = copy.headers[index] ?? [];
    return !sameBytes(name, otherName) || !sameBytes(value, otherValue);
  });
  return different ? 'headers' : undefined;
}

function sameBytes(left: Buffer | null, right: Buffer | null): boolean {
  return left === null || right === null ? left === right : left.equals(right);
}
