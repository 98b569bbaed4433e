import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { compareLogs, type ComparedRange, type LogComparison } from '../../../src/replication/logs/compare-logs.ts';
import type { RawBatch } from '../../../src/replication/logs/log-reader.ts';
import { parseBatch } from '../../../src/replication/batches/record-batch.ts';
import { attribute, makeBatch } from '../batches/batches.ts';
import { sparseBatch } from '../batches/sparse-batch.ts';

function raw(frame: Buffer, dropped = false): RawBatch {
  const parsed = parseBatch(frame, 0, frame.length);
  if (parsed.kind !== 'batch') throw new Error('no batch');
  return { frame, header: parsed.header, dropped };
}

// eslint-disable-next-line @typescript-eslint/require-await -- a log that is there already
async function* log(batches: readonly RawBatch[]): AsyncGenerator<RawBatch> {
  yield* batches;
}

function compare(
  source: readonly RawBatch[],
  copy: readonly RawBatch[],
  range: Partial<ComparedRange> = {},
): Promise<LogComparison> {
  return compareLogs(
    { source: log(source), copy: log(copy) },
    { from: 0n, to: 1_000n, compacted: false, ownBelow: 50n, ...range },
  );
}

/** Offset of the first difference; undefined where there is none. */
async function differenceOf(...logs: Parameters<typeof compare>): Promise<bigint | undefined> {
  return (await compare(...logs)).firstDifference?.offset;
}

/** The same in both roles. */
async function bothWays(
  left: readonly RawBatch[],
  right: readonly RawBatch[],
  range: Partial<ComparedRange> = {},
): Promise<readonly (bigint | undefined)[]> {
  return [await differenceOf(left, right, range), await differenceOf(right, left, range)];
}

const equal = [undefined, undefined];
const one = (offset: bigint, value = `at ${offset}`): RawBatch =>
  raw(sparseBatch({ baseOffset: offset, deltas: [0], value: () => Buffer.from(value) }));
const ones = (from: number, to: number, value?: string): RawBatch[] =>
  Array.from({ length: to - from }, (_, index) => one(BigInt(from + index), value));
const marker = (offset: bigint): RawBatch => {
  const attributes = attribute.control | attribute.transactional;
  return raw(makeBatch({ baseOffset: offset, records: 1, attributes }), true);
};
const aborted = (offset: bigint, records: number): RawBatch =>
  raw(makeBatch({ baseOffset: offset, records, attributes: attribute.transactional }), true);
const without = (batches: readonly RawBatch[], offset: number): RawBatch[] =>
  batches.filter(({ header }) => header.baseOffset !== BigInt(offset));

