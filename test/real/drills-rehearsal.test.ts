import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { EvidenceDocument } from '../../src/evidence/document.ts';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { phaseName } from '../../src/drill/script.ts';
import { rehearsalPrefix } from '../../src/prefix-policy/internal-names.ts';
import { LogReader, type RawBatch } from '../../src/replication/logs/log-reader.ts';
import { writeAndRead } from '../../src/rehearsal/restore-sample.ts';
import { commitPositions } from '../fixtures/commit-positions.ts';
import { atRest, begun, canariesMade, drillsIn, ended } from '../fixtures/drilled.ts';
import { journalSays } from '../fixtures/journal-watch.ts';
import { createTopic, deleteBefore, kafkajs, logEndsOf, logStart, produce } from '../fixtures/kafkajs.ts';
import { move } from '../fixtures/moves.ts';
import { movingSites } from '../fixtures/moving-sites.ts';
import { remainsAt } from '../fixtures/site-remains.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { transactInTurn } from '../fixtures/transactions.ts';
import { eventually } from '../fixtures/wait.ts';

const folder = testFolder('rehearsal');
const quarantine = join(folder, 'quarantine');
const moving = movingSites({
  drills: (clusters) => drillsIn(folder, clusters),
  quarantineFolder: (site) => join(quarantine, site),
});
const rehearsal = { level: 'L3', site: 'b' } as const;
type Site = 'a' | 'b';

/** Positions of a group at a site, by topic and partition; those that were never committed are left out. */
async function positionsAt(site: Site, group: string): Promise<Readonly<Record<string, string>>> {
  const admin = kafkajs(moving.clusters[site].connection('admin')).admin();
  await admin.connect();
  try {
    const topics = await admin.fetchOffsets({ groupId: group });
    return Object.fromEntries(
      topics.flatMap(({ topic, partitions }) =>
        partitions.flatMap(({ partition, offset }) => (offset === '-1' ? [] : [[`${topic}/${partition}`, offset]])),
      ),
    );
  } finally {
    await admin.disconnect();
  }
}

/** Commits it at the source as its application, for each of the groups, and waits until the link has brought it. */
async function committed(groups: readonly string[], topic: string, offsets: readonly bigint[]): Promise<void> {
  await commitPositions(moving.clusters.a.connection('app'), groups, topic, offsets);
  for (const group of groups) await arrived(group);
}

async function arrived(group: string): Promise<void> {
  const wanted = await positionsAt('a', group);
  await eventually(`${group} is level`, async () =>
    JSON.stringify(await positionsAt('b', group)) === JSON.stringify(wanted) ? true : undefined,
  );
}

function documentOf(run: string): EvidenceDocument {
  const place = join(folder, 'evidence', 'test', 'b');
  const name = readdirSync(place).find((each) => each.endsWith(`${run}.json`));
  return JSON.parse(readFileSync(join(place, name ?? ''), 'utf8')) as EvidenceDocument;
}

async function groupsOfRehearsals(): Promise<readonly string[]> {
  const { groups } = await remainsAt(moving.clusters.b);
  return groups.filter((group) => group.startsWith(rehearsalPrefix));
}

/** Log ends of everything that a rehearsal has no business with. */
async function ends(site: Site): Promise<ReadonlyMap<string, readonly bigint[]>> {
  const { topics } = await remainsAt(moving.clusters[site]);
  const still = topics.filter((topic) => !topic.startsWith('_') && !topic.includes('canary'));
  return logEndsOf(moving.clusters[site].connection('admin'), still);
}

async function batchesOf(topic: string): Promise<{ readonly topicId: string; readonly batches: readonly RawBatch[] }> {
  const cluster = new Cluster('b', clusterConfigSchema.parse(moving.clusters.b.connection('admin')), {
    clientId: 'test-sample',
  });
  try {
    const known = (await cluster.metadata([topic])).topics.get(topic);
    const log = new LogReader(cluster);
    const signal = AbortSignal.timeout(10_000);
    const { start, end } = await log.range(topic, 0, signal);
    const batches: RawBatch[] = [];
    for await (const batch of log.batches({ topic, partition: 0 }, { from: start, to: end }, signal))
      batches.push(batch);
    return { topicId: known?.topicId ?? '', batches };
  } finally {
    await cluster.close();
  }
}

