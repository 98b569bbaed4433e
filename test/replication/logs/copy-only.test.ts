import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ComparedLogs, CopyComparison } from '../../../src/replication/logs/copy-only.ts';
import type { RawBatch } from '../../../src/replication/logs/log-reader.ts';
import { parseBatch } from '../../../src/replication/batches/record-batch.ts';
import { decodeRecords } from '../../../src/replication/batches/records.ts';
import { attribute, makeBatch } from '../batches/batches.ts';

function raw(frame: Buffer, dropped = false): RawBatch {
  const parsed = parseBatch(frame, 0, frame.length);
  if (parsed.kind !== 'batch') throw new Error('no batch');
  return { frame, header: parsed.header, dropped };
}

// eslint-disable-next-line @typescript-eslint/require-await -- a log that is there already
async function* log(batches: readonly RawBatch[]): AsyncGenerator<RawBatch> {
  yield* batches;
}

interface Found {
  readonly onlyHere: readonly bigint[];
  readonly quarantined: readonly bigint[];
  readonly fork: bigint | undefined;
}

type Starts = Partial<Pick<ComparedLogs, 'copyStart' | 'sourceStart' | 'compactedTo' | 'ownBelow'>>;

async function compare(
  source: readonly RawBatch[],
  copy: readonly RawBatch[],
  starts: Starts = {},
): Promise<Found & { readonly unexplained: readonly bigint[] }> {
  const comparison = new CopyComparison({
    source: log(source),
    copy: log(copy),
    copyStart: 0n,
    sourceStart: 0n,
    compactedTo: undefined,
    isFiller: () => Promise.resolve(false),
    ...starts,
  });
  const onlyHere: bigint[] = [];
  const quarantined: bigint[] = [];
  const unexplained: bigint[] = [];
  for await (const found of comparison.batches()) {
    for (const { first, last } of found.onlyHere) for (let at = first; at <= last; at++) onlyHere.push(at);
    for (const { first, last } of found.unexplained) for (let at = first; at <= last; at++) unexplained.push(at);
    for (let at = found.batch.header.baseOffset; at <= found.batch.header.lastOffset; at++) quarantined.push(at);
  }
  return { onlyHere, quarantined, unexplained, fork: comparison.forkOffset };
}

/** Batches of these sizes from `from` on; `mark` makes records differ that stand at the same offsets. */
function run(from: bigint, sizes: readonly number[], mark = 10): RawBatch[] {
  let next = from;
  return sizes.map((records) => {
    const batch = raw(makeBatch({ baseOffset: next, records, valueBytes: mark }));
    next += BigInt(records);
    return batch;
  });
}

const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 6 });
const total = (list: readonly number[]): number => list.reduce((sum, each) => sum + each, 0);
const offsets = (from: number, to: number): bigint[] => Array.from({ length: to - from }, (_, at) => BigInt(from + at));

