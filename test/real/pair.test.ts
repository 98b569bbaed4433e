import { CompressionTypes, Partitioners } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { diagnose } from '../../src/worker/doctor/diagnose.ts';
import { workerConfigSchema } from '../../src/worker/worker-config.ts';
import { routes } from '../../src/api/routes.ts';
import { expectAsDocumented } from '../api/document.ts';
import { urlOf } from '../api/samples.ts';
import { testOwners } from '../fixtures/brokers.ts';
import { type Codec, javaConsume, javaProduce, type ProduceJob } from '../fixtures/java-client.ts';
import { createTopic, kafkajs, logEnds, produce, recordsIn } from '../fixtures/kafkajs.ts';
import { startPair, type TestPair } from '../fixtures/pair.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { eventually } from '../fixtures/wait.ts';

const sites = sharedSites();
let pair: TestPair;

beforeAll(async () => {
  pair = await startPair({ clusters: { a: sites.a.umbra, b: sites.b.umbra } });
});

afterAll(async () => {
  await pair.remove();
});

test('kafkajs records (gzip) of both sites appear at the other with the same offsets and bytes', async () => {
  for (const [site, topic] of [
    ['a', 'a_gzip'],
    ['b', 'b_gzip'],
  ] as const) {
    await createTopic(sites[site].app, topic, { partitions: 4 });
    const producer = kafkajs(sites[site].app).producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    for (let round = 0; round < 10; round++) {
      const messages = Array.from({ length: 200 }, (_, index) => ({
        key: `k${index}`,
        value: `${site} ${round} ${index}`,
      }));
      await producer.send({ topic, compression: CompressionTypes.GZIP, messages });
    }
    await producer.disconnect();
  }
  for (const topic of ['a_gzip', 'b_gzip']) await pair.level(topic);
  const report = await pair.verify(['a_gzip', 'b_gzip']);
  // kafkajs may send a record twice when an answer is an error for some partitions: the source says how many there are.
  const written = (await recordsIn(sites.a.app, 'a_gzip')) + (await recordsIn(sites.b.app, 'b_gzip'));
  expect(report.totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, recordsEqual: written, behind: 0 });
});

test('the doctor finds nothing wrong with a pair that runs', async () => {
  const config = workerConfigSchema.parse({
    ...{ pair: 'test', site: 'b', api: { port: 0 } },
    clusters: { a: sites.a.umbra, b: sites.b.umbra },
  });
  const findings = await diagnose({ config, signal: AbortSignal.timeout(60_000) });
  // What an earlier file has left of the schemas is not this pair's.
  const wrong = findings.filter(({ level, message }) => level !== 'ok' && !message.includes('_schemas'));
  expect(wrong).toEqual([]);
  expect(new Set(findings.map(({ subject }) => subject))).toEqual(
    new Set(['connection', 'rights', 'acls', 'policy', 'copies', 'replicas', 'settings', 'clock', 'worker']),
  );
});

test('Java records of every codec, idempotent and not, are read at the other site as they were written', async () => {
  const codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
  const jobs: ProduceJob[] = codecs.flatMap((codec, index) =>
    [true, false].map((idempotence) => ({
      topic: `a_java_${codec}_${idempotence ? 'idempotent' : 'plain'}`,
      partitions: 3,
      records: 600,
      codec,
      idempotence,
      seed: index,
    })),
  );
  for (const { topic, partitions } of jobs) {
    await createTopic(sites.a.admin, topic, { partitions, configs: { 'retention.ms': '-1' } });
  }
  await javaProduce(sites.a.app, jobs);
  for (const { topic } of jobs) await pair.level(topic);
  const topics = jobs.map(({ topic }) => topic);
  const report = await pair.verify(topics);
  expect(report.totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, recordsEqual: 6000 });
  const consume = topics.map((topic) => ({ topic }));
  expect(await javaConsume(sites.b.app, consume)).toEqual(await javaConsume(sites.a.app, consume));
});

