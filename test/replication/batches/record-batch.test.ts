import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFetch } from '../../../src/kafka/fetch-api.ts';
import {
  type BatchHeader,
  compareBatches,
  parseBatch,
  stampBatch,
} from '../../../src/replication/batches/record-batch.ts';
import { decodeRecords, type RawRecord } from '../../../src/replication/batches/records.ts';
import {
  dumpOf,
  golden,
  goldenBodyStart,
  type GoldenVersion,
  goldenVersions,
  topicIdOf,
  witnessOf,
} from '../../kafka/golden-frames.ts';
import { anyBytes, damaged, outcomeOf, truncations } from '../../kafka/hostile.ts';
import { attribute, libraryCrc, makeBatch } from './batches.ts';

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/** The captured batches of partition 0 of a topic. */
function captured(version: GoldenVersion, name: string, topic: string): { frame: Buffer; headers: BatchHeader[] } {
  const frame = golden(version, name);
  const { partitions } = decodeFetch(frame, goldenBodyStart);
  const found = partitions.find(({ topicId }) => topicId === topicIdOf(version, topic));
  const headers: BatchHeader[] = [];
  for (let at = found!.records.start; at < found!.records.end;) {
    const header = headerAt(frame, at, found!.records.end);
    headers.push(header);
    at = header.end;
  }
  return { frame, headers };
}

function headerAt(frame: Buffer, start = 0, end = frame.length): BatchHeader {
  const parsed = parseBatch(frame, start, end);
  if (parsed.kind !== 'batch') expect.fail(`no batch but ${parsed.kind}`);
  return parsed.header;
}

describe.each(goldenVersions)('batches of Kafka %s', (version) => {
  it.each([...codecs.map((codec) => ['fetch-codecs', codec] as const), ['fetch-aborted', 'txn'] as const])(
    'are read as kafka-dump-log reads them: %s, %s',
    (name, topic) => {
      const { frame, headers } = captured(version, name, topic);
      const dumped = dumpOf(version, topic);
      expect(headers.map((header) => summary(frame, header))).toEqual(
        dumped.map((line) => ({
          baseOffset: line.baseOffset,
          lastOffset: line.lastOffset,
          records: line.count,
          leaderEpoch: line.partitionLeaderEpoch,
          transactional: line.isTransactional,
          control: line.isControl,
          size: line.size,
          crc: line.crc,
          dense: true,
          logAppendTime: false,
        })),
      );
    },
  );

  it.each(codecs)('hold the records that a Java consumer read: %s', (codec) => {
    const { frame, headers } = captured(version, 'fetch-codecs', codec);
    const records = headers.flatMap((header) => decodeRecords({ frame, header }));
    const digest = witnessOf(version).digests.find(({ topic }) => topic === codec);
    expect(records).toHaveLength(digest!.records);
    expect(sha256Of(records)).toBe(digest!.sha256);
  });

  it.each(codecs)('are stamped with a checksum that the library confirms: %s', (codec) => {
    const { frame, headers } = captured(version, 'fetch-codecs', codec);
    for (const [index, header] of headers.entries()) {
      const payload = Buffer.from(frame.subarray(header.start + 57, header.end));
      const timestamps = Buffer.from(frame.subarray(header.start + 27, header.start + 43));
      const stamped = stampBatch(frame, header, { producerId: 2n ** 52n, producerEpoch: 0, baseSequence: index });
      expect(stamped.readUInt32BE(17)).toBe(libraryCrc(stamped.subarray(21)));
      expect(stamped.subarray(57).equals(payload)).toBe(true);
      expect(stamped.subarray(27, 43).equals(timestamps)).toBe(true);
      expect(stamped.readBigInt64BE(0)).toBe(0n);
      expect(stamped.readBigInt64BE(43)).toBe(2n ** 52n);
      expect([stamped.readInt16BE(51), stamped.readInt32BE(53)]).toEqual([0, index]);
    }
  });
});

