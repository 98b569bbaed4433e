import { describe, expect, test } from 'vitest';
import type { ZodType } from 'zod';
import { followedTopics, type LinkTopics } from '../../src/worker/control/followed-topics.ts';
import { endRebuilds } from '../../src/worker/rebuild/end-rebuilds.ts';
import { reconcileJournal } from '../../src/worker/reconcile/reconcile-journal.ts';
import type { RebuildRecord } from '../../src/worker/rebuild/rebuild-record.ts';
import { recordAt } from './rebuild-stubs.ts';

const copyOf = (topic: string, link = 'a-b'): LinkTopics['shadows'][number] => ({
  ...{ topic, link, sourceTopicId: 's', faults: [] },
  state: { kind: 'ours', shadowTopicId: 'c' },
});
const nothing: LinkTopics = { link: 'a-b', shadows: [], views: [], orphans: new Set() };

describe('a link follows', () => {
  test('every copy that _umbra knows, also before it has looked, and one that is held for a rebuild', () => {
    const shadows = [copyOf('a_one'), copyOf('a_held'), copyOf('b_other', 'b-a')];
    const views = [{ name: 'a_held', state: 'pending' as const }];
    expect(followedTopics({ ...nothing, shadows, views })).toEqual(['a_one', 'a_held']);
  });

  test('faulted topics, but neither copies at rest nor topics without a copy', () => {
    const views: LinkTopics['views'] = [
      { name: 'a_faulted', state: 'faulted' },
      { name: 'a_new', state: 'pending' },
      { name: 'a_orphan', state: 'orphaned' },
    ];
    const shadows = [copyOf('a_orphan'), copyOf('a_gone')];
    expect(followedTopics({ ...nothing, shadows, views, orphans: new Set(['a_gone']) })).toEqual(['a_faulted']);
  });
});

test('a link that is declared anew does not go on with a rebuild of its former life', async () => {
  const records = [
    recordAt({ kind: 'deleting', manifestSha256: 'm' }),
    recordAt({ kind: 'quarantining' }, { link: 'b-a' }),
    recordAt({ kind: 'done', manifestSha256: 'm', at: new Date(0).toISOString(), copy: 'level', remarks: [] }),
  ];
  const written: RebuildRecord[] = [];
  const putRebuild = (record: RebuildRecord): Promise<void> => {
    written.push(record);
    return Promise.resolve();
  };
  const never = new AbortController().signal;
  await endRebuilds({ rebuilds: () => records, putRebuild }, { link: 'a-b', at: new Date(0) }, never);
  expect(written).toMatchObject([{ link: 'a-b', step: { kind: 'stopped', quarantined: true } }]);
});

test('nor with a reconciliation of it, which stands in a journal of its own', async () => {
  const records = new Map<string, RebuildRecord>([
    ['reconcile/a_orders', recordAt({ kind: 'deleting', manifestSha256: 'm' }, { topic: 'a_orders' })],
    ['reconcile/a_other', recordAt({ kind: 'reversing' }, { topic: 'a_other', link: 'b-a' })],
  ]);
  const written: string[] = [];
  const journal = reconcileJournal({
    shadow: () => undefined,
    section: <T extends object>(prefix: string, schema: ZodType<T>) => ({
      all: () => [...records].flatMap(([key, record]) => (key.startsWith(prefix) ? [schema.parse(record)] : [])),
      write: (entries) => {
        written.push(...entries.map(([key, value]) => `${prefix}${key} ${JSON.stringify(value)}`));
        return Promise.resolve();
      },
    }),
  });
  await endRebuilds(journal, { link: 'a-b', at: new Date(0) }, AbortSignal.timeout(10_000));
  expect(written).toHaveLength(1);
  expect(written[0]).toMatch(/^reconcile\/a_orders .*"kind":"stopped".*"the link was deleted before it was through"/);
});
