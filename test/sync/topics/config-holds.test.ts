import { expect, test } from 'vitest';
import { ConfigHolds, holdBounds } from '../../../src/sync/topics/config-holds.ts';
import type { PlannedChange } from '../../../src/sync/topics/plan-configs.ts';

const edit = (name: string): PlannedChange => ({ name, to: '1', from: '2', reason: 'edited locally', edited: true });

function refusal(name: string): Parameters<ConfigHolds['refused']>[1] {
  return { name, to: '1', code: 40, message: 'INVALID_CONFIG (40)' };
}

test('what was refused is held for its time, and not after it', () => {
  const holds = new ConfigHolds();
  holds.refused('a_x', refusal('segment.ms'), 0);
  expect([...holds.held('a_x', holdBounds.refusedMs - 1)]).toEqual([['segment.ms', '1']]);
  expect([...holds.held('a_x', holdBounds.refusedMs)]).toEqual([]);
  expect([...holds.held('a_y', 0)]).toEqual([]);
});

test('what was changed settles: what the copy showed before is remembered for a moment', () => {
  const holds = new ConfigHolds();
  holds.made('a_x', edit('segment.ms'), 0);
  expect([...holds.settling('a_x', holdBounds.settlingMs - 1)]).toEqual([['segment.ms', '2']]);
  expect([...holds.settling('a_x', holdBounds.settlingMs)]).toEqual([]);
});

test('a change that was made ends the hold', () => {
  const holds = new ConfigHolds();
  holds.refused('a_x', refusal('segment.ms'), 0);
  holds.made('a_x', edit('segment.ms'), 1);
  expect([...holds.held('a_x', 2)]).toEqual([]);
});

test('the fifth edit within ten minutes is a fight, fewer or slower ones are not', () => {
  const holds = new ConfigHolds();
  const at = (ms: number): boolean => holds.made('a_x', edit('segment.ms'), ms) !== undefined;
  expect([0, 1, 2, 3].map(at)).toEqual([false, false, false, false]);
  expect(at(holdBounds.contestedMs + 3)).toBe(false);
  expect([4, 5, 6].map((ms) => at(holdBounds.contestedMs + ms))).toEqual([false, false, false]);
  expect(at(holdBounds.contestedMs + 7)).toBe(true);
  expect(holds.held('a_x', holdBounds.contestedMs + 8).has('segment.ms')).toBe(true);
});

test('what a copy needs is never left alone, and changes of the source are no fight', () => {
  const holds = new ConfigHolds();
  for (let ms = 0; ms < 20; ms++) {
    expect(holds.made('a_x', edit('cleanup.policy'), ms)).toBeUndefined();
    const wished = { ...edit('segment.ms'), reason: 'source changed', edited: false } as const;
    expect(holds.made('a_x', wished, ms)).toBeUndefined();
  }
});

test('topics that are no longer synced are forgotten', () => {
  const holds = new ConfigHolds();
  holds.refused('a_x', refusal('segment.ms'), 0);
  holds.prune(new Set(['a_y']), 1);
  expect(holds.hold('a_x', 'segment.ms')).toBeUndefined();
});
