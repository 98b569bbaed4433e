import { describe, expect, test } from 'vitest';
import { countStates, type GroupSyncView, type GroupView } from '../../src/sync/groups/group-view.ts';
import type { SchemaSyncView, SchemasVerdict } from '../../src/sync/schemas/schema-view.ts';
import { viewStandby } from '../../src/worker/control/standby-view.ts';

const undeclared: SchemaSyncView = { kind: 'undeclared' };

function groups(...list: readonly Pick<GroupView, 'state' | 'stalenessSeconds'>[]): GroupSyncView {
  const views = list.map((each, index) => ({ group: `g${index}`, partitions: 1, clamped: [], ...each }));
  return {
    groups: views,
    counts: countStates(views),
    unowned: { count: 0, names: [] },
    readAt: new Date(0),
    stalenessSeconds: 1,
  };
}

function schemas(verdict: SchemasVerdict): SchemaSyncView {
  const nothing = { total: 0, first: [] };
  const comparison = { verdict, comparedAt: undefined, equalAt: undefined, differences: nothing, keysBehind: 0 };
  // The sites are not looked at here.
  return { kind: 'watched', primarySite: 'a', comparison, behind: undefined } as unknown as SchemaSyncView;
}

describe('what goes with the records of a link, in short', () => {
  test('positions are as old as the oldest of a group that is synced; the others are counted', () => {
    const view = groups(
      { state: 'level', stalenessSeconds: 3 },
      { state: 'behind', stalenessSeconds: 7 },
      { state: 'live-at-standby', stalenessSeconds: 900 },
      { state: 'refused' },
    );
    expect(viewStandby('a', view, undeclared).groups).toEqual({ synced: 2, notSynced: 2, stalenessSeconds: 7 });
  });

  test('are not known before every one was synced once', () => {
    const view = groups({ state: 'level', stalenessSeconds: 3 }, { state: 'behind' });
    expect(viewStandby('a', view, undeclared).groups).toEqual({ synced: 2, notSynced: 0 });
    const { readAt: _never, ...unread } = groups();
    expect(viewStandby('a', unread, undeclared).groups).toEqual({ synced: 0, notSynced: 0 });
    expect(viewStandby('a', groups(), undeclared).groups).toEqual({ synced: 0, notSynced: 0, stalenessSeconds: 0 });
  });

  test('schemas are told of on the link from the schema primary', () => {
    for (const verdict of ['equal', 'behind', 'different', 'unknown'] as const)
      expect(viewStandby('a', groups(), schemas(verdict)).schemas).toBe(verdict);
    expect(viewStandby('b', groups(), schemas('different')).schemas).toBe('elsewhere');
    expect(viewStandby('a', groups(), undeclared).schemas).toBe('undeclared');
  });
});
