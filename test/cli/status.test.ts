import { describe, expect, test } from 'vitest';
import { colours } from '../../src/cli/colours.ts';
import { statusReport, statusReportSchema, type WorkerAnswer } from '../../src/cli/pair-status.ts';
import { renderStatus } from '../../src/cli/status-text.ts';
import { renderTopic } from '../../src/cli/topic-text.ts';
import { link, only, pairView, safe, said, silent, topic } from './samples.ts';

const plain = colours(false);

const notReady: WorkerAnswer = {
  kind: 'said',
  row: { url: 'http://127.0.0.1:1001', site: 'a', state: 'not-ready', reason: 'site b never answered' },
  view: pairView('a', { links: [] }),
  topics: [],
};

describe('the pair as all workers see it together', () => {
  test('both links and all topics stand in one report, of the documented shape', () => {
    const report = statusReport([said('a'), said('b')]);
    expect(statusReportSchema.parse(report)).toEqual(report);
    const pair = only(report.pairs);
    expect(pair.links.map((each) => each.id)).toEqual(['a-b', 'b-a']);
    expect(pair.topics.map((each) => each.name)).toEqual(['a_orders', 'b_orders']);
    expect(pair.summary).toBe('Pair local: both links follow, level.');
  });

  test('what the worker at the destination says of a link counts', () => {
    const stale = link('a', { state: 'starting' });
    const atA = said('a', { links: [link('b'), stale] });
    for (const answers of [
      [atA, said('b')],
      [said('b'), atA],
    ]) {
      const pair = only(statusReport(answers).pairs);
      expect(pair.links.find((each) => each.id === 'a-b')?.state).toBe('following');
    }
  });

  test('what an old primary came back with stands in front, with what to do, once for both sites', () => {
    const oldSide = { returned: 1, split: 2, splitTopics: ['a_orders', 'a_payments'] };
    const report = statusReport([
      said('a', { oldSide }),
      said('b', { oldSide: { ...oldSide, split: 0, splitTopics: [] } }),
    ]);
    expect(statusReportSchema.parse(report)).toEqual(report);
    expect(only(report.pairs).summary).toContain('2 topics SPLIT');
    const text = renderStatus(report, plain);
    expect(text.match(/SPLIT: 2 topics \(a_orders, a_payments\) were written at both sites/g)).toHaveLength(1);
    expect(text).toContain('RETURNED: the old log of 1 topic is no copy yet');
    expect(text).toContain('npx umbra reconcile --all --plan');
  });

  test('a violation that both workers report is named once', () => {
    const violations = [{ site: 'a', topic: 'b_x', kind: 'squatter', message: 'm' }] as const;
    const pair = only(
      statusReport([said('a', { violations: [...violations] }), said('b', { violations: [...violations] })]).pairs,
    );
    expect(pair.violations).toHaveLength(1);
  });

  test('workers of two pairs are two reports', () => {
    const { pairs } = statusReport([said('a'), said('b', { pair: 'other' })]);
    expect(pairs.map((pair) => pair.pair)).toEqual(['local', 'other']);
  });

  test('a silent worker of unknown pair belongs to the only pair there is', () => {
    expect(only(statusReport([said('a'), silent()]).pairs).workers.map((worker) => worker.state)).toEqual([
      'ready',
      'silent',
    ]);
    expect(statusReport([said('a'), said('b', { pair: 'other' }), silent()]).pairs).toHaveLength(3);
  });

  test.each([
    ['nobody answers', [silent('local')], 'Pair local: no worker answers, so nothing is known of it.'],
    [
      'one is silent',
      [said('a'), silent('local')],
      'Pair local: link b-a follows, level; the worker of site b does not answer.',
    ],
    [
      'one is not ready',
      [notReady, said('b')],
      'Pair local: link a-b follows, level; the worker of site a is not ready.',
    ],
    ['nobody is ready', [notReady], 'Pair local: no link is known; the worker of site a is not ready.'],
    [
      'nothing was sampled yet',
      [said('a', { links: [link('b', { lag: { records: 0, seconds: 0 } })] }), said('b')],
      'Pair local: both links follow, lag not known yet.',
    ],
    [
      'there is nothing to copy',
      [said('a', { links: [link('b', { topics: { total: 0, following: 0, faulted: 0 } })] }, [])],
      'Pair local: link b-a follows, nothing to copy yet.',
    ],
    [
      'a topic is being seeded',
      [said('a', {}, [topic('b_orders', { state: 'seeding' })]), said('b')],
      'Pair local: both links follow, level; 1 topic not yet following.',
    ],
    ['no link is defined', [said('a', { links: [] }, [])], 'Pair local: no link is defined.'],
    [
      'a link lags',
      [said('a', { links: [link('b', { lag: { records: 12, seconds: 3, sampleAgeMs: 1 } })] }), said('b')],
      'Pair local: both links follow, 12 records behind.',
    ],
    [
      'a source is away',
      [said('a', { links: [link('b', { state: 'source-unreachable' })] }), said('b')],
      'Pair local: link a-b follows, link b-a cannot reach its source.',
    ],
    [
      'a topic is faulted',
      [said('a', {}, [topic('b_orders', { state: 'faulted', partitionsFaulted: 1 })]), said('b')],
      'Pair local: both links follow, level; 1 topic faulted.',
    ],
    [
      'a site has no authorizer',
      [said('a'), said('b', { links: [link('a', { fence: 'unfenced' })] })],
      'Pair local: both links follow, level; site b UNFENCED.',
    ],
    [
      'a name is squatted',
      [said('a', { violations: [{ site: 'a', topic: 'b_x', kind: 'squatter', message: 'm' }] }), said('b')],
      'Pair local: both links follow, level; 1 topic name outside the prefix policy.',
    ],
  ])('the sentence when %s', (_when, answers, sentence) => {
    expect(only(statusReport(answers).pairs).summary).toBe(sentence);
  });
});

