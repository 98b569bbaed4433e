import { type KafkaRecord, readRecord } from '@platformatic/kafka';
import { boundedReader } from '../../kafka/bounded-reader.ts';
import { MalformedError } from '../../kafka/errors.ts';
import { decompress, uncompressedBytesMax } from './compression.ts';
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

/** Decodes and, where needed, decompresses the records of a batch (all five codecs). Not for the data path. */
export function decodeRecords(batch: BatchInFrame): readonly RawRecord[] {
  const { frame, header } = batch;
  // With log append time every record's time is the batch's largest.
  const baseTimestamp = frame.readBigInt64BE(header.start + (header.logAppendTime ? 35 : 27));
  const plain = decompressed(batch);
  try {
    const reader = boundedReader(plain);
    const records: RawRecord[] = [];
    for (let index = 0; index < header.records; index++) {
      const record = readRecord(reader);
      const timestamp = header.logAppendTime ? baseTimestamp : baseTimestamp + record.timestampDelta;
      records.push(toRaw(record, header.baseOffset, timestamp));
    }
    return records;
  } catch (error) {
    throw new MalformedError(`the records of the batch at offset ${header.baseOffset}`, { cause: error });
  }
}

/** The record section as it was before compression. */
function decompressed({ frame, header }: BatchInFrame): Buffer {
  const payload = frame.subarray(header.start + headerBytes, header.end);
  return decompress(compressionOf(frame, header), payload, uncompressedBytesMax);
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
