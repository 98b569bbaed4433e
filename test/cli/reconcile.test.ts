import { describe, expect, test } from 'vitest';
import { colours } from '../../src/cli/colours.ts';
import { renderOldSides, renderReconciled, renderTailPlan } from '../../src/cli/reconcile-text.ts';
import type { TailDecision } from '../../src/quarantine/manifest.ts';
import { type RebuildPlan, rebuildPlanSchema } from '../../src/worker/rebuild/rebuild-view.ts';

const plain = colours(false);
const sha256 = '0'.repeat(64);

function planWith(decision?: TailDecision, records = 3): RebuildPlan {
  const quarantined = {
    ...{ batches: 1, records, recordsOnlyHere: records, bytes: 300, sha256, recordsUnexplained: records },
    ...{ unexplainedSha256: sha256, oldestAt: '2026-01-02T03:04:05.000Z', newestAt: '2026-01-02T03:05:06.000Z' },
  };
  return rebuildPlanSchema.parse({
    ...{ topic: 'a_orders', link: 'b-a', copyTopicId: 'old', copiedTopicId: 'new', sourceTopicId: 'new', faults: [] },
    tail: {
      ...{ operation: 'failover-20260102-0304-ab12', term: 1, site: 'a', cuts: ['5'] },
      ...{ method: records === 0 ? 'in-place' : 'anew', ...(decision === undefined ? {} : { decision }) },
    },
    partitions: [
      {
        ...{ partition: 0, copyStart: '0', copyEnd: String(5 + records), sourceStart: '0', sourceEnd: '9' },
        ...{ offsetsToCopy: 9, quarantined, sum: { acknowledged: 5 + records, present: 5 } },
        ...(records === 0 ? {} : { forkOffset: '5' }),
      },
    ],
    ...{ folder: '/quarantine', neededBytes: 1_000, freeBytes: 1_000_000, groups: 1, groupsHidden: [] },
    ...{ autoCreated: false, hash: sha256 },
  });
}

describe('the plan for an old primary', () => {
  test('shows the cut, the fork, what was acknowledged and where it is, and asks for a decision', () => {
    const text = renderTailPlan(planWith(), plain);
    expect(text).toContain(
      'Reconciliation of a_orders at site a, which lost it in failover-20260102-0304-ab12, term 1',
    );
    expect(text).toContain('3 records: give "--replay", "--export" or "--discard REASON"');
    expect(text).toContain('2026-01-02T03:04:05.000Z to 2026-01-02T03:05:06.000Z');
    expect(text).toContain('9 offsets');
  });

  test('says what each decision does, and that the files are written in each case', () => {
    const text = (decision: TailDecision): string => renderTailPlan(planWith(decision), plain);
    expect(text({ kind: 'replay' })).toContain('appended to the new primary');
    expect(text({ kind: 'export' })).toContain('lines of JSON');
    expect(text({ kind: 'discard', reason: 'test data' })).toContain('left in quarantine (test data)');
    for (const decision of [{ kind: 'replay' }, { kind: 'discard', reason: 'x' }] as const)
      expect(text(decision)).toContain('go to files in /quarantine');
  });

  test('names the keys of a compacted topic that both sites have written', () => {
    const conflicts = { keys: 2, first: [{ partition: 0, key: 'k\u001b' }], more: false };
    const text = renderTailPlan({ ...planWith({ kind: 'replay' }), conflicts }, plain);
    expect(text).toContain('2 keys of this compacted topic were written at the new primary as well');
    expect(text).not.toContain('\u001b');
  });

  test('of a log that ends at the cut says that nothing is copied again', () => {
    expect(renderTailPlan(planWith(undefined, 0), plain)).toContain('it becomes a copy as it is');
  });
});

test('a reconciliation ends with its sum, and with where the files are', () => {
  const { tail } = planWith({ kind: 'export' });
  const done = {
    ...({
      step: 'done',
      hash: sha256,
      startedAt: '2026-01-02T03:04:05.000Z',
      quarantine: '/q/1',
      copy: 'level',
    } as const),
    ...{ at: '2026-01-02T03:04:05.000Z', remarks: [], tail },
    sums: [
      { acknowledged: 8, present: 5, quarantined: 3 },
      { acknowledged: 2, present: 2, quarantined: 0 },
    ],
  };
  const text = renderReconciled('a_orders', done, plain);
  expect(text).toContain('10 records acknowledged here = 7 at the new primary + 3 in quarantine');
  expect(text).toContain('npx umbra quarantine show /q/1');
});

test('without topics it lists what waits', () => {
  expect(renderOldSides([])).toBe('No old primary waits for a decision.');
  const oldSide = { state: 'split', tailOffsets: 7, tailPartitions: 2, at: '2026-01-02T03:04:05.000Z' } as const;
  const text = renderOldSides([{ topic: 'a_orders', home: 'a', primary: 'b', term: 1, oldSide }]);
  expect(text).toMatch(/a_orders +b +split +7 +2/);
});