describe('what would be lost if a site died now', () => {
  const cut = {
    seconds: 47.2,
    records: 12_400,
    recordsAtMost: 12_400,
    bytes: 1,
    basis: 'stale',
    sampleAgeMs: 47_200,
  } as const;
  const groups = { synced: 3, notSynced: 0, stalenessSeconds: 4.2 };

  test.each([
    [
      'something is on its way',
      {
        exposure: { seconds: 1.81, records: 412, recordsAtMost: 412, bytes: 9_000, basis: 'measured', sampleAgeMs: 40 },
        topics: { total: 14, following: 14, faulted: 0 },
      },
      'If a died now: 1.8 s, 412 records, of 14 topics; groups re-read at most 5 s; schemas equal; fenced.',
    ],
    [
      'the source is silent',
      { exposure: cut, standby: { groups: { ...groups, stalenessSeconds: 51.3 }, schemas: 'behind' } },
      'If a died now (no answer of a for 47 s): 47 s, about 12,400 records, of 1 topic, stale; groups re-read at most 52 s; schemas behind; fenced.',
    ],
    [
      'a partition was never answered for',
      { exposure: { seconds: 300, records: 0, recordsAtMost: 0, bytes: 0, basis: 'stale' }, fence: 'unknown' },
      'If a died now (of some partitions a has not answered yet): 5 min, about 0 records, of 1 topic, stale; groups re-read at most 5 s; schemas equal; fence not known.',
    ],
    [
      'copies are being filled',
      {
        exposure: { seconds: 12, records: 1_000, recordsAtMost: 1_000, bytes: 9, basis: 'estimated', sampleAgeMs: 80 },
      },
      'If a died now (some copies have not been level yet): 12 s, about 1,000 records, of 1 topic, estimated; groups re-read at most 5 s; schemas equal; fenced.',
    ],
    [
      'a copy is faulted, whose source nobody asks any more',
      { exposure: cut, state: 'degraded', topics: { total: 3, following: 2, faulted: 1 } },
      'If a died now (1 topic faulted, nothing more of it is copied): 47 s, about 12,400 records, of 3 topics, stale; groups re-read at most 5 s; schemas equal; fenced.',
    ],
    [
      'groups are not synced and schemas differ',
      { standby: { groups: { ...groups, notSynced: 2 }, schemas: 'different' }, fence: 'unfenced' },
      'If a died now: 0 s, 0 records, of 1 topic; groups re-read at most 5 s, 2 groups not synced; schemas DIFFER; UNFENCED.',
    ],
    [
      'nothing is known of groups, and the schemas are the other site’s',
      { standby: { groups: { synced: 0, notSynced: 0 }, schemas: 'elsewhere' } },
      'If a died now: 0 s, 0 records, of 1 topic; groups not known yet; fenced.',
    ],
    [
      'there is nothing to copy',
      {
        topics: { total: 0, following: 0, faulted: 0 },
        standby: { groups: { ...groups, synced: 0 }, schemas: 'equal' },
      },
      'If a died now: nothing, no topic is copied; no groups; schemas equal; fenced.',
    ],
  ] as const)('is one sentence when %s', (_when, overrides, sentence) => {
    const status = only(statusReport([said('b', { links: [link('a', overrides)] })]).pairs);
    expect(status.headlines).toEqual([sentence]);
  });

  test('is not left out for a direction that nobody speaks for', () => {
    const { headlines } = only(statusReport([said('a'), silent('local')]).pairs);
    expect(headlines).toEqual([
      'If b died now: 0 s, 0 records, of 1 topic; groups re-read at most 5 s; schemas equal; fenced.',
      'If a died now: not known, the worker of site b does not answer.',
    ]);
  });
});

