import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { DrillSpecInput } from '../../src/drill/drill-spec.ts';
import { phaseName } from '../../src/drill/script.ts';
import { type EvidenceDocument, evidenceDocumentSchema } from '../../src/evidence/document.ts';
import type { SiteId } from '../../src/pair/site.ts';
import type { PastRun } from '../../src/worker/state/drill-memory.ts';
import { atRest, begun, canariesMade, drillsIn, ended, goingOn, quick } from '../fixtures/drilled.ts';
import { journalSays, wishesKnown } from '../fixtures/journal-watch.ts';
import { createTopic, produce } from '../fixtures/kafkajs.ts';
import { Ledger } from '../fixtures/ledger/ledger.ts';
import { type LedgerWriter, startLedgerWriter } from '../fixtures/ledger/ledger-writer.ts';
import { startLossHooks } from '../fixtures/loss-hooks.ts';
import { move } from '../fixtures/moves.ts';
import { movingSites } from '../fixtures/moving-sites.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { eventually } from '../fixtures/wait.ts';

const topic = 'a_orders';
const partitions = 2;
const inFlight = 30;
const expendable = ['non-production'];

const folder = testFolder('forced-loss');
const hooks = await startLossHooks();
const labels: Record<SiteId, readonly string[]> = { a: [], b: [] };
let hooked = false;
const moving = movingSites({
  drills: (clusters, site) => ({
    ...drillsIn(folder, clusters),
    labels: labels[site],
    ...(hooked ? { loss: hooks.loss } : {}),
  }),
  quarantineFolder: (site) => join(folder, 'quarantine', site),
});

const loss = (name: string, rpoRecords: number): DrillSpecInput => ({
  ...{ name, level: 'L6', site: 'b', topics: [topic], objectives: { rpoRecords, rto: '60s' } },
  ...{ baseline: '1s', hold: '1s', apart: '0s' },
});

/** Its file says the labels that it has by now. */
async function again(site: SiteId): Promise<void> {
  await moving.pair.kill(site);
  await moving.pair.start(site);
}

async function evidenceOf({ id, evidence }: PastRun): Promise<EvidenceDocument> {
  const name = `${String(evidence?.sequence).padStart(8, '0')}-${id}.json`;
  return evidenceDocumentSchema.parse(JSON.parse(await readFile(join(folder, 'evidence', 'test', 'b', name), 'utf8')));
}

let writer: LedgerWriter | undefined;

beforeAll(async () => {
  await createTopic(moving.clusters.a.connection('app'), topic, { partitions });
  await moving.pair.level(topic);
  hooks.does.lose = async () => {
    const { clusters, between } = moving;
    // Nothing of what is acknowledged from now on is copied any more.
    between.a.set({ hold: true });
    const before = writer?.acknowledged ?? 0;
    await eventually(
      'records are in flight',
      () => writer === undefined || writer.acknowledged >= before + inFlight || undefined,
    );
    await clusters.a.broker.kill();
    between.a.set({});
    // What writes there is lost with the site.
    void writer?.stop();
  };
  hooks.does.mend = () => moving.clusters.a.broker.start();
}, 60_000);

afterAll(() => hooks.close());

/** An application at a, for as long as the test; it is refused while b is primary. */
async function load(): Promise<void> {
  const ledger = new Ledger(join(testFolder('ledger'), 'applications.ndjson'));
  const options = { ledger, name: 'orders', kind: 'plain', site: 'a', topic, partitions, everyMs: 50 } as const;
  const started = startLedgerWriter(moving.clusters.a.connection('app'), options);
  writer = started;
  onTestFinished(async () => {
    writer = undefined;
    await started.stop();
  });
  await eventually('the application writes', () => started.acknowledged > 0 || undefined);
}

test('where one site’s workers do not say that the pair may be lost, nothing is begun; where the own ones do not, nothing is declared', async () => {
  const { pair } = moving;
  await expect(pair.api.b.drills.put(loss('refused', 0))).rejects.toThrow(/non-production/);
  labels.b = expendable;
  await again('b');
  await canariesMade(moving);
  const one = await ended(pair.api.b, await begun(pair.api.b, loss('half', 0)));
  expect(one.verdict).toBe('BLOCKED');
  expect(one.reasons).toContainEqual(expect.stringMatching(/^label non-production at a: L6 loses a site on purpose/));
  labels.b = [];
  await again('b');
  const { run } = await pair.api.b.drills.begin('half', 'the test');
  const none = await ended(pair.api.b, run.id);
  expect(none.verdict).toBe('BLOCKED');
  expect(none.reasons).toContainEqual(expect.stringMatching(/^label non-production: /));
  expect(hooks.calls).toEqual({ lose: 0, mend: 0 });
  expect(await pair.api.b.operations()).toEqual([]);
  labels.a = labels.b = expendable;
  await Promise.all([again('a'), again('b')]);
}, 120_000);

