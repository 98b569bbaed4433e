import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { partitionKey } from '../../../src/kafka/log-queries.ts';
import type { GroupLook } from '../../../src/sync/groups/group-look.ts';
import { type GroupPlan, planGroups } from '../../../src/sync/groups/plan-groups.ts';
import { anyInput, copiesUpTo, held, limits, nowMs, position, read, record } from './worlds.ts';

const ends = new Map([
  ['a_t1/0', 100n],
  ['a_t1/1', 5n],
  ['a_t2/0', 100n],
]);

function plan(look: Partial<GroupLook>, gone: Readonly<Record<string, number>> = {}): GroupPlan | undefined {
  const whole: GroupLook = { group: 'a_g', source: read({}), target: held('absent'), record: undefined, ...look };
  const input = { looks: [whole], copies: copiesUpTo(ends), gone: new Map([['a_g', new Map(Object.entries(gone))]]) };
  return planGroups({ ...input, nowMs }, limits).groups[0];
}

describe('a group that the standby does not have', () => {
  test('is claimed, then committed with offset and metadata as they are', () => {
    const source = read(new Map([['a_t1/0', position('a_t1/0', 40n, 'bookmark-Ω', 7)]]));
    expect(plan({ source })).toMatchObject({
      finding: { state: 'level' },
      claim: { group: 'a_g', written: { a_t1: [0] } },
      commits: [{ topic: 'a_t1', partition: 0, offset: 40n, metadata: 'bookmark-Ω' }],
      settle: undefined,
    });
  });

  test('is nothing to speak of when it has no positions on copied topics', () => {
    expect(plan({ source: read({ 'b_other/0': 3, 'a_promoted/0': 3 }) })).toBeUndefined();
  });

  test('is committed at the end of a copy that does not reach its position, without the metadata of the other', () => {
    const source = read(new Map([['a_t1/1', position('a_t1/1', 9n, 'up to 9')]]));
    expect(plan({ source })).toMatchObject({
      finding: { state: 'behind' },
      clamped: [{ topic: 'a_t1', partition: 1, sourceOffset: 9n, copyEnd: 5n }],
      commits: [{ topic: 'a_t1', partition: 1, offset: 5n, metadata: '' }],
    });
  });

  test('is not committed where the end of the copy is not known', () => {
    expect(plan({ source: read({ 'a_t2/1': 9 }) })).toMatchObject({
      finding: { state: 'behind' },
      clamped: [{ topic: 'a_t2', partition: 1, sourceOffset: 9n, copyEnd: undefined }],
      commits: [],
      claim: undefined,
    });
  });
});

describe('a group of the link', () => {
  const ours = record('a_g', { a_t1: [0, 1] });

  test('gets only the positions that differ, also when they moved back', () => {
    const source = read({ 'a_t1/0': 10, 'a_t1/1': 4 });
    const target = held('empty', { 'a_t1/0': 40, 'a_t1/1': 4 });
    expect(plan({ source, target, record: ours })).toMatchObject({
      commits: [{ topic: 'a_t1', partition: 0, offset: 10n }],
      claim: undefined,
      settle: undefined,
    });
  });

  test('gets a position again that has the leader epoch of somebody else', () => {
    const target = held('empty', new Map([['a_t1/0', position('a_t1/0', 10n, '', 3)]]));
    expect(plan({ source: read({ 'a_t1/0': 10 }), target, record: ours })?.commits).toHaveLength(1);
  });

  test('gets all positions again when the last time is long ago, before Kafka forgets them', () => {
    const old = record('a_g', { a_t1: [0] }, limits.refreshMs);
    const source = read({ 'a_t1/0': 10 });
    const again = plan({ source, target: held('empty', { 'a_t1/0': 10 }), record: old });
    expect(again?.commits).toHaveLength(1);
    expect(again?.settle).toMatchObject({ refreshedAt: new Date(nowMs).toISOString() });
  });

  test('that is live at the standby is left alone, whatever differs', () => {
    const target = held('live', { 'a_t1/0': 1 });
    const look = plan({ source: read({ 'a_t1/0': 10 }), target, record: ours }, { 'a_t1/1': 9 });
    expect(look).toMatchObject({ finding: { state: 'live-at-standby' }, commits: [], removals: [] });
  });

  test('loses a position only when it was gone at the source in several looks', () => {
    const source = read({ 'a_t1/0': 10 });
    const target = held('empty', { 'a_t1/0': 10, 'a_t1/1': 4 });
    const early = plan({ source, target, record: ours }, { 'a_t1/1': 2 });
    expect(early).toMatchObject({ finding: { state: 'removing' }, removals: [], settle: undefined });
    const due = plan({ source, target, record: ours }, { 'a_t1/1': 3 });
    expect(due).toMatchObject({ removals: [{ topic: 'a_t1', partition: 1 }], settle: { written: { a_t1: [0] } } });
  });

  test('keeps a position that the link did not write, and one on a topic that it does not copy any more', () => {
    const target = held('empty', { 'a_t2/0': 4, 'a_promoted/0': 4 });
    const look = plan({ target, record: record('a_g', { a_promoted: [0] }) }, { 'a_t2/0': 9, 'a_promoted/0': 9 });
    expect(look).toMatchObject({ commits: [], removals: [], deleteGroup: false, settle: undefined });
  });

  test('goes with its last position, and its record with it', () => {
    const target = held('empty', { 'a_t1/0': 10 });
    const one = record('a_g', { a_t1: [0] });
    const first = plan({ target, record: one }, { 'a_t1/0': 3 });
    expect(first).toMatchObject({ removals: [{ topic: 'a_t1', partition: 0 }], deleteGroup: false });
    const then = plan({ target: held('empty'), record: record('a_g', {}) });
    expect(then).toMatchObject({ deleteGroup: true, settle: 'none', removals: [] });
  });

  test('is forgotten, not deleted, when somebody else has positions in it', () => {
    const look = plan({ target: held('empty', { 'b_other/0': 1 }), record: record('a_g', {}) });
    expect(look).toMatchObject({ deleteGroup: false, settle: 'none', removals: [] });
  });
});

