import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import type { Io } from '../../src/cli/io.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { deleteTopicById } from '../../src/kafka/topic-admin.ts';
import { quarantineName } from '../../src/quarantine/manifest.ts';
import { verifyQuarantine } from '../../src/quarantine/verify-quarantine.ts';
import { dropCopy } from '../../src/worker/rebuild/drop-copy.ts';
import type { RebuildRecord } from '../../src/worker/rebuild/rebuild-record.ts';
import type { RebuildPlan, RebuildView } from '../../src/worker/rebuild/rebuild-view.ts';
import { writeQuarantine } from '../../src/worker/rebuild/write-quarantine.ts';
import { SiteState } from '../../src/worker/state/state.ts';
import { StateWriter } from '../../src/worker/state/state-writer.ts';
import { commitPositions } from '../fixtures/commit-positions.ts';
import { createTopic, createTopics, kafkajs, logEnds, produce } from '../fixtures/kafkajs.ts';
import { following, startPair, type TestPair } from '../fixtures/pair.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { eventually } from '../fixtures/wait.ts';

const sites = sharedSites();
let pair: TestPair;
let clusters: Readonly<Record<'a' | 'b', Cluster>>;

beforeAll(async () => {
  pair = await startPair({ clusters: { a: sites.a.umbra, b: sites.b.umbra } });
  const connect = (site: 'a' | 'b'): Cluster =>
    new Cluster(`site ${site}`, clusterConfigSchema.parse(sites[site].umbra), { clientId: 'test-rebuild' });
  clusters = { a: connect('a'), b: connect('b') };
});

afterAll(async () => {
  await Promise.all([clusters.a.close(), clusters.b.close()]);
  await pair.remove();
});

const bounded = (): AbortSignal => AbortSignal.timeout(60_000);

async function umbra(
  args: readonly string[],
  answer?: string,
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const said = { out: '', err: '' };
  const io: Io = {
    out: (line) => (said.out += `${line}\n`),
    err: (line) => (said.err += `${line}\n`),
    // Where a rebuild that took too long had got to, and when.
    progress: (line) => (said.err += `${new Date().toISOString()} ${line}\n`),
    ...(answer === undefined ? {} : { ask: () => Promise.resolve(answer) }),
    colour: false,
    cwd: testFolder('cli'),
    env: { UMBRA_DEBUG: '1' },
  };
  return { code: await runCli(['--api', pair.api.b.url, ...args], io, AbortSignal.timeout(110_000)), ...said };
}

/** Copies of two records at offsets 0 and 1 in partition 0, with foreign records behind them. */
async function diverged(topics: readonly string[], foreign: readonly string[]): Promise<void> {
  await createTopics(sites.a.app, topics, { partitions: 2 });
  for (const topic of topics) await produce(sites.a.app, topic, ['one', 'two']);
  for (const topic of topics) await pair.level(topic);
  for (const topic of topics) await produce(sites.b.admin, topic, foreign);
  for (const topic of topics) await pair.topic(topic, ({ state }) => state === 'faulted');
}

async function plan(topic: string): Promise<RebuildPlan> {
  await pair.api.b.planRebuild(topic, bounded());
  return eventually('the plan is made', async () => {
    const view = await pair.api.b.rebuild(topic, bounded());
    if (view.step === 'stopped') throw new Error(view.reason);
    return view.step === 'planned' ? view.plan : undefined;
  });
}

/** The journal's record as the worker writes it when this plan is confirmed. */
function recordOf({ hash, folder, link, faults, topic, ...ids }: RebuildPlan): RebuildRecord {
  return {
    ...{
      topic,
      link,
      planHash: hash,
      folder,
      faults,
      name: quarantineName(topic, hash, new Date()),
      startedAt: '2026-01-02T03:04:05.000Z',
    },
    ...{ copyTopicId: ids.copyTopicId, copiedTopicId: ids.copiedTopicId, sourceTopicId: ids.sourceTopicId },
    step: { kind: 'quarantining' },
  };
}

function quarantine(record: RebuildRecord): ReturnType<typeof writeQuarantine> {
  const sides = { source: clusters.a, target: clusters.b };
  const context = { sides, pair: 'test', version: '0.1.0', now: () => new Date() };
  return writeQuarantine(context, record, { signal: bounded(), onPartition: () => undefined });
}