describe('stampBatch', () => {
  const stamp = { producerId: 2n ** 52n + 12345n, producerEpoch: 0, baseSequence: 2 ** 31 - 1 };

  it('leaves of the attributes only the compression', () => {
    const all = Object.values(attribute).reduce((bits, bit) => bits | bit, 0x100);
    for (const compression of codecs) {
      const batch = makeBatch({ baseOffset: 7n, records: 3, attributes: all, compression });
      const stamped = stampBatch(batch, headerAt(batch), stamp);
      expect(stamped.readInt16BE(21)).toBe(codecs.indexOf(compression));
      expect(stamped.readUInt32BE(17)).toBe(libraryCrc(stamped.subarray(21)));
    }
  });

  it('does not hide damage: a bit flipped before leaves the checksum wrong', () => {
    const place = fc.record({ bit: fc.nat(), records: fc.integer({ min: 1, max: 20 }) });
    fc.assert(
      fc.property(place, ({ bit, records }) => {
        const batch = makeBatch({ baseOffset: 7n, records });
        const header = headerAt(batch);
        const at = 57 * 8 + (bit % ((batch.length - 57) * 8)); // record count and payload: what is not rewritten
        batch[at >> 3] = batch[at >> 3]! ^ (1 << (at & 7));
        const stamped = stampBatch(batch, header, stamp);
        expect(stamped.readUInt32BE(17)).not.toBe(libraryCrc(stamped.subarray(21)));
      }),
      { numRuns: 500 },
    );
  });

  it('touches nothing outside its batch', () => {
    const frame = Buffer.concat([Buffer.alloc(9, 1), makeBatch({ baseOffset: 7n, records: 3 }), Buffer.alloc(9, 2)]);
    stampBatch(frame, headerAt(frame, 9, frame.length - 9), stamp);
    expect(frame.subarray(0, 9).equals(Buffer.alloc(9, 1))).toBe(true);
    expect(frame.subarray(-9).equals(Buffer.alloc(9, 2))).toBe(true);
  });
});

describe('compareBatches', () => {
  const original = (): Buffer => makeBatch({ baseOffset: 40n, records: 3, leaderEpoch: 4, producerId: 9n });
  const compare = (source: Buffer, copy: Buffer): string | undefined =>
    compareBatches({ frame: source, header: headerAt(source) }, { frame: copy, header: headerAt(copy) });

  it('finds a copy equal whose header differs only where brokers and producers write', () => {
    const copy = original();
    copy.writeInt32BE(99, 12); // leader epoch
    stampBatch(copy, headerAt(copy), { producerId: 2n ** 52n, producerEpoch: 0, baseSequence: 17 });
    copy.writeBigInt64BE(40n, 0); // as the target's broker does
    expect(compare(original(), copy)).toBeUndefined();
  });

  it.each([
    ['base offset', (copy: Buffer) => copy.writeBigInt64BE(41n, 0)],
    ['last offset', (copy: Buffer) => copy.writeInt32BE(3, 23)],
    ['number of records', (copy: Buffer) => copy.writeInt32BE(2, 57)],
    ['timestamp type', (copy: Buffer) => copy.writeInt16BE(8, 21)],
    ['compression', (copy: Buffer) => copy.writeInt16BE(1, 21)],
    ['timestamps', (copy: Buffer) => copy.writeInt8(1, 30)],
    ['timestamps', (copy: Buffer) => copy.writeInt8(1, 42)],
    ['records', (copy: Buffer) => copy.writeInt8(1, copy.length - 1)],
  ])('names the %s', (what, change) => {
    const copy = original();
    change(copy);
    expect(compare(original(), copy)).toBe(what);
  });

  it('names the records of a copy that is longer', () => {
    const copy = Buffer.concat([original(), Buffer.of(0)]);
    copy.writeInt32BE(copy.length - 12, 8);
    expect(compare(original(), copy)).toBe('records');
  });
});