test('every route of a running pair answers as its OpenAPI document says', async () => {
  const params = { name: 'a_gzip', id: 'a-b' };
  const bodies: Readonly<Record<string, object>> = {
    'PUT /v1/spec/prefix-policy': testOwners,
    'PUT /v1/spec/schema-primary': { site: 'a' },
    'PUT /v1/spec/links/:id': { from: 'a', to: 'b' },
    'POST /v1/topics/:name/rebuild': { plan: '0'.repeat(64) },
    'POST /v1/topics/:name/reconciliation/plan': { decision: 'none' },
    'POST /v1/topics/:name/reconciliation': { plan: '0'.repeat(64) },
    'POST /v1/operations/plan': { kind: 'failover', topics: ['a_gzip'] },
    'POST /v1/operations': { kind: 'failover', topics: ['a_gzip'], plan: '0'.repeat(64) },
    'POST /v1/drills/:name/runs': { by: 'ann' },
    'POST /v1/drills/:name/skip': { reason: 'a freeze' },
    'POST /v1/drills/:name/approvals': { name: 'ann', role: 'sre' },
    'PUT /v1/drill-freeze': { by: 'ann', reason: 'a freeze', until: new Date(Date.now() + 60_000).toISOString() },
    'POST /v1/drill-runs/:id/abort': { reason: 'enough' },
    'POST /v1/findings/:id/decision': { status: 'closed', note: 'seen to' },
    'PUT /v1/spec/drills/:name': { name: 'looks', level: 'L0', site: 'b' },
  };
  const operation = { id: 'failover-20261122-043301-ab12' };
  const drill = { name: 'looks', id: 'drill-20261122-043301-looks-ab12' };
  const statuses = new Map<string, number>();
  // A stream has no end.
  for (const route of routes.filter(({ answer }) => answer.kind !== 'stream')) {
    const name = `${route.method} ${route.path}`;
    const body = bodies[name] === undefined ? {} : { body: JSON.stringify(bodies[name]) };
    const headers = { 'content-type': 'application/json' };
    const init = { method: route.method, ...('body' in body ? { headers } : {}), ...body };
    const aboutDrills = /\/drill/.test(route.path);
    const named = aboutDrills ? drill : route.path.startsWith('/v1/operations/') ? operation : params;
    const answer = await fetch(new URL(urlOf(route, named), pair.api.b.url), init);
    const contentType = answer.headers.get('content-type') ?? undefined;
    expectAsDocumented(route, { status: answer.status, contentType, body: await answer.text() });
    statuses.set(name, answer.status);
  }
  // What is not done: a notice of no worker, a rebuild of a copy without fault, a reconciliation of one that never failed over, the end of a link that is followed, an
  // operation that there is not, one whose plan is another one; a drill that is declared only behind these, and runs of it.
  const refused = [...statuses].filter(([, status]) => status >= 300);
  expect(Object.fromEntries(refused)).toEqual({
    'POST /v1/worker/faults': 400,
    'POST /v1/topics/:name/rebuild/plan': 409,
    'POST /v1/topics/:name/rebuild': 409,
    'POST /v1/topics/:name/reconciliation/plan': 409,
    'POST /v1/topics/:name/reconciliation': 409,
    'GET /v1/drills/:name': 404,
    'POST /v1/drills/:name/plan': 404,
    'POST /v1/drills/:name/runs': 404,
    'POST /v1/drills/:name/skip': 404,
    'POST /v1/drills/:name/approvals': 404,
    'GET /v1/drill-runs/:id': 404,
    'POST /v1/drill-runs/:id/abort': 404,
    'POST /v1/findings/:id/decision': 404,
    'GET /v1/operations/:id': 404,
    'POST /v1/operations': 409,
    'POST /v1/operations/:id/abort': 404,
    'POST /v1/operations/:id/release': 404,
    'DELETE /v1/spec/links/:id': 409,
  });
});

test('app may read the copies but not write them', async () => {
  await createTopic(sites.a.app, 'a_fenced');
  await produce(sites.a.app, 'a_fenced', ['one']);
  await pair.level('a_fenced');
  await expect(produce(sites.b.app, 'a_fenced', ['two'])).rejects.toMatchObject({ type: 'TOPIC_AUTHORIZATION_FAILED' });
  expect(await logEnds(sites.b.app, 'a_fenced')).toEqual([1n]);
});

test('after traffic both ways every log end stays where it is and nothing flows back', async () => {
  await createTopic(sites.a.app, 'a_quiet', { partitions: 2 });
  await createTopic(sites.b.app, 'b_quiet', { partitions: 2 });
  await Promise.all([produce(sites.a.app, 'a_quiet', ['1', '2', '3']), produce(sites.b.app, 'b_quiet', ['1', '2'])]);
  for (const topic of ['a_quiet', 'b_quiet']) await pair.level(topic);
  const ends = (): Promise<unknown> =>
    Promise.all([sites.a, sites.b].flatMap((site) => ['a_quiet', 'b_quiet'].map((topic) => logEnds(site.app, topic))));
  const before = await ends();
  expect(before).toEqual([
    [3n, 0n],
    [2n, 0n],
    [3n, 0n],
    [2n, 0n],
  ]);
  // Both links look for topics and foreign writes several times meanwhile; traffic on another topic proves they run.
  await createTopic(sites.a.app, 'a_proof');
  await produce(sites.a.app, 'a_proof', ['x']);
  await pair.level('a_proof');
  expect(await ends()).toEqual(before);
});

