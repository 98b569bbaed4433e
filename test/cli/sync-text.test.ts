import { expect, test } from 'vitest';
import { linkSchemasViewSchema, type LinkSchemasView } from '../../src/worker/sync-views.ts';
import { colours } from '../../src/cli/colours.ts';
import { renderConfigs, renderGroups, renderSchemas } from '../../src/cli/sync-text.ts';

const plain = colours(false);
const at = '2026-01-02T03:04:05.000Z';

test('groups are a table, and what keeps one from being synced stands below', () => {
  const text = renderGroups(
    [
      {
        link: 'a-b',
        groups: [
          { group: 'a_readers', state: 'level', partitions: 12, clamped: [], stalenessSeconds: 2 },
          { group: 'a_live', state: 'live-at-standby', why: 'it has members here', partitions: 1, clamped: [] },
        ],
        counts: { level: 1, 'live-at-standby': 1, behind: 0 },
        unowned: { count: 3, names: ['orders', 'bills'] },
        stalenessSeconds: 1.2,
      },
    ],
    plain,
  );
  expect(text.split('\n')).toEqual([
    'Link a-b: 2 groups (1 level, 1 live-at-standby), read 1.2 s ago',
    'GROUP      STATE            PARTITIONS  CLAMPED  SYNCED',
    'a_readers  level                    12        0   2.0 s',
    'a_live     live-at-standby           1        0       ?',
    'a_live: it has members here',
    'not synced, their names belong to no site: orders, bills and 1 more',
  ]);
});

test('configs are named only where they are not level', () => {
  const none = { count: 0, first: [] };
  const text = renderConfigs(
    [
      {
        ...{ link: 'a-b', topics: 14, level: 13, lookedAt: at, unknown: [], shape: none, unseen: none, refused: none },
        differing: { count: 1, first: [{ topic: 'a_x', name: 'segment.ms', shown: '7', why: 'held' }] },
        edited: { count: 1, newest: [{ topic: 'a_x', name: 'retention.ms', shown: '7', wanted: '-1', at }] },
      },
    ],
    plain,
  );
  expect(text.split('\n')).toEqual([
    `Link a-b: 13 of 14 copies level, as of ${at}`,
    "  a_x: segment.ms is 7, to be the cluster's default (held)",
    `  put back a_x: retention.ms had been set to 7, is -1 again (${at})`,
  ]);
});

function watchedSchemas(more: object = {}): Extract<LinkSchemasView, { kind: 'watched' }> {
  const none = { total: 0, first: [] };
  const collision = { context: '.', id: 7, digests: ['x', 'y'] };
  const site = (name: 'a' | 'b'): object => ({
    ...{ site: name, role: name === 'a' ? 'primary' : 'standby', state: 'read', digest: '0123456789abcdef0123' },
    ...{ readTo: '9', contexts: [], gaps: none, malformed: none },
    collisions: name === 'a' ? none : { total: 1, first: [collision] },
    counts: { subjects: 2, versions: 4, softDeleted: 0, ids: 4, malformed: 0 },
  });
  const difference = { kind: 'different', label: 'a_orders-value 1', explanation: 'id 7 there, id 8 here' };
  const watched = linkSchemasViewSchema.parse({
    ...more,
    ...{ link: 'a-b', kind: 'watched', primarySite: 'a', sites: { a: site('a'), b: site('b') } },
    comparison: { verdict: 'different', comparedAt: at, keysBehind: 0, differences: { total: 2, first: [difference] } },
    behind: { records: 3, seconds: 2, basis: 'stale', asOf: at },
    samples: {
      ...{ sampled: 1_200, named: 900, waiting: 12, unknown: 1, topicsTotal: 1, unreadable: 0 },
      topics: [{ topic: 'a_orders', records: 13, schemas: [] }],
    },
  });
  if (watched.kind !== 'watched') throw new Error('it is watched');
  return watched;
}

test('after a failover schemas name what only the old primary has', () => {
  const version = (id: number, explanation: string): object => ({
    ...{ context: '.', id, subject: 'orders', version: id, offset: '9', explanation },
  });
  const some = (...first: readonly unknown[]): object => ({ total: first.length, first });
  const lost = {
    ...{ cut: '7', collisions: some(), versions: some(), changes: some('CONFIG of all subjects: FULL') },
    gaps: some(version(3, 'the new primary does not know the id 3')),
  };
  const lines = renderSchemas([watchedSchemas({ lost })], plain).split('\n');
  expect(lines).toContain(
    '  only the log of the old primary has, from offset 7 on: 1 id that the new one does not know, ' +
      '0 that stand for another schema, 0 other versions, 1 config or deletion',
  );
  expect(lines).toContain('  id 3, orders version 3: the new primary does not know the id 3');
  const nothing = { ...lost, gaps: some(), changes: some() };
  expect(renderSchemas([watchedSchemas({ lost: nothing })], plain)).toContain(
    'the log of the old primary has nothing from offset 7 on that the new one lacks',
  );
});

test('schemas begin with the verdict, and show both logs', () => {
  expect(renderSchemas([watchedSchemas()], plain).split('\n')).toEqual([
    `Link a-b: schemas different, compared at ${at}, 3 records (2.0 s) behind, stale; site a registers`,
    'SITE  ROLE     LOG   SUBJECTS  VERSIONS  IDS  GAPS  DIGEST',
    'a     primary  read         2         4    4     0  0123456789abcdef',
    'b     standby  read         2         4    4     0  0123456789abcdef',
    '  a_orders-value 1: id 7 there, id 8 here',
    '  and 1 more',
    'of 1,200 sampled records 12 named a schema that was not here yet, 1 one that neither site has',
    '  a_orders: 13 records still without',
    '  site b: 1 id with more than one schema',
  ]);
});
