import { expect, test } from 'vitest';
import { makeScript } from '../../../src/drill/script.ts';
import type { TopicConfigs } from '../../../src/kafka/config-admin.ts';
import { awayMs, retentionOf, unseenOf } from '../../../src/worker/drill/retention-left.ts';

const request: Omit<Parameters<typeof makeScript>[0], 'returns'> = {
  ...{ level: 'L4', site: 'b', canaries: { a: 'a_umbra-canary-000001' }, topics: ['a_orders'] },
  ...{ baselineMs: 60_000, holdMs: 300_000 },
};

function configs(values: Readonly<Record<string, string>>): TopicConfigs {
  const entry = (value: string): { value: string; own: true; readOnly: false; sensitive: false } => ({
    ...{ value, own: true, readOnly: false, sensitive: false },
  });
  return new Map(Object.entries(values).map(([name, value]) => [name, entry(value)]));
}

const kept = (ms: number, policy = 'delete'): TopicConfigs =>
  configs({ 'retention.ms': String(ms), 'cleanup.policy': policy });

test('topics are away from their move to the end of the one home, and for good where they stay', () => {
  const script = makeScript({ ...request, returns: true });
  const [move = 0] = script.phases.flatMap(({ does, plannedMs }) => (does === 'move' ? [plannedMs] : []));
  const [prove = 0] = script.phases.flatMap(({ does, plannedMs }) => (does === 'prove' ? [plannedMs] : []));
  expect(awayMs(script)).toBe(300_000 + 2 * move + prove);
  expect(awayMs(makeScript({ ...request, returns: false }))).toBeUndefined();
});

test.each<[string, TopicConfigs, 'passed' | 'failed']>([
  ['four times as long', kept(40_000), 'passed'],
  ['less', kept(39_999), 'failed'],
  ['for good', kept(-1), 'passed'],
  ['by compaction alone', kept(1, 'compact'), 'passed'],
  ['by compaction and for a time', kept(1, 'compact,delete'), 'failed'],
])('a topic that is away for 10 s and keeps its records %s: %s', (_what, values, result) => {
  expect(retentionOf(new Map([['a_orders', values]]), 10_000).result).toBe(result);
});

test('those that keep them too short are named, the first three', () => {
  const many = new Map(['a_1', 'a_2', 'a_3', 'a_4', 'a_5'].map((topic) => [topic, kept(1_000)]));
  expect(retentionOf(many, 10_000).value).toBe(
    'a_1 (1 s), a_2 (1 s), a_3 (1 s) and 2 more keep records for less than 4 times the 10 s that it is to be away: shorten "hold", or raise retention.ms',
  );
});

test('a topic that is not there yet, and one that may not be seen, are named with what is to be done', () => {
  const refused = new Map([
    ['a_new', { code: 3, message: 'UNKNOWN_TOPIC_OR_PARTITION (3)' }],
    ['a_secret', { code: 29, message: 'TOPIC_AUTHORIZATION_FAILED (29): missing DESCRIBE_CONFIGS' }],
  ]);
  expect(unseenOf(refused)).toEqual([
    { check: 'retention', result: 'failed', value: 'a_new: it is not here yet: try again when its copy follows' },
    {
      ...{ check: 'retention', result: 'failed' },
      value: 'a_secret: its retention cannot be seen: TOPIC_AUTHORIZATION_FAILED (29): missing DESCRIBE_CONFIGS',
    },
  ]);
});