function ended(topic: string): Promise<Extract<RebuildView, { step: 'done' | 'stopped' }>> {
  return eventually(
    'the rebuild came to its end',
    async () => {
      const view = await pair.api.b.rebuild(topic, bounded());
      return view.step === 'done' || view.step === 'stopped' ? view : undefined;
    },
    60_000,
  );
}

async function expectEqual(topic: string): Promise<void> {
  await pair.topic(topic, following);
  expect((await pair.verify([topic])).totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, behind: 0 });
}

test(
  'a copy with foreign records is planned, confirmed, quarantined, made anew and equal',
  { timeout: 180_000 },
  async () => {
    const topic = 'a_rebuild';
    await diverged([topic], ['alien one', 'alien two']);
    await commitPositions(sites.b.admin, ['a_readers'], topic, [1n]);
    await commitPositions(sites.b.admin, ['a_misled'], topic, [4n]);
    const admin = kafkajs(sites.b.admin).admin();
    await admin.connect();
    await produce(sites.a.app, topic, ['three', 'four', 'five']);

    const shown = await umbra(['rebuild', topic, '--plan']);
    expect(shown.code, shown.err).toBe(0);
    expect(shown.out).toContain('FOREIGN_WRITE');
    expect(shown.out).toMatch(/2 records that only the copy holds go to files/);
    expect(shown.out).toContain('2 consumer groups committed positions');

    expect(await umbra(['rebuild', topic])).toMatchObject({
      code: 5,
      err: expect.stringContaining('nobody is there') as string,
    });
    expect(await umbra(['rebuild', topic], 'yes')).toMatchObject({
      code: 5,
      err: expect.stringContaining('not confirmed') as string,
    });
    const wrong = await umbra(['rebuild', topic, '--confirm', 'f'.repeat(64)]);
    expect(wrong).toMatchObject({ code: 5, err: expect.stringContaining('nothing was touched') as string });
    expect(await logEnds(sites.b.app, topic)).toEqual([4n, 0n]);

    const done = await umbra(['rebuild', topic], topic);
    expect(done.code, done.err).toBe(0);
    const view = await ended(topic);
    if (view.step !== 'done') throw new Error(view.reason);
    expect(view.remarks).toEqual([expect.stringMatching(/group a_misled stood at offset 4 .* put back to 2/)]);
    await expectEqual(topic);
    expect(await logEnds(sites.b.app, topic)).toEqual([5n, 0n]);

    const { problems, manifest } = await verifyQuarantine(view.quarantine);
    expect(problems).toEqual([]);
    expect(manifest?.partitions[0]).toMatchObject({
      forkOffset: '2',
      recordsOnlyHere: 2,
      firstOffset: '2',
      lastOffset: '3',
    });
    const records = await umbra(['quarantine', 'show', view.quarantine]);
    expect(
      records.out
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
    ).toMatchObject([
      { partition: 0, offset: '2', value: { utf8: 'alien one' }, onlyHere: true },
      { partition: 0, offset: '3', value: { utf8: 'alien two' }, onlyHere: true },
    ]);
    expect((await umbra(['quarantine', 'verify', view.quarantine])).code).toBe(0);

    const positionOf = async (groupId: string): Promise<string | undefined> => {
      const [position] = await admin.fetchOffsets({ groupId, topics: [topic] });
      return position?.partitions.find(({ partition }) => partition === 0)?.offset;
    };
    expect(await positionOf('a_readers')).toBe('1');
    // It has read foreign records at offsets 2 and 3: those of the source are still before it.
    expect(await positionOf('a_misled')).toBe('2');
    await admin.disconnect();
  },
);

