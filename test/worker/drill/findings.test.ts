import { expect, test } from 'vitest';
import { drillSpecSchema } from '../../../src/drill/drill-spec.ts';
import { skippedTooOften } from '../../../src/worker/drill/findings.ts';
import type { DrillFinding } from '../../../src/worker/state/drill-memory.ts';

const spec = drillSpecSchema.parse({ name: 'canary', level: 'L2', site: 'b', maxSkips: 2, owner: 'sre' });
const now = new Date('2026-11-22T10:00:00Z');
const cursor = (skips: number) => ({ drill: 'canary', handledTo: now.toISOString(), skips });
const context = (known?: DrillFinding) => ({ spec, times: { dueMs: 86_400_000 }, now, known: () => known });

test('a drill that is skipped more often than it may be is a finding, with owner and due date', () => {
  expect(skippedTooOften(context(), { cursor: cursor(2), run: 'drill-x', why: 'a freeze' })).toEqual([]);
  const [finding] = skippedTooOften(context(), { cursor: cursor(3), run: 'drill-x', why: 'a freeze' });
  expect(finding).toMatchObject({ id: 'canary-skipped', severity: 'major', owner: 'sre', status: 'open' });
  expect(finding?.due).toBe('2026-11-23T10:00:00.000Z');
  expect(finding?.title).toMatch(/3 times.*a freeze/);
});

test('shown again, one that is open keeps its due date, and one that was closed is open again', () => {
  const [first] = skippedTooOften(context(), { cursor: cursor(3), run: 'drill-x', why: 'a freeze' });
  if (first === undefined) throw new Error('no finding');
  const due = '2026-11-01T00:00:00.000Z';
  const [open] = skippedTooOften(context({ ...first, due }), { cursor: cursor(4), run: 'drill-y', why: 'a freeze' });
  expect(open).toMatchObject({ due, status: 'open', run: 'drill-y' });
  const closed: DrillFinding = { ...first, due, status: 'closed', note: 'seen to' };
  const [again] = skippedTooOften(context(closed), { cursor: cursor(4), run: 'drill-y', why: 'a freeze' });
  expect(again).toMatchObject({ status: 'open', due: '2026-11-23T10:00:00.000Z' });
});
