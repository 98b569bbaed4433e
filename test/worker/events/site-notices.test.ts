import { expect, test } from 'vitest';
import { noticesBetween, type SiteSnapshot, snapshotOf } from '../../../src/worker/events/site-notices.ts';
import type { LinkView, TopicDetailView } from '../../../src/worker/views.ts';
import { stubLink, stubTopicDetail } from '../../api/stub-service.ts';

function snapshot(
  link: Partial<LinkView> = {},
  topics: readonly Partial<TopicDetailView>[] = [],
  violations: readonly string[] = [],
): SiteSnapshot {
  const seen = {
    id: 'a-b',
    view: () => ({ ...stubLink, ...link }),
    topicViews: () => topics.map((topic) => ({ ...stubTopicDetail, ...topic })),
  };
  return snapshotOf(
    [seen],
    violations.map((message) => ({ site: 'b', topic: 'x', kind: 'unowned', message })),
  );
}

const orders = { name: 'a_orders' };
const fault = { code: 'SHADOW_NOT_OURS', message: 'somebody made it', remedy: 'r', at: '2026-01-02T03:04:05.000Z' };

test('what a worker finds when it takes the lead is not new', () => {
  expect(noticesBetween(undefined, snapshot({}, [orders], ['bad']))).toEqual([]);
  const starting = snapshot({ state: 'starting' }, [{ ...orders, state: 'pending' }]);
  expect(noticesBetween(starting, snapshot({}, [orders])).map(({ kind }) => kind)).toEqual(['link state changed']);
});

test('nothing is told while nothing changes, however the lag moves', () => {
  const lag = { records: 9, seconds: 9 };
  expect(noticesBetween(snapshot({}, [orders], ['bad']), snapshot({ lag }, [{ ...orders, lag }], ['bad']))).toEqual([]);
});

test('a link that gets into trouble says why, and is only a piece of news when it is well again', () => {
  const bad = snapshot({ state: 'source-unreachable', problem: 'site a: connection refused' });
  expect(noticesBetween(snapshot(), bad)).toEqual([
    {
      ...{ kind: 'link state changed', link: 'a-b' },
      message: 'link a-b: following → source-unreachable: site a: connection refused',
    },
  ]);
  expect(noticesBetween(bad, snapshot())).toMatchObject([{ level: 'info' }]);
  expect(noticesBetween(snapshot(), snapshot({ fence: 'unfenced' }))).toMatchObject([
    { kind: 'link state changed', message: 'link a-b: fence acl → unfenced' },
  ]);
});

test('many topics are one event that names the first ten', () => {
  const made = Array.from({ length: 12 }, (_, n) => ({ name: `a_t${n}`, state: 'seeding' as const }));
  expect(noticesBetween(snapshot(), snapshot({}, made))).toEqual([
    {
      ...{ kind: 'copies made', link: 'a-b' },
      message: 'a_t0, a_t1, a_t2, a_t3, a_t4, a_t5, a_t6, a_t7, a_t8, a_t9 and 2 more',
    },
  ]);
});

test.each([
  ['a copy that is level at once', undefined, 'following', ['copies made', 'copies level']],
  ['a copy that gets level', 'seeding', 'following', ['copies level']],
  ['a source that is gone', 'following', 'orphaned', ['sources deleted']],
  ['a source that is back', 'orphaned', 'following', []],
  ['a partition that faulted, which has an event of its own', 'following', 'faulted', []],
] as const)('%s', (_what, from, to, kinds) => {
  const before = snapshot({}, from === undefined ? [] : [{ ...orders, state: from }]);
  const now = snapshot({}, [{ ...orders, state: to, partitionsFaulted: to === 'faulted' ? 1 : 0 }]);
  expect(noticesBetween(before, now).map(({ kind }) => kind)).toEqual(kinds);
});

test('a copy that is refused as a whole says why, once', () => {
  const refused = snapshot({}, [{ ...orders, state: 'faulted', fault }]);
  expect(noticesBetween(snapshot({}, [{ ...orders, state: 'pending' }]), refused)).toEqual([
    { kind: 'copies faulted', link: 'a-b', message: 'a_orders: SHADOW_NOT_OURS: somebody made it' },
  ]);
  expect(noticesBetween(refused, refused)).toEqual([]);
});

test('copies that are dropped, rebuilds that end, links that are new and violations that come and go are told', () => {
  expect(noticesBetween(snapshot({}, [orders]), snapshot())).toMatchObject([{ kind: 'copies dropped' }]);
  const rebuilding = snapshot({}, [{ ...orders, rebuild: { step: 'seeding' } }]);
  const done = snapshot({}, [{ ...orders, rebuild: { step: 'done' } }]);
  expect(noticesBetween(snapshot({}, [orders]), rebuilding)).toEqual([]);
  expect(noticesBetween(rebuilding, done)).toMatchObject([{ kind: 'rebuild ended', message: 'a_orders: done' }]);
  expect(noticesBetween(snapshotOf([], []), snapshot())).toMatchObject([{ kind: 'link declared' }]);
  expect(noticesBetween(snapshot(), snapshot({}, [], ['b_x is here']))).toMatchObject([{ kind: 'violation found' }]);
  expect(noticesBetween(snapshot({}, [], ['b_x is here']), snapshot())).toMatchObject([{ kind: 'violation gone' }]);
});