test('all of a copy whose source was created anew goes to the files', async () => {
  const topic = 'a_rebuild_recreated';
  await createTopic(sites.a.app, topic);
  await produce(sites.a.app, topic, ['first life', 'same']);
  await pair.topic(topic, following);
  const admin = kafkajs(sites.a.admin).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [topic] });
  await pair.topic(topic, ({ state }) => state === 'orphaned');
  await createTopic(sites.a.app, topic);
  await admin.disconnect();
  await produce(sites.a.app, topic, ['second life', 'same', 'more']);
  await pair.topic(topic, ({ state, fault }) => state === 'faulted' && fault?.code === 'SOURCE_RECREATED');
  const { hash, partitions } = await plan(topic);
  expect(partitions).toMatchObject([{ quarantined: { recordsOnlyHere: 2, firstOffset: '0' } }]);
  await pair.api.b.executeRebuild(topic, hash, bounded());
  const view = await ended(topic);
  expect(view.step).toBe('done');
  expect((await verifyQuarantine(view.quarantine ?? '')).problems).toEqual([]);
  await expectEqual(topic);
  expect(await logEnds(sites.b.app, topic)).toEqual([3n]);
});

describe('a worker that dies', () => {
  /** As the worker that leads has it; takes the writing over from whoever it was. */
  const state = async (): Promise<SiteState> => {
    const writer = new StateWriter(clusters.b, '_umbra', 'umbra-controller');
    await writer.take(bounded());
    const taken = new SiteState(clusters.b, writer);
    await taken.catchUp(bounded());
    return taken;
  };

  /** What a worker finds that was killed when `left` had been done. */
  const crashes: Readonly<Record<string, (record: RebuildRecord) => Promise<RebuildRecord>>> = {
    'while it wrote the files': async (record) => {
      const partial = join(record.folder, `${record.name}.01234567.partial`, 'partition-0');
      await mkdir(partial, { recursive: true });
      await writeFile(join(partial, '00000000000000000002.log'), 'half');
      return record;
    },
    'before it noted that the files are complete': async (record) => {
      await quarantine(record);
      return record;
    },
    'before it deleted the copy': async (record) => {
      const { manifestSha256 } = await quarantine(record);
      return { ...record, step: { kind: 'deleting', manifestSha256 } };
    },
    'before it noted that the copy is gone': async (record) => {
      const { manifestSha256 } = await quarantine(record);
      await deleteTopicById(clusters.b, record.copyTopicId);
      return { ...record, step: { kind: 'deleting', manifestSha256 } };
    },
    'before it noted that the copy is gone, and comes back without the quarantine folder': async (record) => {
      const { manifestSha256 } = await quarantine(record);
      await deleteTopicById(clusters.b, record.copyTopicId);
      await rename(join(record.folder, record.name), join(record.folder, `away.${record.name}`));
      return { ...record, step: { kind: 'deleting', manifestSha256 } };
    },
    'while it seeded': async (record) => {
      const { manifestSha256 } = await quarantine(record);
      await deleteTopicById(clusters.b, record.copyTopicId);
      return { ...record, step: { kind: 'seeding', manifestSha256 } };
    },
  };

  const all = Object.entries(crashes).map(([when, leave], number) => ({
    ...{ when, leave },
    topic: `a_rebuild_crash_${number}`,
  }));
  const [killed, written] = ['a_rebuild_killed', 'a_rebuild_late_write'];
  /** By topic, as the worker that was killed left it. */
  const left = new Map<string, RebuildRecord>();

  // One death and one successor for all of them: each copy has its own record in the journal.
  beforeAll(async () => {
    const topics = [...all.map(({ topic }) => topic), written, killed];
    await diverged(topics, ['alien']);
    const planned = new Map<string, RebuildPlan>();
    for (const topic of topics) planned.set(topic, await plan(topic));
    await pair.api.b.executeRebuild(killed, planned.get(killed)!.hash, bounded());
    await pair.kill('b');
    for (const { topic, leave } of all) left.set(topic, await leave(recordOf(planned.get(topic)!)));
    const record = recordOf(planned.get(written)!);
    const { manifestSha256 } = await quarantine(record);
    await produce(sites.b.admin, written, ['late alien']);
    left.set(written, { ...record, step: { kind: 'deleting', manifestSha256 } });
    const journal = await state();
    for (const each of left.values()) await journal.putRebuild(each, bounded());
    await pair.start('b');
  }, 180_000);

  test.each(all)('$when comes to the same end', async ({ when, topic }) => {
    const view = await ended(topic);
    if (view.step !== 'done') throw new Error(view.reason);
    const { folder, name } = left.get(topic)!;
    if (when.includes('without')) await rename(join(folder, `away.${name}`), view.quarantine);
    const { problems, manifest } = await verifyQuarantine(view.quarantine);
    expect(problems).toEqual([]);
    expect(manifest?.partitions[0]).toMatchObject({ recordsOnlyHere: 1 });
    await expectEqual(topic);
  });

  test('as soon as it was confirmed comes to the same end', async () => {
    const view = await ended(killed);
    expect(view.step).toBe('done');
    await expectEqual(killed);
  });

  test('and finds that somebody wrote after the files were complete leaves the copy as it is', async () => {
    const view = await ended(written);
    expect(view).toMatchObject({ step: 'stopped', reason: expect.stringContaining('still writes') as string });
    expect(await logEnds(sites.b.app, written)).toEqual([4n, 0n]);
    await pair.topic(written, ({ state: at }) => at === 'faulted');
  });
});