test('where no hook makes the loss the source stays alive: its writers are fenced, all comes home, and the report says so', async () => {
  const { pair, clusters } = moving;
  await canariesMade(moving);
  expect(await ended(pair.api.b, await begun(pair.api.b, { ...quick, name: 'canary' }))).toMatchObject({
    verdict: 'PASSED',
  });
  await load();
  await wishesKnown(clusters.b.connection('umbra'), [topic]);
  const run = await ended(pair.api.b, await begun(pair.api.b, { ...loss('alive', 100_000), tail: 'replay' }));
  expect(run).toMatchObject({ verdict: 'PASSED', reasons: [] });
  expect(hooks.calls).toEqual({ lose: 0, mend: 0 });
  await atRest(moving);
  const { scenario, cleanup } = await evidenceOf(run);
  expect(scenario.assumptions).toEqual([
    expect.stringMatching(/^no hook is declared: the cluster of site a stayed there/),
  ]);
  expect(cleanup.returnedToHome).toBe(true);
}, 240_000);

test('a site that is killed under load: what it had alone is in quarantine and named, all is home again, and both copies are equal', async () => {
  const { pair, clusters } = moving;
  hooked = true;
  await again('b');
  await load();
  await wishesKnown(clusters.b.connection('umbra'), [topic]);
  const run = await ended(pair.api.b, await begun(pair.api.b, loss('lost', 100_000)));
  expect(run).toMatchObject({ verdict: 'PASSED', reasons: [] });
  expect(hooks.calls).toEqual({ lose: 1, mend: 1 });
  await atRest(moving);
  const document = await evidenceOf(run);
  const tail = document.tails.find((each) => each.topic === topic);
  expect(tail?.records).toBeGreaterThanOrEqual(inFlight);
  expect(tail?.disposition).toMatch(/^discarded, as the drill says; kept in quarantine \S+\.a_orders$/);
  const { rpo, integrity, cleanup, scenario } = document;
  expect(rpo.basis).toBe('ledger and tails');
  expect(rpo.measured.records).toBe((tail?.records ?? 0) + (integrity.canary?.lost ?? 0));
  expect(run.rpoRecords).toBe(rpo.measured.records);
  expect(integrity.canary).toMatchObject({ duplicate: 0, reordered: 0, ghost: 0, shifted: 0 });
  expect(cleanup.returnedToHome).toBe(true);
  expect(scenario.assumptions).toContainEqual(expect.stringContaining('taken away by the hook'));
  await writer?.stop();
  await pair.level(topic);
  const { totals } = await pair.verify([topic]);
  expect(totals).toMatchObject({ recordsDifferent: 0, batchesDifferent: 0, behind: 0 });
  expect(totals.recordsEqual).toBeGreaterThan(0);
  process.stdout.write(
    `L6: ${Date.parse(run.endedAt) - Date.parse(run.startedAt)} ms, ${run.rpoRecords} lost, first write ${run.rtoMs} ms\n`,
  );
}, 240_000);

test('more than is allowed fails it by its numbers, and it comes home; also where its controller is killed while the site is lost', async () => {
  const { pair, clusters } = moving;
  await load();
  const id = await begun(pair.api.b, loss('strict', 0));
  await journalSays(clusters.b.connection('umbra'), `${id} is at hold`, ({ drills }) => {
    const run = drills.run(id);
    const phase = run?.script.phases[run.at];
    return phase !== undefined && phaseName(phase) === 'hold';
  });
  await again('b');
  const run = await ended(pair.api.b, id);
  expect(run.verdict).toBe('FAILED');
  expect(run.reasons).toEqual([
    expect.stringMatching(/^\d+ records were lost: \d+ of canaries .*; 0 are allowed \(RPO\)$/),
  ]);
  expect(run.rpoRecords).toBeGreaterThanOrEqual(inFlight);
  expect(hooks.calls.mend).toBeGreaterThanOrEqual(2);
  await atRest(moving);
  expect((await evidenceOf(run)).cleanup.returnedToHome).toBe(true);
}, 240_000);

test('a person who ends it while the site is lost has it given back and following again; the topics stay where they are', async () => {
  const { pair, clusters } = moving;
  const { mend: before } = hooks.calls;
  const id = await begun(pair.api.b, { ...loss('ended', 100_000), hold: '1m' });
  await goingOn(pair.api.b, id, 'holds', ({ phase }) => phase === 'hold');
  await pair.api.b.drills.abort(id, 'the test');
  const run = await ended(pair.api.b, id);
  expect(run.verdict).toBe('INTERRUPTED');
  expect(hooks.calls.mend).toBe(before + 1);
  const away = (await pair.api.b.roles()).flatMap(({ topic: name, primary }) => (primary === 'b' ? [name] : []));
  expect(away).toContain(topic);
  await atRest(moving, away);
  // Of both sites, at once: what was lost alone is kept, and what was taken over is followed.
  expect(await pair.api.b.roles()).not.toContainEqual(
    expect.objectContaining({ oldSide: expect.anything() as unknown }),
  );
  const { operation } = await move(pair.api.a, { kind: 'switchover', topics: away });
  expect(operation.step.kind).toBe('done');
  await produce(clusters.a.connection('app'), topic, ['home again']);
}, 240_000);