describe('status as text', () => {
  test('a healthy pair is a sentence, two links, the topics and the workers', () => {
    const text = renderStatus(statusReport([said('a'), said('b')]), plain);
    expect(text).toBe(
      [
        'If a died now: 0 s, 0 records, of 1 topic; groups re-read at most 5 s; schemas equal; fenced.',
        'If b died now: 0 s, 0 records, of 1 topic; groups re-read at most 5 s; schemas equal; fenced.',
        '',
        'Pair local: both links follow, level.',
        '',
        'LINK  STATE      FENCE  TOPICS            BEHIND   LAG  SAMPLE AGE  AT RISK',
        'a-b   following  acl    1 of 1 following       0  0 ms      120 ms     0 ms',
        'b-a   following  acl    1 of 1 following       0  0 ms      120 ms     0 ms',
        '',
        'TOPIC     LINK  STATE      PARTITIONS  BEHIND   LAG  SAMPLE AGE  AT RISK  RECORDS COPIED  UNVERIFIED',
        'a_orders  a-b   following           3       0  0 ms      120 ms     0 ms       1,234,567           0',
        'b_orders  b-a   following           3       0  0 ms      120 ms     0 ms       1,234,567           0',
        '',
        'SITE  WORKER                 STATE',
        'a     http://127.0.0.1:1001  ready',
        'b     http://127.0.0.1:1002  ready',
      ].join('\n'),
    );
  });

  test('a worker that does not answer is a row with what to do', () => {
    const text = renderStatus(statusReport([said('a'), silent('local')]), plain);
    expect(text).toMatch(/^b {5}http:\/\/127\.0\.0\.1:1003 {2}silent {2}the worker at .*ECONNREFUSED$/m);
    expect(text).toMatch(/^ {2}→ Start it\.$/m);
  });

  test('a worker that is not ready says what it waits for', () => {
    const text = renderStatus(statusReport([notReady]), plain);
    expect(text).toMatch(/^a {5}http:\/\/127\.0\.0\.1:1001 {2}not-ready {2}site b never answered$/m);
  });

  test('unfenced copies and violations are said loudly', () => {
    const violations = [{ site: 'a', topic: 'b_x', kind: 'squatter', message: 'has the prefix of site b' }] as const;
    const view = { links: [link('a', { fence: 'unfenced' })], violations: [...violations] };
    const text = renderStatus(statusReport([said('b', view)]), plain);
    expect(text).toMatch(/^UNFENCED: site b has no authorizer.*a-b\.\n {2}→ /m);
    expect(text).toMatch(/^VIOLATION: topic b_x at site a \(squatter\): has the prefix of site b$/m);
  });

  test('a fault names topic, code, sentence and remedy', () => {
    const fault = {
      code: 'DIVERGED',
      message: 'offset 7 is foreign',
      offset: '7',
      remedy: 'Rebuild.',
      at: '2026-01-02T03:04:05.000Z',
    };
    const faulted = topic('a_orders', { state: 'faulted', partitionsFaulted: 2, fault });
    const text = renderStatus(statusReport([said('b', {}, [faulted])]), plain);
    expect(text).toContain('2 of 3 faulted');
    expect(text).toContain(
      'topic a_orders (a-b): DIVERGED at offset 7: offset 7 is foreign (2026-01-02T03:04:05.000Z)\n  → Rebuild.',
    );
  });

  test('names and messages from clusters cannot command the terminal', () => {
    const evil = '\u001B[2Jevil\u0007';
    const fault = { code: 'X', message: evil, remedy: evil, at: '2026-01-02T03:04:05.000Z' };
    const violations = [{ site: 'a', topic: evil, kind: 'unowned', message: evil }] as const;
    const view = pairView('b', { pair: evil, links: [link('a', { problem: evil })], violations: [...violations] });
    const text = renderStatus(statusReport([said('b', view, [topic(evil, { fault })])]), plain);
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{C}/u);
    const detail = { ...topic(evil, { fault }), partitionViews: [] };
    expect(renderTopic(detail, plain).replaceAll('\n', '')).not.toMatch(/\p{C}/u);
  });
});

