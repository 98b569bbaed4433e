import zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../src/kafka/errors.ts';
import { UncompressedTooLargeError } from '../../../src/replication/batches/compression.ts';
import { decodeRecords, type RawRecord } from '../../../src/replication/batches/records.ts';
import { type BatchHeader, checksumIsRight, parseBatch } from '../../../src/replication/batches/record-batch.ts';
import { type Repacked, repackBatch } from '../../../src/replication/batches/repack.ts';
import { repackOutcome } from '../../../src/replication/streams/repack-outcome.ts';
import { damaged } from '../../kafka/hostile.ts';
import { attribute, resealed } from './batches.ts';
import { batchOf, type Compression, sparseBatch } from './sparse-batch.ts';

const codecs: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const MiB = 1024 * 1024;
const limits = { uncompressedBytesMax: MiB, batchesMax: 1000 };

const anyCodec = fc.constantFrom(...codecs);
/** Ascending, with runs and holes; the last offset may lie behind the last record. */
const anyShape = fc.record({
  steps: fc.array(fc.constantFrom(1, 1, 1, 2, 70, 9000), { minLength: 1, maxLength: 80 }),
  more: fc.nat(3),
  skipped: fc.nat(4),
  compression: anyCodec,
  logAppendTime: fc.boolean(),
});