test('a topic of the other site that somebody made by hand is a violation, never copied and never overwritten', async () => {
  await createTopic(sites.a.admin, 'b_squatter');
  await produce(sites.a.admin, 'b_squatter', ['mine']);
  await createTopic(sites.b.app, 'b_squatter');
  await produce(sites.b.app, 'b_squatter', ['theirs', 'too']);
  const violation = await eventually('the violation is shown', async () =>
    (await pair.api.a.pair()).violations.find(({ topic }) => topic === 'b_squatter'),
  );
  expect(violation).toMatchObject({ site: 'a', kind: 'squatter' });
  const view = await pair.topic('b_squatter', ({ state }) => state === 'faulted');
  expect(view.fault).toMatchObject({ code: 'SHADOW_NOT_OURS' });
  expect(await logEnds(sites.a.admin, 'b_squatter')).toEqual([1n]);
});

test('a name without owner is a violation and is not copied', async () => {
  await createTopic(sites.a.admin, 'nobodys');
  await eventually('the violation is shown', async () =>
    (await pair.api.a.pair()).violations.find(({ topic, kind }) => topic === 'nobodys' && kind === 'unowned'),
  );
  expect((await pair.api.b.topics()).map(({ name }) => name)).not.toContain('nobodys');
});

test('a write of somebody else on an idle copy is found and faults that partition alone', async () => {
  await createTopic(sites.a.app, 'a_foreign', { partitions: 2 });
  await produce(sites.a.app, 'a_foreign', ['one', 'two']);
  await pair.level('a_foreign');
  await produce(sites.b.admin, 'a_foreign', ['alien']);
  const view = await pair.topic('a_foreign', ({ state }) => state === 'faulted');
  expect(view.partitionViews.map(({ state }) => state)).toEqual(['faulted', 'waiting']);
  expect(view.fault).toMatchObject({ code: 'FOREIGN_WRITE', message: expect.stringContaining('offset 2') as string });
  await createTopic(sites.a.app, 'a_unharmed');
  await produce(sites.a.app, 'a_unharmed', ['goes on']);
  await pair.level('a_unharmed');
});

test('a fault that means wrong bytes outlives a restart of the worker', async () => {
  await pair.kill('b');
  await pair.start('b');
  const view = await pair.topic('a_foreign', ({ state }) => state === 'faulted');
  expect(view.partitionViews[0]?.fault?.code).toBe('FOREIGN_WRITE');
});

test('the events tell who changed what and what umbra found, and outlive a worker that was killed', async () => {
  const { events, newest } = await eventually('the new lead has told of itself', async () => {
    const view = await pair.api.b.events({ limit: 1_000 });
    const leads = view.events.filter((event) => event.type === 'system' && event.kind === 'lead taken');
    return leads.length >= 2 ? view : undefined;
  });
  const ids = events.map(({ id }) => id);
  expect(ids).toEqual(ids.toSorted((left, right) => left - right));
  expect(newest).toBe(ids.at(-1));
  expect(new Set(ids).size).toBe(ids.length);
  const changes = events.filter((event) => event.type === 'change');
  expect(changes.map(({ subject, outcome, who }) => [subject, outcome, who]).slice(0, 3)).toEqual([
    ['prefix policy: a "a_", b "b_"', 'done', 'local'],
    ['schema primary: site a', 'done', 'local'],
    ['link a-b', 'done', 'local'],
  ]);
  // From the test that asked every route.
  expect(changes.filter(({ outcome }) => outcome === 'refused').map(({ code }) => code)).toContain('LINK_FOLLOWS');
  const told = (kind: string): string =>
    events.flatMap((event) => (event.type === 'system' && event.kind === kind ? event.message : [])).join('\n');
  expect(told('copies made')).toContain('a_foreign');
  expect(told('copies level')).toContain('a_foreign');
  expect(told('fault found')).toContain('a_foreign, partition 0: FOREIGN_WRITE');
  const { events: behind, missed } = await pair.api.b.events({ after: ids[1] ?? 0, limit: 2 });
  expect(behind.map(({ id }) => id)).toEqual(ids.slice(2, 4));
  expect(missed).toBe(false);
});