test('a rehearsal reads every group’s records where it would go on, and leaves nothing', async () => {
  const { clusters, pair } = moving;
  const app = clusters.a.connection('app');
  await createTopic(app, 'a_orders', { partitions: 2 });
  await createTopic(app, 'a_ledger');
  await createTopic(app, 'a_trimmed');
  for (const value of ['one', 'two', 'three', 'four']) await produce(app, 'a_orders', [value, `${value} more`]);
  await transactInTurn(app, 'a_ledger', { fates: ['commit', 'abort', 'commit', 'abort'], records: 3 });
  await produce(
    app,
    'a_trimmed',
    Array.from({ length: 10 }, (_, index) => `record ${index}`),
  );
  await deleteBefore(clusters.a.connection('admin'), 'a_trimmed', 5);
  for (const topic of ['a_orders', 'a_ledger', 'a_trimmed']) await pair.level(topic);
  await eventually('the copy begins where its source does', async () =>
    (await logStart(clusters.b.connection('admin'), 'a_trimmed')) === 5n ? true : undefined,
  );
  await canariesMade(moving);
  await committed(['a_reader'], 'a_orders', [3n, 0n]);
  await committed(['a_books'], 'a_ledger', [1n]);
  await committed(['a_old'], 'a_trimmed', [2n]);
  await committed(['a_trimming'], 'a_trimmed', [7n]);

  const names = ['a_reader', 'a_books', 'a_old', 'a_trimming'];
  const seen = async (): Promise<object> => ({
    positions: await Promise.all(names.map((group) => positionsAt('b', group))),
    ends: [await ends('a'), await ends('b')],
    remains: (await Promise.all([remainsAt(clusters.a), remainsAt(clusters.b)])).map(({ topics, acls, groups }) => ({
      ...{ topics, acls, groups },
    })),
  });
  const before = await seen();
  const run = await ended(pair.api.b, await begun(pair.api.b, { ...rehearsal, name: 'rehearsal' }));
  process.stdout.write(`rehearsal: ${Date.parse(run.endedAt) - Date.parse(run.startedAt)} ms\n`);
  expect(run).toMatchObject({ verdict: 'PASSED', reasons: [] });
  expect(await seen()).toEqual(before);
  expect(readdirSync(folder)).not.toContain('quarantine');

  const { rehearsal: read, scope } = documentOf(run.id);
  const groups = new Map(read?.groups.map((each) => [each.group, each]));
  expect([...groups.keys()].toSorted()).toEqual(names.toSorted());
  expect(groups.get('a_reader')).toMatchObject({ partitions: 2, records: 5, again: 0, problems: [] });
  // Two of the first transaction, all of the third; of the aborted ones nobody is given any.
  expect(groups.get('a_books')).toMatchObject({ partitions: 1, records: 5, problems: [] });
  expect(groups.get('a_old')).toMatchObject({ records: 0, problems: [], notes: [expect.stringContaining('too (5)')] });
  expect(groups.get('a_trimming')).toMatchObject({ records: 3, problems: [] });
  expect(read?.restored).toMatchObject([{ kind: 'sample', result: 'intact' }]);
  expect(scope).toMatchObject({ links: ['a-b'], topics: ['a_ledger', 'a_orders', 'a_trimmed'], partitions: 5 });
}, 180_000);

test('a position above the end of the copy fails it, and is named', async () => {
  const { clusters, pair } = moving;
  await committed(['a_planted'], 'a_orders', [8n, 0n]);
  const consumer = kafkajs(clusters.b.connection('app')).consumer({ groupId: 'a_planted', maxWaitTimeInMs: 200 });
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: ['a_orders'] });
    // A consumer that goes on there commits that it has no position any more.
    consumer.on(consumer.events.GROUP_JOIN, () => {
      consumer.pause([{ topic: 'a_orders' }]);
    });
    await consumer.run({ autoCommit: false, eachMessage: () => Promise.resolve() });
    // With a member the link leaves its positions alone.
    await eventually('it is committed', async () => {
      await consumer.commitOffsets([{ topic: 'a_orders', partition: 0, offset: '108' }]);
      return (await positionsAt('b', 'a_planted'))['a_orders/0'] === '108' ? true : undefined;
    });
    const run = await ended(
      pair.api.b,
      await begun(pair.api.b, { ...rehearsal, name: 'planted', topics: ['a_orders'] }),
    );
    expect(run.verdict).toBe('FAILED');
    expect(run.reasons).toEqual([expect.stringMatching(/^group a_planted: the position 108 on a_orders\/0 is above/)]);
    expect(documentOf(run.id).findings).toMatchObject([{ id: 'planted-result', severity: 'major' }]);
  } finally {
    await consumer.disconnect();
  }
  expect(await groupsOfRehearsals()).toEqual([]);
  await arrived('a_planted');
}, 120_000);