test('a topic is shown with its partitions, and with what keeps one of them from copying', () => {
  const lag = { records: 3, seconds: 1.5, sampleAgeMs: 40 };
  const proof = { unverified: 2, verifiedAt: '2026-11-21T12:00:00.000Z' };
  const fault = {
    code: 'HOLE',
    message: 'offsets 3 to 5 are missing',
    remedy: 'Wait.',
    at: '2026-01-02T03:04:05.000Z',
  };
  const text = renderTopic(
    {
      ...topic('a_orders'),
      partitionViews: [
        {
          partition: 0,
          state: 'copying',
          copiedTo: '20',
          sourceEnd: '23',
          lag,
          exposure: safe,
          proof: { ...proof, verifiedTo: '18' },
        },
        { partition: 1, state: 'faulted', lag: { records: 0, seconds: 0 }, exposure: safe, fault, proof },
        { partition: 2, state: 'resuming', lag, exposure: safe, proof, retrying: 'NOT_LEADER_OR_FOLLOWER (6)' },
        {
          partition: 3,
          state: 'waiting',
          sourceEnd: '7',
          lag,
          exposure: safe,
          proof,
          heldBack: { records: 2, seconds: 90 },
        },
      ],
    },
    plain,
  );
  expect(text).toMatch(/^ +0 {2}copying +20 +23 +3 +1\.5 s +40 ms +18 +2026-11-21T12:00:00\.000Z$/m);
  expect(text).toMatch(/^ +1 {2}faulted +\? +\? +\? +\? +no sample yet +- +2026-11-21T12:00:00\.000Z$/m);
  expect(text).toContain('partition 1: HOLE: offsets 3 to 5 are missing (2026-01-02T03:04:05.000Z)\n  → Wait.');
  expect(text).toContain('partition 2: retrying: NOT_LEADER_OR_FOLLOWER (6)');
  expect(text).toContain(
    'partition 3: an open transaction at the source has held back 2 records from offset 7 on for 2 min',
  );
});