describe('taking a batch apart', () => {
  it('keeps every record at its offset with its time, key, value and headers, in batches without holes', () => {
    fc.assert(
      fc.property(anyShape, fc.integer({ min: 1, max: 5 }), ({ steps, more, skipped, ...shape }, batchesMax) => {
        const deltas = ascending(steps);
        const batch = sparseBatch({
          baseOffset: 1000n,
          deltas,
          compression: shape.compression,
          lastOffsetDelta: (deltas.at(-1) ?? 0) + more,
          attributes: shape.logAppendTime ? attribute.logAppendTime : 0,
        });
        const from = 1000n + BigInt(Math.min(skipped, deltas.at(-1) ?? 0));
        const wanted = recordsOf(batch, headerOf(batch)).filter(({ offset }) => offset >= from);
        const copied: RawRecord[] = [];
        let next = from;
        for (const part of parts(batch, from, batchesMax)) {
          expect(part.items.filter(({ kind }) => kind === 'batch').length).toBeLessThanOrEqual(batchesMax);
          for (const item of part.items) {
            if (item.kind === 'gap') {
              expect(item.from).toBe(next);
              next += item.count;
              continue;
            }
            expect(item.header).toMatchObject({ baseOffset: next, dense: true, logAppendTime: false });
            expect(checksumIsRight(part.bytes, item.header)).toBe(true);
            copied.push(...recordsOf(part.bytes, item.header));
            next = item.header.lastOffset + 1n;
          }
          expect(part.next).toBe(next);
        }
        expect(next).toBe(headerOf(batch).lastOffset + 1n);
        expect(copied).toEqual(wanted);
      }),
      { numRuns: 300 },
    );
  });

  it('writes headers that say what the records say', () => {
    const { bytes, items } = repackBatch(sparseBatch({ baseOffset: 5n, deltas: [0, 1, 2, 9] }), 5n, limits);
    const headers = items.flatMap((item) => (item.kind === 'batch' ? [item.header] : []));
    expect(headers.map(({ baseOffset, lastOffset, records }) => [baseOffset, lastOffset, records])).toEqual([
      [5n, 7n, 3],
      [14n, 14n, 1],
    ]);
    for (const header of headers) {
      const parsed = headerOf(bytes.subarray(header.start, header.end));
      // The offset stands in the header that we keep: brokers write it themselves.
      expect(parsed).toMatchObject({ baseOffset: 0n, records: header.records, dense: true });
      const times = recordsOf(bytes, header).map(({ timestamp }) => timestamp);
      expect(bytes.readBigInt64BE(header.start + 35)).toBe(times.reduce((most, time) => (time > most ? time : most)));
    }
  });

  it('gives every record of a batch with log append time the time of the batch', () => {
    const batch = sparseBatch({ baseOffset: 5n, deltas: [0, 1], attributes: attribute.logAppendTime });
    const { bytes, items } = repackBatch(batch, 5n, limits);
    const records = items.flatMap((item) => (item.kind === 'batch' ? recordsOf(bytes, item.header) : []));
    expect(records.map(({ timestamp }) => timestamp)).toEqual([1_700_000_000_999n, 1_700_000_000_999n]);
  });

  it.each([
    ['that go back', [3, 2]],
    ['that are there twice', [3, 3]],
    ['behind the last', [0, 12]],
  ])('refuses offsets %s', (_, deltas) => {
    const batch = sparseBatch({ baseOffset: 0n, deltas, lastOffsetDelta: 9 });
    expect(() => repackBatch(batch, 0n, limits)).toThrow(MalformedError);
  });

  it('takes apart or refuses whatever the records hold, and never writes records that nobody can read', () => {
    const batch = sparseBatch({ baseOffset: 0n, deltas: [0, 1, 5, 6, 7, 300] });
    fc.assert(
      fc.property(damaged(batch, 61), (bytes) => {
        if (bytes.length < 61) return;
        bytes.writeInt32BE(bytes.length - 12, 8);
        const outcome = repackOutcome({ batch: resealed(bytes), from: 0n }, limits);
        if (outcome.kind !== 'repacked') return;
        for (const item of outcome.items)
          if (item.kind === 'batch')
            expect(headerOf(outcome.bytes.subarray(item.header.start, item.header.end)).records).toBe(
              item.header.records,
            );
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a batch that would fill the memory', () => {
  it.each(codecs.filter((codec) => codec !== 'none'))('is refused by name before it does, in %s', (compression) => {
    const plain = Buffer.alloc(2 * MiB);
    const batch = batchOf(plain, { baseOffset: 0n, records: 2, lastOffsetDelta: 5, compression });
    expect(() => repackBatch(Buffer.from(batch), 0n, limits)).toThrow(UncompressedTooLargeError);
    expect(repackOutcome({ batch, from: 0n }, limits)).toEqual({
      kind: 'too-large',
      message: 'the records are larger than 1048576 bytes before compression',
    });
  });

  it('is not written out on the way: a bomb costs no more than the bound', () => {
    const zeros = Buffer.alloc(64 * MiB);
    const bombs = [zlib.gzipSync(zeros, { level: 1 }), zlib.zstdCompressSync(zeros)];
    for (const [index, payload] of bombs.entries()) {
      const batch = Buffer.concat([
        batchOf(Buffer.alloc(0), { baseOffset: 0n, records: 1, lastOffsetDelta: 5 }),
        payload,
      ]);
      batch.writeInt32BE(batch.length - 12, 8);
      batch.writeInt16BE(index === 0 ? 1 : 4, 21);
      const before = process.memoryUsage().arrayBuffers;
      expect(() => repackBatch(batch, 0n, limits)).toThrow(UncompressedTooLargeError);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * MiB);
    }
  });

  // Blocks of 64 KiB at most, says the frame; each says for itself that it is stored or compressed.
  it.each([
    ['no LZ4 at all', '00112233445566778899', 'malformed'],
    ['an unknown block size', '04224d186000820000000000', 'malformed'],
    ['a block beyond the end', '04224d18604082ff000000aa', 'malformed'],
    ['a hundred blocks', '04224d18604082' + '01000000aa'.repeat(100), 'too-large'],
  ])('LZ4 frame: %s', (_, hex, kind) => {
    const head = batchOf(Buffer.alloc(0), { baseOffset: 0n, records: 1, lastOffsetDelta: 5 });
    const batch = Buffer.concat([head, Buffer.from(hex, 'hex')]);
    batch.writeInt32BE(batch.length - 12, 8);
    batch.writeInt16BE(3, 21);
    expect(repackOutcome({ batch, from: 0n }, limits).kind).toBe(kind);
  });
});

function ascending(steps: readonly number[]): number[] {
  let last = -1;
  return steps.map((step) => (last += step));
}

/** Part by part, each from the batch as it was. */
function parts(batch: Buffer, from: bigint, batchesMax: number): Repacked[] {
  const { lastOffset } = headerOf(batch);
  const all: Repacked[] = [];
  for (let next = from; next <= lastOffset;) {
    const part = repackBatch(Buffer.from(batch), next, { ...limits, batchesMax });
    expect(part.next).toBeGreaterThan(next);
    all.push(part);
    next = part.next;
  }
  return all;
}

function headerOf(batch: Buffer): BatchHeader {
  const parsed = parseBatch(batch, 0, batch.length);
  if (parsed.kind !== 'batch') throw new Error('a batch');
  return parsed.header;
}

/** At the header's offsets: what stands in the bytes is 0. */
function recordsOf(frame: Buffer, header: BatchHeader): readonly RawRecord[] {
  return decodeRecords({ frame, header });
}