test('what a group committed while the standby was primary is no hindrance: it follows its topics there and back', () => {
  const source = read({ 'a_t1/0': 40 });
  const target = held('empty', { 'a_t1/0': 30 });
  const look: GroupLook = { group: 'a_g', source, target, record: undefined };
  const planned = (isReversed: (topic: string) => boolean): GroupPlan | undefined =>
    planGroups({ looks: [look], copies: { ...copiesUpTo(ends), isReversed }, gone: new Map(), nowMs }, limits)
      .groups[0];
  expect(planned((topic) => topic === 'a_t1')).toMatchObject({
    finding: { state: 'level' },
    commits: [{ offset: 40n }],
  });
  expect(planned(() => false)).toMatchObject({ finding: { state: 'foreign' }, commits: [] });
});

test('a group that is at home where the link ends is its own there, and follows a topic that is a copy now', () => {
  const source = read({ 'a_t1/0': 40 });
  const target = held('empty', { 'a_t1/0': 30, 'a_other/0': 3 });
  expect(plan({ source, target, isHomeHere: true })).toMatchObject({
    finding: { state: 'level' },
    commits: [{ topic: 'a_t1', offset: 40n }],
    removals: [],
  });
});

test('a group that has positions at the standby without a record is foreign and left alone', () => {
  const target = held('empty', { 'b_other/0': 1 });
  const look = plan({ source: read({ 'a_t1/0': 10 }), target });
  expect(look).toMatchObject({ finding: { state: 'foreign' }, claim: undefined, commits: [], settle: undefined });
});

test('an empty group without positions is nobody’s: it is claimed', () => {
  expect(plan({ source: read({ 'a_t1/0': 10 }), target: held('empty') })?.commits).toHaveLength(1);
});

test.each([
  ['share', /share group/],
  ['streams', /streams group/],
] as const)('a %s group is named as not synced, with the reason', (type, reason) => {
  const atSource = plan({ source: { kind: 'unsynced', type } });
  const atTarget = plan({ source: read({ 'a_t1/0': 10 }), target: { kind: 'unsynced', type } });
  for (const look of [atSource, atTarget]) {
    expect(look).toMatchObject({ finding: { state: 'not-synced', why: expect.stringMatching(reason) as string } });
    expect(look).toMatchObject({ commits: [], removals: [] });
  }
});

test('a group that could not be read is refused when a right is missing, else unread', () => {
  const unread = (denied: boolean): GroupLook['source'] => ({ kind: 'unread', why: 'why', denied });
  expect(plan({ source: unread(true) })?.finding.state).toBe('refused');
  expect(plan({ source: unread(false) })?.finding.state).toBe('unread');
});