test('a rebuilt copy goes on copying and outlives a restart without its old fault', async () => {
  // The worker died and came back since it was rebuilt.
  await produce(sites.a.app, 'a_rebuild', ['six']);
  await eventually('the new record arrives', async () =>
    (await logEnds(sites.b.app, 'a_rebuild'))[0] === 6n ? true : undefined,
  );
  await expectEqual('a_rebuild');
  expect((await pair.api.b.topic('a_rebuild')).rebuild).toMatchObject({ step: 'done' });
});

test('a worker whose lease ran out right before the deletion deletes nothing', async () => {
  const topic = 'a_rebuild_frozen';
  await diverged([topic], ['alien']);
  const record = recordOf(await plan(topic));
  const { manifest } = await quarantine(record);
  const lease = { ours: () => Promise.resolve(true), maySend: () => false, lost: new AbortController().signal };
  const sides = { source: clusters.a, target: clusters.b };
  const ports = { sides, mayCopy: () => true, lease, onSending: () => undefined, signal: bounded() };
  const drop = dropCopy(ports, record, () => Promise.resolve(manifest));
  await expect(drop).rejects.toThrow('it had become too late');
  expect(await logEnds(sites.b.app, topic)).toEqual([3n, 0n]);
});

describe('refused', () => {
  test('a topic that is not faulted, one that nobody copies, a plan that is not the newest', async () => {
    await createTopic(sites.a.app, 'a_rebuild_sound');
    await pair.topic('a_rebuild_sound', following);
    await expect(pair.api.b.planRebuild('a_rebuild_sound')).rejects.toMatchObject({
      code: 'REBUILD_REFUSED',
      message: expect.stringContaining('not faulted') as string,
    });
    await expect(pair.api.b.planRebuild('a_rebuild_nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(pair.api.b.executeRebuild('a_rebuild_sound', '0'.repeat(64))).rejects.toMatchObject({
      code: 'PLAN_CHANGED',
    });
  });

  test('a topic of that name which the link did not make', async () => {
    await createTopic(sites.b.admin, 'a_rebuild_squatter');
    await produce(sites.b.admin, 'a_rebuild_squatter', ['mine']);
    await createTopic(sites.a.app, 'a_rebuild_squatter');
    await pair.topic('a_rebuild_squatter', ({ state }) => state === 'faulted');
    await expect(pair.api.b.planRebuild('a_rebuild_squatter')).rejects.toMatchObject({
      code: 'REBUILD_REFUSED',
      message: expect.stringContaining('no copy of ours') as string,
    });
    expect(await logEnds(sites.b.admin, 'a_rebuild_squatter')).toEqual([1n]);
  });

  test('a plan that somebody wrote behind: the copy is as it was, and the new plan has both records', async () => {
    const topic = 'a_rebuild_changed';
    await diverged([topic], ['alien']);
    const { hash } = await plan(topic);
    await produce(sites.b.admin, topic, ['another alien']);
    await pair.api.b.executeRebuild(topic, hash, bounded());
    expect(await ended(topic)).toMatchObject({ step: 'stopped', reason: expect.stringContaining('changed') as string });
    expect(await logEnds(sites.b.app, topic)).toEqual([4n, 0n]);
    await pair.topic(topic, ({ state }) => state === 'faulted');
    expect((await plan(topic)).partitions[0]?.quarantined.recordsOnlyHere).toBe(2);
  });
});
