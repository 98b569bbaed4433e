import { expect, test } from 'vitest';
import { configSyncViewSchema, listMax } from '../../../src/sync/topics/config-sync-view.ts';
import type { ConfigPlan } from '../../../src/sync/topics/plan-configs.ts';
import { renderView, type ViewedRound } from '../../../src/sync/topics/render-config-view.ts';

const now = new Date('2026-01-02T03:04:05.000Z');
const change = { name: 'segment.ms', from: undefined, to: '2', reason: 'new', edited: false } as const;

function plan(topic: string, more: Partial<ConfigPlan> = {}): ConfigPlan {
  return { topic, changes: [], withheld: [], unknown: [], wish: {}, level: {}, ...more };
}

function round(more: Partial<ViewedRound>, made: readonly string[] = []): ViewedRound {
  const applied = {
    made: new Map(made.map((topic) => [topic, new Set(['segment.ms'])])),
    refused: new Map(),
    failed: new Map(),
    stopped: false,
  };
  const nothing = { copies: [], plans: [], refused: [], unseen: [], edits: 0, newestEdits: [] };
  return { ...nothing, looked: { applied, nowMs: 1000, now }, ...more };
}

test('a change that was made counts as level, one that was not does not', () => {
  const plans = [plan('a_x', { changes: [change] }), plan('a_y', { changes: [change] }), plan('a_z')];
  const view = configSyncViewSchema.parse(renderView(round({ plans }, ['a_x'])));
  expect(view).toMatchObject({ topics: 3, level: 2, differing: { count: 1 }, lookedAt: now.toISOString() });
  expect(view.differing.first).toEqual([{ topic: 'a_y', name: 'segment.ms', wanted: '2', why: 'being changed' }]);
  expect(view.levelAt).toBeUndefined();
  expect(renderView(round({ plans }, ['a_x', 'a_y'])).levelAt).toBe(now.toISOString());
});

test('lists are bounded, counts are not', () => {
  const plans = Array.from({ length: 1000 }, (_, index) =>
    plan(`a_${index}`, { withheld: [{ ...change, why: 'read-only' }], unknown: ['newer.config'] }),
  );
  const view = configSyncViewSchema.parse(renderView(round({ plans })));
  expect(view.differing.count).toBe(1000);
  expect(view.differing.first).toHaveLength(listMax);
  expect(view.unknown).toEqual([{ name: 'newer.config', topics: 1000, example: 'a_0' }]);
});

test('a hold says when it is tried again', () => {
  const hold = { topic: 'a_x', name: 'segment.ms', to: '2', message: 'INVALID_CONFIG (40)', untilMs: 61_000 };
  expect(renderView(round({ refused: [hold] })).refused.first).toEqual([
    {
      topic: 'a_x',
      name: 'segment.ms',
      wanted: '2',
      message: 'INVALID_CONFIG (40)',
      nextTryAt: '2026-01-02T03:05:05.000Z',
    },
  ]);
});

test('a copy with fewer replicas than its source, or more partitions, is named', () => {
  const shape = (partitions: number, replicas: number): ViewedRound['copies'][number] => ({
    topic: `a_${partitions}_${replicas}`,
    partitions: { source: 3, copy: partitions },
    replicas: { source: 3, copy: replicas },
  });
  const { shape: found } = renderView(round({ copies: [shape(3, 3), shape(2, 4), shape(4, 3), shape(3, 1)] }));
  expect(found.first.map(({ topic }) => topic)).toEqual(['a_4_3', 'a_3_1']);
});