describe('what only the copy holds', () => {
  test('nothing, where every record is at the source', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, async (list) => {
        const logs = run(0n, list);
        expect(await compare(logs, logs)).toEqual({ onlyHere: [], quarantined: [], unexplained: [], fork: undefined });
      }),
    );
  });

  test('every record behind the fork, and none before it', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, sizes, sizes, async (shared, atSource, atCopy) => {
        const fork = total(shared);
        const base = run(0n, shared);
        const source = [...base, ...run(BigInt(fork), atSource, 11)];
        const copy = [...base, ...run(BigInt(fork), atCopy, 12)];
        const found = await compare(source, copy);
        expect(found).toEqual({
          onlyHere: offsets(fork, fork + total(atCopy)),
          quarantined: offsets(fork, fork + total(atCopy)),
          unexplained: offsets(fork, fork + total(atCopy)),
          fork: BigInt(fork),
        });
      }),
    );
  });

  test('acknowledged = present + quarantined, over any two logs', async () => {
    const step = fc.record({
      records: fc.integer({ min: 1, max: 5 }),
      mark: fc.constantFrom(10, 11),
      where: fc.constantFrom('both', 'source', 'copy', 'aborted at the copy', 'aborted at the source'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const source: RawBatch[] = [];
        const copy: RawBatch[] = [];
        let next = 0n;
        for (const { records, mark, where } of steps) {
          const frame = makeBatch({ baseOffset: next, records, valueBytes: mark });
          next += BigInt(records);
          if (where !== 'copy') source.push(raw(frame, where === 'aborted at the source'));
          if (where !== 'source') copy.push(raw(frame, where === 'aborted at the copy'));
        }
        const { quarantined, onlyHere } = await compare(source, copy);
        const kept = new Set(quarantined);
        const present = new Map(
          source.filter(({ dropped }) => !dropped).flatMap((batch) => decodeRecords(batch).map((r) => [r.offset, r])),
        );
        for (const record of copy.flatMap((batch) => decodeRecords(batch))) {
          const held = present.get(record.offset);
          const equal = held !== undefined && JSON.stringify(held.value) === JSON.stringify(record.value);
          expect(equal || kept.has(record.offset), `offset ${record.offset}`).toBe(true);
        }
        expect(onlyHere.every((offset) => kept.has(offset))).toBe(true);
      }),
    );
  });

  test('one record that differs inside a batch takes its batch along, and is named alone', async () => {
    const source = run(0n, [1, 1, 1]);
    const alien = raw(makeBatch({ baseOffset: 1n, records: 1, valueBytes: 99 }));
    const [first, , last] = source;
    if (first === undefined || last === undefined) throw new Error('three batches');
    expect(await compare(source, [first, alien, last])).toMatchObject({ onlyHere: [1n], quarantined: [1n], fork: 1n });
  });

  test('records the source deleted by their age go, but are no fork', async () => {
    const copy = run(0n, [1, 1, 1, 1]);
    expect(await compare(copy.slice(2), copy, { sourceStart: 2n })).toEqual({
      onlyHere: [0n, 1n],
      quarantined: [0n, 1n],
      unexplained: [],
      fork: undefined,
    });
  });

  test('records the source compacted away go, but are no fork; one that it has otherwise is', async () => {
    const copy = run(0n, [1, 1, 1, 1]);
    const source = copy.filter((_, at) => at !== 1);
    const found = { onlyHere: [1n], quarantined: [1n] };
    expect(await compare(source, copy, { compactedTo: 4n })).toEqual({ ...found, unexplained: [], fork: undefined });
    expect(await compare(source, copy)).toEqual({ ...found, unexplained: [1n], fork: 1n });
    const alien = [...copy.slice(0, 3), ...run(3n, [1], 99)];
    expect(await compare(source, alien, { compactedTo: 4n })).toMatchObject({ unexplained: [3n], fork: 3n });
  });

  test('what lies behind the end of a compacted source is a fork', async () => {
    const copy = run(0n, [1, 1, 1]);
    const found = await compare(copy.slice(0, 2), copy, { compactedTo: 2n });
    expect(found).toMatchObject({ unexplained: [2n], fork: 2n });
  });

  test('a record that only the source has is a fork, though nothing goes', async () => {
    const source = run(0n, [1, 1, 1]);
    const copy = source.filter((_, index) => index !== 1);
    expect(await compare(source, copy)).toEqual({ onlyHere: [], quarantined: [], unexplained: [], fork: 1n });
  });

  test('everything, where the source has no such partition', async () => {
    expect((await compare([], run(0n, [2, 3]), { sourceStart: undefined })).onlyHere).toEqual(offsets(0, 5));
  });

  test('markers are no records', async () => {
    const marker = raw(
      makeBatch({ baseOffset: 0n, records: 1, attributes: attribute.control | attribute.transactional }),
    );
    expect(await compare([], [marker])).toEqual({ onlyHere: [], quarantined: [], unexplained: [], fork: undefined });
  });

  test('what the site itself had aborted before it was a copy is nobody’s, and goes nowhere', async () => {
    const undone = (baseOffset: bigint): RawBatch =>
      raw(makeBatch({ baseOffset, records: 3, attributes: attribute.transactional }), true);
    const nothing = { onlyHere: [], quarantined: [], unexplained: [], fork: undefined };
    const [before, after] = [run(0n, [5]), run(8n, [2])];
    const copy = [...before, undone(5n), ...after];
    expect(await compare([...before, ...after], copy, { ownBelow: 8n })).toEqual(nothing);
    // What stands behind the cut only the link may have written, and it writes none.
    expect(await compare([...before, ...after], copy, { ownBelow: 5n })).toMatchObject({ unexplained: [5n, 6n, 7n] });
    expect(await compare([...before, ...after], copy)).toMatchObject({ unexplained: [5n, 6n, 7n] });
  });

  test('a record of the site itself that differs, or that the source has not, goes like every other', async () => {
    const source = run(0n, [1, 1, 1]);
    const other = [...run(0n, [1]), ...run(1n, [1], 99), ...run(2n, [1, 1])];
    const found = { onlyHere: [1n, 3n], unexplained: [1n, 3n], fork: 1n };
    expect(await compare(source, other, { ownBelow: 4n })).toMatchObject(found);
  });

  test('what its cleaner took from the site itself is no fork; what the link should have copied is', async () => {
    const source = run(0n, [1, 1, 1, 1]);
    const without = (at: number): RawBatch[] => source.filter((_, index) => index !== at);
    const cleaned = { compactedTo: 4n, ownBelow: 2n };
    expect((await compare(source, without(1), cleaned)).fork).toBeUndefined();
    expect((await compare(source, without(2), cleaned)).fork).toBe(2n);
    expect((await compare(source, without(1), { ownBelow: 2n })).fork).toBe(1n);
  });

  test('a batch that cannot be decoded is kept whole', async () => {
    const frame = makeBatch({ baseOffset: 0n, records: 3 });
    frame.fill(0xff, 61);
    expect((await compare(run(0n, [1, 1, 1]), [raw(frame)])).onlyHere).toEqual(offsets(0, 3));
  });
});
