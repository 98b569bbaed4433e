import { expect, test } from 'vitest';
import { type GroupEvidence, judgeGroup } from '../fixtures/ledger/judge-group.ts';

const topic = 'a_orders';
const place = `${topic}/0`;
const offsets = (from: number, to: number): bigint[] =>
  Array.from({ length: to - from }, (_, index) => BigInt(from + index));

/** Read to 12 at a, of which 8 was known to be committed; cut at 10; b went on at 8 and read to 14. */
const evidence: GroupEvidence = {
  logs: [
    {
      topic,
      partition: 0,
      start: 0n,
      end: 14n,
      records: offsets(0, 14).map((offset) => ({ offset, id: `w#${offset}` })),
    },
  ],
  cuts: new Map([[place, 10n]]),
  before: new Map([[place, offsets(0, 12)]]),
  after: new Map([[place, offsets(8, 14)]]),
  commits: [
    { place, offset: 5n, atMs: 1 },
    { place, offset: 8n, atMs: 2 },
    { place, offset: 11n, atMs: 5 },
  ],
  knownMs: 4,
};

test('a group that goes on where it was known to be reads again what it committed late, and no more', () => {
  const { findings, problems } = judgeGroup(evidence);
  expect(problems).toEqual([]);
  expect(findings).toEqual([{ place, again: 2, late: 2, resumedAt: 8n }]);
});

test('a record that neither was given is skipped', () => {
  const after = new Map([[place, offsets(11, 14)]]);
  expect(judgeGroup({ ...evidence, after }).problems).toEqual([
    `${place}: 1 records were given to nobody, the first is at 10`,
  ]);
});

test('what the old primary gave above the cut is another record', () => {
  const after = new Map([[place, offsets(12, 14)]]);
  expect(judgeGroup({ ...evidence, after }).problems).toEqual([
    `${place}: 2 records were given to nobody, the first is at 10`,
  ]);
});

test('a position that is older than what was known is found', () => {
  const after = new Map([[place, offsets(5, 14)]]);
  expect(judgeGroup({ ...evidence, after }).problems).toEqual([
    `${place}: 3 records below the committed position 8 were given again`,
  ]);
});

test('a position where the copy ended when it was taken over is no older one', () => {
  const after = new Map([[place, offsets(5, 14)]]);
  expect(judgeGroup({ ...evidence, after, clamped: new Map([[place, 5n]]) }).problems).toEqual([]);
  expect(judgeGroup({ ...evidence, after, clamped: new Map([[place, 6n]]) }).problems).toEqual([
    `${place}: 1 records below the committed position 6 were given again`,
  ]);
});

test('a record that is given twice after the move is found', () => {
  const after = new Map([[place, [...offsets(8, 14), 13n]]]);
  expect(judgeGroup({ ...evidence, after }).problems).toEqual([`${place}: 1 records were given twice after the move`]);
});