describe('hostile batches', () => {
  it('are refused or cut off wherever they end', () => {
    const batch = makeBatch({ baseOffset: 7n, records: 3 });
    for (const beginning of truncations(batch)) {
      expect(outcomeOf(() => parseBatch(beginning, 0, beginning.length))).toEqual({
        kind: 'value',
        value: { kind: 'cut-off' },
      });
    }
  });

  it.each([
    ['a negative length', 8, -1],
    ['a length below the header', 8, 48],
    ['a negative last offset delta', 23, -1],
    ['a negative count', 57, -5],
  ])('with %s are refused', (_what, at, value) => {
    const batch = makeBatch({ baseOffset: 7n, records: 3 });
    batch.writeInt32BE(value, at);
    expect(outcomeOf(() => parseBatch(batch, 0, batch.length)).kind).toBe('malformed');
  });

  it('give a header inside the bytes or are refused', () => {
    const batch = makeBatch({ baseOffset: 7n, records: 3 });
    fc.assert(
      fc.property(fc.oneof({ weight: 3, arbitrary: damaged(batch) }, anyBytes), (bytes) => {
        const outcome = outcomeOf(() => parseBatch(bytes, 0, bytes.length));
        if (outcome.kind === 'malformed' || outcome.value.kind !== 'batch') return;
        const { header } = outcome.value;
        expect(header.end).toBeGreaterThanOrEqual(61);
        expect(header.end).toBeLessThanOrEqual(bytes.length);
        expect(header.lastOffset).toBeGreaterThanOrEqual(header.baseOffset);
      }),
      { numRuns: 3000 },
    );
  });

  it.each(codecs)('are decoded or refused, in bounded time and memory: %s', (compression) => {
    const batch = makeBatch({ baseOffset: 7n, records: 5, compression });
    fc.assert(
      fc.property(damaged(batch, 21), (bytes) => {
        const outcome = outcomeOf(() => parseBatch(bytes, 0, bytes.length));
        if (outcome.kind === 'malformed' || outcome.value.kind !== 'batch') return;
        const { header } = outcome.value;
        outcomeOf(() => decodeRecords({ frame: bytes, header }));
      }),
      { numRuns: 400 },
    );
  });

  it.each(['ffffffff0700000000', '8080808004aabbccdd', '82534e4150505900000000010000000100000009ffffffff0700000000'])(
    'that claim gigabytes in a few bytes of snappy are refused before they get them: %s',
    (payload) => {
      const batch = Buffer.concat([
        makeBatch({ baseOffset: 0n, records: 1 }).subarray(0, 61),
        Buffer.from(payload, 'hex'),
      ]);
      batch.writeInt32BE(batch.length - 12, 8);
      batch.writeInt16BE(2, 21);
      const before = process.memoryUsage().rss;
      expect(outcomeOf(() => decodeRecords({ frame: batch, header: headerAt(batch) })).kind).toBe('malformed');
      expect(process.memoryUsage().rss - before).toBeLessThan(256 * 2 ** 20);
    },
  );

  it('do not lead the record decoder in circles', () => {
    // A sound record of seven zeros, then one whose key is -7 bytes long: it would begin again where it stands.
    const records = Buffer.from('00000000000000' + '00000000' + '0d', 'hex');
    const batch = Buffer.concat([makeBatch({ baseOffset: 0n, records: 1 }).subarray(0, 61), records]);
    batch.writeInt32BE(batch.length - 12, 8);
    batch.writeInt32BE(2 ** 31 - 2, 23);
    batch.writeInt32BE(2 ** 31 - 1, 57);
    const startedMs = performance.now();
    expect(outcomeOf(() => decodeRecords({ frame: batch, header: headerAt(batch) })).kind).toBe('malformed');
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });
});

function summary(frame: Buffer, { start, end, ...header }: BatchHeader): object {
  return { ...header, size: end - start, crc: frame.readUInt32BE(start + 17) };
}

/** As RecordTool.java digests what its consumer reads. */
function sha256Of(records: readonly RawRecord[]): string {
  const hash = createHash('sha256');
  const long = (value: bigint): void => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(value);
    hash.update(bytes);
  };
  const int = (value: number): void => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    hash.update(bytes);
  };
  const field = (bytes: Buffer | null): void => {
    int(bytes === null ? -1 : bytes.length);
    if (bytes !== null) hash.update(bytes);
  };
  for (const record of records) {
    long(record.offset);
    long(record.timestamp);
    field(record.key);
    field(record.value);
    int(record.headers.length);
    for (const [name, value] of record.headers) {
      field(name);
      field(value);
    }
  }
  return hash.digest('hex');
}
