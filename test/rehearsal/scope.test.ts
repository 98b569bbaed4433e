import { expect, test } from 'vitest';
import { problemsOf } from '../../src/drill/rehearsal-record.ts';
import { ownerOf } from '../../src/prefix-policy/prefix-policy.ts';
import { chooseGroups } from '../../src/rehearsal/choose-groups.ts';
import { rehearsalGroup, runOfGroup } from '../../src/rehearsal/group-names.ts';
import { scopeOf } from '../../src/rehearsal/scope.ts';
import { testOwners } from '../fixtures/brokers.ts';

test('groups with most partitions are read, the others are named', () => {
  const kept = [
    { group: 'a_small', written: { a_orders: [0] } },
    { group: 'a_large', written: { a_orders: [0, 1], a_other: [0, 1, 2] } },
    { group: 'a_elsewhere', written: { a_other: [0, 1, 2] } },
    { group: 'a_alike', written: { a_orders: [1] } },
  ];
  const { groups, leftOut } = chooseGroups(kept, new Set(['a_orders']), 2);
  expect(groups.map(({ group }) => group)).toEqual(['a_large', 'a_alike']);
  expect(groups[0]?.partitions).toEqual([
    { topic: 'a_orders', partition: 0 },
    { topic: 'a_orders', partition: 1 },
  ]);
  expect(leftOut).toEqual(['a_small']);
});

test('a renamed group tells its run, and belongs to no site', () => {
  const run = 'drill-20261122-100000-weekly-ab12';
  const group = rehearsalGroup(run, '9f3e', 7);
  expect(runOfGroup(group)).toBe(run);
  expect(ownerOf(group, testOwners)).toBeUndefined();
  for (const other of ['umbra-workers', 'a_reader', 'umbra-rehearsal.', `umbra-rehearsal.${run}`, `x${group}`])
    expect(runOfGroup(other)).toBeUndefined();
});

test('copies that hold nothing to be read are left out; those that were named are problems', () => {
  const copies = [
    { name: 'a_orders', state: 'following' },
    { name: 'a_new', state: 'seeding' },
    { name: 'a_held', state: 'paused' },
  ];
  const all = scopeOf('all', copies);
  expect([...all.topics]).toEqual(['a_orders', 'a_held']);
  expect(all.leftOut).toEqual([{ name: 'a_new', why: 'it is seeding' }]);
  expect(all.problems).toEqual([]);
  const named = scopeOf(['a_orders', 'a_new', 'a_gone'], copies);
  expect([...named.topics]).toEqual(['a_orders']);
  expect(named.problems).toEqual(['a_gone is no copy at this site', 'the copy a_new is seeding']);
});

test('what is damaged fails a rehearsal, and what cannot be compared does not', () => {
  const restored = (['intact', 'not comparable', 'damaged'] as const).map((result) => {
    return { kind: 'quarantine', name: result, result, value: 'as found' } as const;
  });
  expect(problemsOf({ topics: [], groups: [], leftOut: [], problems: ['first'], restored })).toEqual([
    'first',
    'quarantine damaged: as found',
  ]);
});