test('added partitions of the source are followed', async () => {
  await createTopic(sites.a.app, 'a_growing', { partitions: 1 });
  await produce(sites.a.app, 'a_growing', ['one']);
  await pair.level('a_growing');
  const admin = kafkajs(sites.a.admin).admin();
  await admin.connect();
  await admin.createPartitions({ topicPartitions: [{ topic: 'a_growing', count: 3 }] });
  await admin.disconnect();
  const producer = kafkajs(sites.a.app).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic: 'a_growing', messages: [{ partition: 2, value: 'in the new one' }] });
  await producer.disconnect();
  await pair.level('a_growing');
  expect(await logEnds(sites.b.app, 'a_growing')).toEqual([1n, 0n, 1n]);
});

test('a deleted source topic leaves its copy as it is; one created anew under the name is not written over it', async () => {
  await createTopic(sites.a.app, 'a_reborn');
  await produce(sites.a.app, 'a_reborn', ['first life']);
  await pair.level('a_reborn');
  const admin = kafkajs(sites.a.admin).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: ['a_reborn'] });
  await pair.topic('a_reborn', ({ state }) => state === 'orphaned');
  expect(await logEnds(sites.b.app, 'a_reborn')).toEqual([1n]);
  await createTopic(sites.a.app, 'a_reborn');
  await produce(sites.a.app, 'a_reborn', ['second life', 'and more']);
  const view = await pair.topic('a_reborn', ({ state }) => state === 'faulted');
  await admin.disconnect();
  expect(view.fault?.code).toBe('SOURCE_RECREATED');
  expect(await logEnds(sites.b.app, 'a_reborn')).toEqual([1n]);
});

test('a paused topic gets nothing while others go on, also from the next worker, and goes on where it stopped', async () => {
  const [paused, other] = ['a_pause', 'a_pause_not'];
  for (const topic of [paused, other]) {
    await createTopic(sites.a.app, topic);
    await produce(sites.a.app, topic, ['one', 'two']);
    await pair.level(topic);
  }
  const view = await pair.api.b.pauseTopic(paused);
  expect(view).toMatchObject({ state: 'paused', paused: { by: 'topic' } });
  expect(await pair.api.b.pauseTopic(paused)).toMatchObject({ paused: view.paused });
  for (const topic of [paused, other]) await produce(sites.a.app, topic, ['three']);
  await pair.level(other);
  // What was level is not called level for ever.
  const { lag } = await pair.topic(paused, ({ lag: { seconds } }) => seconds > 0);
  expect(lag.sampleAgeMs).toBeGreaterThan(0);
  await pair.kill('b');
  await pair.start('b');
  await pair.topic(paused, ({ state }) => state === 'paused');
  await pair.level(other);
  expect(await logEnds(sites.b.app, paused)).toEqual([2n]);
  await pair.api.b.resumeTopic(paused);
  await pair.level(paused);
  const report = await pair.verify([paused, other]);
  const written = (await recordsIn(sites.a.app, paused)) + (await recordsIn(sites.a.app, other));
  expect(report.totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, recordsEqual: written, behind: 0 });
  expect(await pair.api.b.resumeTopic(paused)).not.toHaveProperty('paused');
});

test('a paused link copies nothing and makes no copies; a topic that was paused by itself stays so when it goes on', async () => {
  const [alone, among, late] = ['a_link_alone', 'a_link_among', 'a_link_late'];
  for (const topic of [alone, among]) {
    await createTopic(sites.a.app, topic);
    await produce(sites.a.app, topic, ['one']);
    await pair.level(topic);
  }
  await pair.api.b.pauseTopic(alone);
  expect(await pair.api.b.pauseLink('a-b')).toMatchObject({ state: 'paused' });
  try {
    await createTopic(sites.a.app, late);
    for (const topic of [alone, among, late]) await produce(sites.a.app, topic, ['two']);
    await pair.topic(late, ({ state, paused }) => state === 'paused' && paused?.by === 'link');
    expect(await logEnds(sites.b.app, among)).toEqual([1n]);
    await expect(pair.api.b.planRebuild(among)).rejects.toMatchObject({ code: 'REBUILD_REFUSED' });
  } finally {
    await pair.api.b.resumeLink('a-b');
  }
  for (const topic of [among, late]) await pair.level(topic);
  expect(await logEnds(sites.b.app, alone)).toEqual([1n]);
  await pair.api.b.resumeTopic(alone);
  await pair.level(alone);
  await expect(pair.api.b.pauseTopic('a_unheard')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(pair.api.b.pauseLink('b-a')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
