import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openEvidenceStore } from '../../src/evidence/place.ts';
import { readDocuments } from '../../src/evidence/read-documents.ts';
import { atRest, begun, canariesMade, drillsIn, ended, HeldRepoint, quick } from '../fixtures/drilled.ts';
import { createTopic, logEnds, produce } from '../fixtures/kafkajs.ts';
import { movingSites } from '../fixtures/moving-sites.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { eventually } from '../fixtures/wait.ts';
import { givenUp } from './drills/given-up.ts';
import { underLoad } from './drills/under-load.ts';

const folder = testFolder('drills');
const held = new HeldRepoint(folder);
const moving = movingSites({
  drills: (clusters) => drillsIn(folder, clusters),
  repoint: (site) => (site === 'b' ? [held.hook] : []),
});

test('without a recent pass of canaries no real topic is moved', async () => {
  const api = moving.pair.api.b;
  await canariesMade(moving);
  await createTopic(moving.clusters.a.connection('app'), 'a_early', { partitions: 1 });
  await moving.pair.level('a_early');
  const run = await ended(
    api,
    await begun(api, { name: 'early', level: 'L4', site: 'b', topics: ['a_early'], apart: '0s' }),
  );
  expect(run.verdict).toBe('BLOCKED');
  expect(run.reasons).toEqual(['recent pass of L2: L4 asks for one, and no drill of L2 has passed at this site yet']);
  expect(await api.operations()).toEqual([]);
}, 120_000);

test('a canary drill moves canaries in both directions and home, loses nothing, and touches no other topic', async () => {
  const { clusters, pair } = moving;
  const app = clusters.a.connection('app');
  await createTopic(app, 'a_orders', { partitions: 2 });
  await produce(app, 'a_orders', ['one', 'two']);
  await pair.level('a_orders');
  const before = await logEnds(app, 'a_orders');
  const run = await ended(pair.api.b, await begun(pair.api.b, { ...quick, name: 'canary' }));
  expect(run).toMatchObject({ verdict: 'PASSED', reasons: [], rpoRecords: 0 });
  expect(await logEnds(app, 'a_orders')).toEqual(before);
  expect(await logEnds(clusters.b.connection('app'), 'a_orders')).toEqual(before);
  process.stdout.write(
    `drill: ${Date.parse(run.endedAt) - Date.parse(run.startedAt)} ms, worst move ${run.rtoMs} ms ${JSON.stringify(run.phases)}\n`,
  );
  const store = openEvidenceStore({ kind: 'folder', path: join(folder, 'evidence') }, { pair: 'test', site: 'b' });
  const read = await readDocuments(store);
  const [document] = read.flatMap((each) =>
    each.kind === 'document' && each.document.reportId === run.id ? [each.document] : [],
  );
  // Its topics are gone, and with them everything that the sites knew of where they were cut.
  expect(document?.terms.map(({ before: from, after, primary }) => ({ from, after, primary }))).toEqual([
    { from: 0, after: 2, primary: 'a' },
    { from: 0, after: 2, primary: 'b' },
  ]);
  for (const { topic } of document?.terms ?? []) {
    const cuts = document?.cut.filter((cut) => cut.topic === topic) ?? [];
    expect(new Set(cuts.map(({ operation }) => operation)).size, `moves of ${topic}`).toBe(2);
    expect(cuts.filter(({ offset }) => offset !== '0').length, `cuts of ${topic}`).toBeGreaterThan(0);
  }
  await atRest(moving);
}, 240_000);

test('readiness looks, observe-only predicts, and neither moves anything', async () => {
  const api = moving.pair.api.b;
  const operations = (await api.operations()).map(({ id }) => id);
  for (const level of ['L0', 'L1'] as const) {
    const run = await ended(api, await begun(api, { name: `look-${level.toLowerCase()}`, level, site: 'b' }));
    expect(run).toMatchObject({ verdict: 'PASSED', reasons: [] });
    expect(run.evidence).toBeDefined();
  }
  const { events } = await api.events({ limit: 1_000 });
  const predicted = events.filter((event) => event.type === 'system' && event.kind === 'drill predicted');
  expect(predicted.length).toBeGreaterThan(0);
  expect((await api.operations()).map(({ id }) => id)).toEqual(operations);
}, 120_000);

test('a freeze of either site holds for the pair and ends with a word; what only looks follows every change meanwhile', async () => {
  const { a, b } = moving.pair.api;
  await b.drills.put({ name: 'on-change', level: 'L0', site: 'b', onChange: true });
  const until = new Date(Date.now() + 600_000).toISOString();
  await a.drills.freeze({ by: 'ann', reason: 'sale', until });
  await eventually('the other site has heard of it', async () => (await b.drills.all()).frozen);
  const run = await ended(b, await begun(b, { ...quick, name: 'frozen' }));
  expect(run).toMatchObject({ verdict: 'BLOCKED', reasons: [`freeze: frozen by ann until ${until}: sale`] });
  const look = await eventually('it has looked at what is declared', async () =>
    (await b.drills.history()).find(({ drill }) => drill === 'on-change'),
  );
  expect(look).toMatchObject({ requestedBy: 'a change', verdict: 'PASSED', reasons: [] });
  await b.drills.remove('on-change');
  await a.drills.thaw();
  await eventually(
    'the other site has heard of that',
    async () => (await b.drills.all()).frozen === undefined || undefined,
  );
}, 120_000);

describe('real topics', () => underLoad(moving, folder));

describe('each rule of the abort table', () => givenUp(moving, held));
