import { type KafkaRecord, Reader, readRecordsBatch } from '@platformatic/kafka';
import { MalformedError } from '../kafka/errors.ts';
import type { RawBatch } from './log-reader.ts';

export interface RawRecord {
  readonly offset: bigint;
  readonly timestamp: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [Buffer | null, Buffer | null])[];
}

/** Decodes and, where needed, decompresses the records of a batch (all five codecs). Not for the data path. */
export function decodeRecords({ frame, header }: RawBatch): readonly RawRecord[] {
  try {
    const batch = readRecordsBatch(Reader.from(frame.subarray(header.start, header.end)));
    return batch.records.map((record) => toRaw(record, header.baseOffset, batch.firstTimestamp));
  } catch (error) {
    throw new MalformedError(`the records of the batch at offset ${header.baseOffset}`, { cause: error });
  }
}

function toRaw(record: KafkaRecord, baseOffset: bigint, baseTimestamp: bigint): RawRecord {
  return {
    offset: baseOffset + BigInt(record.offsetDelta),
    timestamp: baseTimestamp + record.timestampDelta,
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
