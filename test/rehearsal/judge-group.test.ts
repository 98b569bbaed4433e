import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rehearsedGroupSchema } from '../../src/drill/rehearsal-record.ts';
import { type GroupSight, judgeGroup, type PartitionSight, some } from '../../src/rehearsal/judge-group.ts';

/** A log with holes that was read to its end: nothing is wrong with it. */
const wellRead: fc.Arbitrary<PartitionSight> = fc
  .record({
    start: fc.bigInt(0n, 1_000n),
    gaps: fc.array(fc.bigInt(1n, 5n), { minLength: 2, maxLength: 40 }),
    partition: fc.nat(20),
    ahead: fc.option(fc.bigInt(0n, 50n), { nil: undefined }),
    hole: fc.bigInt(0n, 4n),
  })
  .map(({ start, gaps, partition, ahead, hole }): PartitionSight => {
    let at = start;
    const records = gaps.map((gap) => (at += gap));
    const last = records.at(-1) ?? start;
    return {
      ...{ topic: 'a_orders', partition, position: start, start, end: last + 1n + hole },
      sourcePosition: ahead === undefined ? undefined : start + ahead,
      sourceStart: undefined,
      reading: { records, given: records, cameTo: last + 1n, committed: last + 1n },
    };
  });

function sightOf(partitions: readonly PartitionSight[], over: Partial<GroupSight> = {}): GroupSight {
  return { group: 'a_reader', as: 'it', partitions, trouble: undefined, firstMs: 1, lost: [], notes: [], ...over };
}

function problems(partition: PartitionSight): readonly string[] {
  return judgeGroup(sightOf([partition])).problems;
}

/** As if the consumer had been given something else. */
function given(sight: PartitionSight, offsets: readonly bigint[]): PartitionSight {
  if (sight.reading === undefined) throw new Error('it was not read');
  return { ...sight, reading: { ...sight.reading, given: offsets } };
}

const recordsOf = ({ reading }: PartitionSight): readonly bigint[] => reading?.records ?? [];

test('a group that was given every record of its copies, whatever their holes, has no problem', () => {
  fc.assert(
    fc.property(fc.array(wellRead, { minLength: 1, maxLength: 60 }), (partitions) => {
      const judged = judgeGroup(sightOf(partitions));
      expect(judged.problems).toEqual([]);
      expect(judged.records).toBe(partitions.reduce((sum, each) => sum + recordsOf(each).length, 0));
      const known = partitions.flatMap(({ position, sourcePosition }) =>
        sourcePosition === undefined ? [] : [Number(sourcePosition - position)],
      );
      expect(judged.again).toBe(known.length === 0 ? undefined : known.reduce((sum, each) => sum + each, 0));
      expect(rehearsedGroupSchema.safeParse(judged).success).toBe(true);
    }),
  );
});

test('a record that is not given, given twice, or out of its order is a problem that names the partition', () => {
  fc.assert(
    fc.property(wellRead, fc.nat(), (sight, chance) => {
      const records = recordsOf(sight);
      const index = chance % (records.length - 1);
      const where = `a_orders/${sight.partition}`;
      const without = given(sight, records.toSpliced(index, 1));
      expect(problems(without).join()).toContain(`1 of ${records.length} records of ${where} were not given`);
      const one = records[index] ?? 0n;
      expect(problems(given(sight, records.toSpliced(index, 0, one))).join()).toContain(`${where} do not ascend`);
      const two = records[index + 1] ?? 0n;
      expect(problems(given(sight, records.toSpliced(index, 2, two, one))).join()).toContain(`${where} do not ascend`);
      expect(problems(given(sight, [])).join()).toContain(`${where} yields nothing`);
      expect(problems(given(sight, [...records, sight.end + 7n])).join()).toContain(`${where} gave a record at offset`);
    }),
  );
});

test('a record that was compacted or deleted meanwhile is none that is missing', () => {
  fc.assert(
    fc.property(wellRead, (sight) => {
      const [, ...kept] = recordsOf(sight);
      const seen = given(sight, kept);
      if (seen.reading === undefined) return;
      expect(problems({ ...seen, reading: { ...seen.reading, recordsAfter: kept } })).toEqual([]);
    }),
  );
});

test('a position that no log has is a problem, unless the source has lost its records, too', () => {
  fc.assert(
    fc.property(wellRead, fc.bigInt(1n, 100n), (sight, by) => {
      const unread = { ...sight, reading: undefined };
      const above = { ...unread, position: sight.end + by };
      expect(problems(above)).toEqual([expect.stringContaining('is above the end of the copy')]);
      const below = { ...unread, start: sight.start + by };
      expect(problems(below)).toEqual([expect.stringContaining('is below the start of the copy')]);
      expect(problems({ ...below, sourceStart: sight.position })).not.toEqual([]);
      const lost = judgeGroup(sightOf([{ ...below, sourceStart: sight.position + 1n }]));
      expect(lost.problems).toEqual([]);
      expect(lost.notes).toEqual([expect.stringContaining('gone at both sites')]);
      expect(problems({ ...unread, position: sight.end })).toEqual([]);
    }),
  );
});

test('what was committed has to read back', () => {
  fc.assert(
    fc.property(wellRead, fc.option(fc.bigInt(0n, 9n), { nil: undefined }), (sight, back) => {
      if (sight.reading === undefined) return;
      const committed = back === undefined ? undefined : sight.reading.cameTo + 1n + back;
      expect(problems({ ...sight, reading: { ...sight.reading, committed } }).join()).toContain('is read back');
    }),
  );
});

test('of a group that was not read to its end only that is said, and where it would not go on', () => {
  fc.assert(
    fc.property(wellRead, (sight) => {
      const judged = judgeGroup(sightOf([given(sight, [])], { trouble: 'refused', lost: ['no position'] }));
      expect(judged.problems).toEqual(['refused', 'no position']);
    }),
  );
});

test('many lines are some, and a number', () => {
  const lines = Array.from({ length: 25 }, (_, index) => `line ${index}`);
  expect(some(lines)).toHaveLength(10);
  expect(some(lines).at(-1)).toBe('and 16 more');
  expect(some(lines.slice(0, 10))).toEqual(lines.slice(0, 10));
});
