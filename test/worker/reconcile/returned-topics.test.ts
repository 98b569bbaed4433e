import { describe, expect, test } from 'vitest';
import type { CutRecord } from '../../../src/operations/cut.ts';
import { type RoleView, termSchema } from '../../../src/pair/ownership.ts';
import type { SiteId } from '../../../src/pair/site.ts';
import { countsOf } from '../../../src/worker/reconcile/returned-record.ts';
import { lostTopics, returnedRecord } from '../../../src/worker/reconcile/returned-topics.ts';

function roles(primary: SiteId, term: number): RoleView {
  const record = { topic: 'a_orders', home: 'a', term: termSchema.parse(term), primary } as const;
  return { kind: 'read', records: new Map([['a_orders', record]]) };
}

const nothing: RoleView = { kind: 'read', records: new Map() };

function cut(operation: string, offsets: readonly string[] = ['5', '7'], term = 1): CutRecord {
  return {
    ...{ topic: 'a_orders', operation, term, primary: 'b', at: '2026-01-02T03:04:05.000Z', remarks: [] },
    ...{ sourceTopicId: 'old', topicId: 'new', partitions: offsets.map((offset) => ({ offset })) },
  };
}

const failover = cut('failover-20260102-0304-ab12');
const seen = {
  ...({ site: 'a', theirs: roles('b', 1), ours: nothing } as const),
  cutOf: () => failover,
  isCopy: () => false,
  partOf: () => undefined,
};

describe('what an old primary lost', () => {
  test('is what the other site took over in a failover, also before this one has accepted the term', () => {
    expect(lostTopics(seen)).toEqual([{ topic: 'a_orders', cut: failover }]);
    expect(lostTopics({ ...seen, ours: roles('b', 1) })).toHaveLength(1);
  });

  test('is nothing that is a copy here, or that came home since', () => {
    expect(lostTopics({ ...seen, isCopy: () => true })).toEqual([]);
    expect(lostTopics({ ...seen, ours: roles('a', 2) })).toEqual([]);
    expect(lostTopics({ ...seen, theirs: roles('a', 1) })).toEqual([]);
  });

  test('of a switchover is what that could not turn into a copy, and nothing before it has tried', () => {
    const left = cut('switchover-20260102-0304-ab12');
    for (const part of ['sealed', 'reversing', undefined] as const)
      expect(lostTopics({ ...seen, cutOf: () => left, partOf: () => part })).toEqual([]);
    const reversed = { ...seen, cutOf: () => left, partOf: () => 'reversed' as const };
    expect(lostTopics(reversed)).toEqual([{ topic: 'a_orders', cut: left }]);
    expect(lostTopics({ ...reversed, isCopy: () => true })).toEqual([]);
  });

  test('is not known while an `_umbra` is unread, or without the cut of that very term', () => {
    expect(lostTopics({ ...seen, theirs: { kind: 'unread' } })).toEqual([]);
    expect(lostTopics({ ...seen, ours: { kind: 'unread' } })).toEqual([]);
    expect(lostTopics({ ...seen, cutOf: () => undefined })).toEqual([]);
    expect(lostTopics({ ...seen, cutOf: () => cut(failover.operation, ['5'], 2) })).toEqual([]);
  });
});

describe('the old log of a topic', () => {
  const ends = (...list: readonly bigint[]): { readonly partition: number; readonly end: bigint }[] =>
    list.map((end, partition) => ({ partition, end }));
  const at = '2026-01-02T03:05:00.000Z';
  const found = { at, known: undefined };

  test('is returned where it ends at the cut or below, and split where one partition goes on', () => {
    expect(countsOf(returnedRecord(failover, { ...found, ends: ends(5n, 7n) }))).toMatchObject({ state: 'returned' });
    expect(countsOf(returnedRecord(failover, { ...found, ends: ends(5n, 6n) }))).toMatchObject({ state: 'returned' });
    const split = countsOf(returnedRecord(failover, { ...found, ends: ends(4n, 10n) }));
    expect(split).toEqual({ state: 'split', tailOffsets: 3, tailPartitions: 1 });
  });

  test('is split by a partition that the new primary never had, as soon as that holds anything', () => {
    const more = returnedRecord(failover, { ...found, ends: ends(5n, 7n, 2n) });
    expect(countsOf(more)).toEqual({ state: 'split', tailOffsets: 2, tailPartitions: 1 });
  });

  test('is written anew only where something changed, with the time at which its state began', () => {
    const first = returnedRecord(failover, { ...found, ends: ends(5n, 8n) });
    const later = { at: '2026-01-02T04:00:00.000Z', known: first };
    expect(returnedRecord(failover, { ...later, ends: ends(5n, 8n) })).toBe(first);
    expect(returnedRecord(failover, { ...later, ends: ends(5n, 9n) })).toMatchObject({ at });
    expect(returnedRecord(failover, { ...later, ends: ends(5n, 7n) })).toMatchObject({ at: later.at });
  });
});