test('a quarantine with one byte changed fails it, and is named; one beside it is read whole', async () => {
  const { pair } = moving;
  const { topicId, batches } = await batchesOf('a_orders');
  const sample = { ...{ pair: 'test', link: 'a-b', version: '0', partition: 0, topic: 'a_orders', topicId, batches } };
  const at = join(quarantine, 'b');
  for (const [index, planHash] of ['ab'.repeat(32), 'cd'.repeat(32)].entries()) {
    const now = new Date(Date.UTC(2026, 0, 1 + index));
    const source = { run: '', folder: at, topics: ['a_orders'], planHash, now };
    expect(await writeAndRead(at, { ...sample, ...source }, AbortSignal.timeout(10_000))).toMatchObject({
      result: 'intact',
    });
  }
  const [older = '', newer = ''] = readdirSync(at).toSorted();
  const file = join(at, newer, 'partition-0', '00000000000000000000.log');
  const bytes = readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(70) ^ 1, 70);
  writeFileSync(file, bytes);
  const run = await ended(pair.api.b, await begun(pair.api.b, { ...rehearsal, name: 'damaged' }));
  expect(run.verdict).toBe('FAILED');
  expect(run.reasons).toEqual([expect.stringContaining(`quarantine ${newer}: `)]);
  expect(documentOf(run.id).rehearsal?.restored).toMatchObject([
    { kind: 'quarantine', name: newer, result: 'damaged' },
    { kind: 'quarantine', name: older, result: 'intact' },
  ]);
  bytes.writeUInt8(bytes.readUInt8(70) ^ 1, 70);
  writeFileSync(file, bytes);
}, 120_000);

const groupsOfLongRehearsal = 24;
/** OffsetFetch. */
const offsetFetchKey = 9;

/** As soon as its groups are there. */
async function rehearsing(name: string): Promise<string> {
  const { clusters, pair } = moving;
  const id = await begun(pair.api.b, { ...rehearsal, name });
  await journalSays(clusters.b.connection('umbra'), `${id} rehearses`, ({ drills }) => {
    const run = drills.run(id);
    const phase = run?.script.phases[run.at];
    return phase !== undefined && phaseName(phase) === 'rehearse';
  });
  return id;
}

test('a controller that is killed in the middle of it is followed by one that ends it, with no group left', async () => {
  const { pair, clusters } = moving;
  // They are read a few at a time, so that it is not over before it is seen.
  const many = Array.from({ length: groupsOfLongRehearsal }, (_, index) => `a_many_${index}`);
  await committed(many, 'a_orders', [0n, 0n]);
  const admin = kafkajs(clusters.b.connection('admin')).admin();
  await admin.connect();
  const id = await rehearsing('killed');
  try {
    await eventually('its groups are there', async () => {
      const { groups } = await admin.listGroups();
      return groups.some(({ groupId }) => groupId.startsWith(rehearsalPrefix)) ? true : undefined;
    });
    await pair.kill('b');
    expect(await groupsOfRehearsals()).not.toEqual([]);
  } finally {
    await admin.disconnect();
    await pair.start('b');
  }
  const run = await ended(pair.api.b, id);
  expect(run).toMatchObject({ verdict: 'PASSED', reasons: [] });
  expect(await groupsOfRehearsals()).toEqual([]);
}, 120_000);

test('a move that somebody confirms does not wait for it and ends it; what the move has cut is read back later', async () => {
  const { pair } = moving;
  await atRest(moving);
  await pair.level('a_orders');
  const request = { kind: 'switchover' as const, topics: ['a_orders'] };
  // It asks for the positions at the source before it reads, and the move does at its end: neither is over before it gives way.
  moving.between.a.set({ onRequest: ({ apiKey }) => ({ kind: apiKey === offsetFetchKey ? 'hold' : 'pass' }) });
  onTestFinished(() => moving.between.a.set({}));
  const plan = await pair.api.b.planMove(request);
  expect(plan.blockers).toEqual([]);
  const id = await rehearsing('gives-way');
  const begins = pair.api.b.beginMove(request, plan.hash);
  await eventually('it gives way', async () => {
    const now = await pair.api.b.drills.run(id);
    return now.kind === 'over' || now.run.abort !== undefined || undefined;
  });
  moving.between.a.set({});
  const { id: operation } = await begins;
  await eventually(
    'the move is done',
    async () => (await pair.api.b.operation(operation)).step.kind === 'done' || undefined,
  );
  const run = await ended(pair.api.b, id);
  expect(run.verdict).toBe('INTERRUPTED');
  expect(run.reasons).toEqual([expect.stringMatching(/^real incident: /)]);
  expect(await groupsOfRehearsals()).toEqual([]);
  await atRest(moving, ['a_orders']);
  await move(pair.api.a, { kind: 'switchover', topics: ['a_orders'] });
  await atRest(moving);
  const later = await ended(pair.api.b, await begun(pair.api.b, { ...rehearsal, name: 'later' }));
  expect(later).toMatchObject({ verdict: 'PASSED', reasons: [] });
  expect(documentOf(later.id).rehearsal?.restored).toContainEqual(
    expect.objectContaining({ kind: 'cut', name: expect.stringMatching(/^a_orders /) as string, result: 'intact' }),
  );
}, 180_000);
