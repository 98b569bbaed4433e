import { compressionsAlgorithmsByBitmask, type KafkaRecord, readRecord } from '@platformatic/kafka';
import { boundedReader } from '../kafka/bounded-reader.ts';
import { MalformedError } from '../kafka/errors.ts';
import type { RawBatch } from './log-reader.ts';
import { compressionOf, headerBytes } from './record-batch.ts';
import { refuseFalseClaims } from './snappy-claim.ts';

const snappy = 2;

export interface RawRecord {
  readonly offset: bigint;
  readonly timestamp: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [Buffer | null, Buffer | null])[];
}

/** Decodes and, where needed, decompresses the records of a batch (all five codecs). Not for the data path. */
export function decodeRecords(batch: RawBatch): readonly RawRecord[] {
  const { frame, header } = batch;
  const baseTimestamp = frame.readBigInt64BE(header.start + 27);
  try {
    const reader = boundedReader(decompressed(batch));
    const records: RawRecord[] = [];
    for (let index = 0; index < header.records; index++) {
      records.push(toRaw(readRecord(reader), header.baseOffset, baseTimestamp));
    }
    return records;
  } catch (error) {
    throw new MalformedError(`the records of the batch at offset ${header.baseOffset}`, { cause: error });
  }
}

function decompressed({ frame, header }: RawBatch): Buffer {
  const payload = frame.subarray(header.start + headerBytes, header.end);
  const codec = compressionOf(frame, header);
  if (codec === 0) return payload;
  const algorithm = compressionsAlgorithmsByBitmask[codec];
  if (algorithm === undefined) throw new MalformedError(`compression ${codec} is none that is known`);
  if (codec === snappy) refuseFalseClaims(payload);
  return algorithm.decompressSync(payload);
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