test('more than half of the groups gone at once are not removed: the source may have lost them', () => {
  const many = Array.from({ length: 11 }, (_, index) => `a_g${index}`);
  const looks = many.map((group) => ({
    ...{ group, source: read({}), target: held('empty', { 'a_t1/0': 10 }) },
    record: record(group, { a_t1: [0] }),
  }));
  const gone = new Map(many.map((group) => [group, new Map([['a_t1/0', 3]])]));
  const copies = copiesUpTo(ends);
  const all = planGroups({ looks, copies, gone, nowMs }, limits);
  expect(all.withheld).toMatch(/11 of 11 groups/);
  expect(all.groups.flatMap(({ removals }) => removals)).toEqual([]);
  const ten = planGroups({ looks: looks.slice(1), copies, gone, nowMs }, limits);
  expect(ten.withheld).toBeUndefined();
  expect(ten.groups.flatMap(({ removals }) => removals)).toHaveLength(10);
});

describe('whatever is seen', () => {
  test('no commit lies beyond the copy, on a topic that is not copied, or in a group that is not to be touched', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        for (const { group, commits, removals, deleteGroup, claim } of planGroups(input, limits).groups) {
          const { target, source, record: known } = input.looks.find((look) => look.group === group)!;
          const touched = commits.length + removals.length > 0 || deleteGroup;
          if (!touched) continue;
          if (target.kind !== 'read' || source.kind !== 'read') throw new Error('written without having been read');
          expect(target.state).not.toBe('live');
          expect(known !== undefined || target.positions.size === 0).toBe(true);
          for (const { topic, partition, offset } of commits) {
            expect(input.copies.follows(topic)).toBe(true);
            expect(offset <= input.copies.range(topic, partition)!.end).toBe(true);
            expect(offset <= source.positions.get(partitionKey(topic, partition))!.offset).toBe(true);
            expect((claim ?? known)!.written[topic]).toContain(partition);
          }
          for (const { topic, partition } of removals) {
            const key = partitionKey(topic, partition);
            expect(source.positions.has(key)).toBe(false);
            expect(known!.written[topic]).toContain(partition);
            expect(input.gone.get(group)?.get(key)).toBeGreaterThanOrEqual(limits.goneLooksMin);
          }
          if (deleteGroup) expect(target.positions.size).toBe(0);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('a plan names only differences, makes the positions those of the source, and a second one is empty', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const plans = planGroups(input, limits).groups;
        const after = { ...input, looks: input.looks.map((look) => carriedOut(look, plans)) };
        for (const { group, finding, commits, clamped } of plans) {
          const { target, source, record: known } = after.looks.find((look) => look.group === group)!;
          const before = input.looks.find((look) => look.group === group)!;
          if (before.target.kind !== 'read' || target.kind !== 'read' || source.kind !== 'read') continue;
          const refreshed = before.record !== undefined && known?.refreshedAt !== before.record.refreshedAt;
          for (const commit of refreshed ? [] : commits) {
            const present = before.target.positions.get(partitionKey(commit.topic, commit.partition));
            expect(present).not.toEqual({ ...commit, leaderEpoch: undefined });
          }
          if (finding.state !== 'level' && finding.state !== 'behind') continue;
          for (const [key, { topic, offset, metadata }] of source.positions) {
            const held = target.positions.get(key);
            if (!after.copies.follows(topic)) continue;
            if (clamped.some((each) => partitionKey(each.topic, each.partition) === key)) continue;
            expect(held).toMatchObject({ offset, metadata, leaderEpoch: undefined });
          }
        }
        for (const again of planGroups(after, limits).groups) {
          expect(again.commits).toEqual([]);
          expect(again.removals).toEqual([]);
          expect(again.claim).toBeUndefined();
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

/** The look after the plan was carried out, as a cluster and a memory would do it. */
function carriedOut(look: GroupLook, plans: readonly GroupPlan[]): GroupLook {
  const done = plans.find(({ group }) => group === look.group);
  if (done === undefined || look.target.kind !== 'read') return look;
  const positions = new Map(look.target.positions);
  for (const commit of done.commits) {
    positions.set(partitionKey(commit.topic, commit.partition), { ...commit, leaderEpoch: undefined });
  }
  for (const { topic, partition } of done.removals) positions.delete(partitionKey(topic, partition));
  const state = done.deleteGroup ? 'absent' : done.commits.length > 0 ? 'empty' : look.target.state;
  const kept = done.settle ?? done.claim ?? look.record;
  return { ...look, target: { ...look.target, state, positions }, record: kept === 'none' ? undefined : kept };
}