describe('two logs that both sides wrote in turn', () => {
  it('are equal below the cut by their records, in whatever batches, and above it by their bytes', async () => {
    // Records of the fixture depend on their number in the batch: those of batches of one are all of the first kind.
    const whole = raw(sparseBatch({ baseOffset: 40n, deltas: [0], lastOffsetDelta: 4 }));
    const taken = [raw(sparseBatch({ baseOffset: 40n, deltas: [0] })), ...[41n, 42n, 43n, 44n].map(marker)];
    expect(await bothWays([whole], taken)).toEqual(equal);
    const gzip = raw(makeBatch({ baseOffset: 45n, records: 3, compression: 'gzip' }));
    const plain = raw(makeBatch({ baseOffset: 45n, records: 3 }));
    expect(await compare([gzip], [plain])).toMatchObject({ batchesDifferent: 0, batchesRepacked: 1, recordsEqual: 3 });
    expect(await differenceOf([gzip], [plain], { ownBelow: 45n })).toBe(45n);
    expect(await differenceOf([gzip], [plain], { ownBelow: 46n })).toBeUndefined();
  });

  it('are equal where nobody sees anything, be it an aborted batch, markers or a hole', async () => {
    const around = [...ones(0, 10), ...ones(14, 16)];
    const first = [...around, aborted(10n, 3), marker(13n)];
    const second = [...around, ...[10n, 11n, 12n, 13n].map(marker)];
    expect(await bothWays(first, second)).toEqual(equal);
    expect(await bothWays(first, around)).toEqual(equal);
  });

  it('differ in a record that one of them lacks, above and below the cut', async () => {
    const all = ones(40, 60);
    for (const missing of [40, 45, 49, 50, 59]) {
      expect(await bothWays(all, without(all, missing))).toEqual([BigInt(missing), BigInt(missing)]);
    }
  });

  it('differ in a record that is another one, above and below the cut', async () => {
    for (const at of [44, 54]) {
      const other = [...ones(40, at), one(BigInt(at), 'another'), ...ones(at + 1, 60)];
      expect(await bothWays(ones(40, 60), other)).toEqual([BigInt(at), BigInt(at)]);
    }
  });

  it('differ in what cannot be decoded at either side', async () => {
    const broken = raw(Buffer.from(one(44n).frame));
    broken.frame.fill(0xff, 61);
    const damaged = [...ones(40, 44), broken, ...ones(45, 50)];
    expect(await bothWays(ones(40, 50), damaged)).toEqual([44n, 44n]);
  });

  describe('of which both cleaners took records', () => {
    const compacted = { compacted: true };
    const all = ones(40, 60);

    it('are equal below the cut whichever lacks some; above it only the source may', async () => {
      expect(await bothWays(without(all, 43), without(all, 45), compacted)).toEqual(equal);
      expect(await differenceOf(without(all, 55), all, compacted)).toBeUndefined();
      expect(await differenceOf(all, without(all, 55), compacted)).toBe(55n);
      expect(await differenceOf(all, without(all, 50), compacted)).toBe(50n);
    });

    it('differ where a marker or an aborted record stands for a record: no cleaner does that', async () => {
      for (const at of [43, 55]) {
        const hidden = [...ones(40, at), marker(BigInt(at)), ...ones(at + 1, 60)];
        expect(await bothWays(all, hidden, compacted)).toEqual([BigInt(at), BigInt(at)]);
        const undone = [...ones(40, at), aborted(BigInt(at), 2), ...ones(at + 2, 60)];
        expect(await bothWays(all, undone, compacted)).toEqual([BigInt(at), BigInt(at)]);
      }
      // Also at the end of a part that is compared alone.
      const last = [...ones(40, 43), marker(43n), ...ones(44, 60)];
      expect(await bothWays(all, last, { ...compacted, to: 44n })).toEqual([43n, 43n]);
      const over = [...ones(40, 43), marker(43n), raw(sparseBatch({ baseOffset: 44n, deltas: [2] }))];
      expect(await differenceOf(all, over, { ...compacted, to: 45n })).toBe(43n);
    });
  });

  test('are told apart exactly where a record differs, whatever each side made of the rest', async () => {
    const place = fc.constantFrom('record', 'marker', 'aborted', 'hole');
    /** What each side has at one offset, apart from records that both have. */
    const offset = fc.oneof(fc.constant({ left: 'record', right: 'record' }), fc.record({ left: place, right: place }));
    const put = (what: string, at: bigint): RawBatch[] => {
      if (what === 'hole') return [];
      if (what === 'record') return [one(at)];
      return [what === 'marker' ? marker(at) : aborted(at, 1)];
    };
    await fc.assert(
      fc.asyncProperty(fc.array(offset, { maxLength: 30 }), fc.boolean(), fc.nat(30), async (offsets, clean, below) => {
        const left = offsets.flatMap((each, at) => put(each.left, BigInt(at)));
        const right = offsets.flatMap((each, at) => put(each.right, BigInt(at)));
        const wrong = offsets.findIndex((each, at) => {
          if ((each.left === 'record') === (each.right === 'record')) return false;
          const [lacking, mayBeCleaned] = each.left === 'record' ? [each.right, at < below] : [each.left, true];
          return !(clean && mayBeCleaned && lacking === 'hole');
        });
        const found = await differenceOf(left, right, { compacted: clean, ownBelow: BigInt(below) });
        expect(found).toBe(wrong < 0 ? undefined : BigInt(wrong));
      }),
      { numRuns: 300 },
    );
  });
});
