import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { startCanaryReader } from '../../src/canary/canary-reader.ts';
import { canaryKey, encodeCanary, hashOf } from '../../src/canary/canary-record.ts';
import { canaryPartitions, canaryTopicConfigs, canaryTopicName } from '../../src/canary/canary-topic.ts';
import { startCanaryWriter } from '../../src/canary/canary-writer.ts';
import { gapsOf } from '../../src/canary/gaps.ts';
import { judgeCanaries } from '../../src/canary/judge-canaries.ts';
import { openLedger } from '../../src/canary/ledger/canary-ledger.ts';
import { folderPlace } from '../../src/canary/ledger/folder-place.ts';
import type { LedgerEntry } from '../../src/canary/ledger/ledger-entry.ts';
import { readLedger } from '../../src/canary/ledger/read-ledger.ts';
import { readCanaryLog } from '../../src/canary/read-log.ts';
import { watchPrimaries } from '../../src/cli/primary-watch.ts';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { otherSite, type SiteId } from '../../src/pair/site.ts';
import { startCanaryChild } from '../fixtures/canary-child.ts';
import { wishesKnown } from '../fixtures/journal-watch.ts';
import { createTopic, kafkajs } from '../fixtures/kafkajs.ts';
import { move } from '../fixtures/moves.ts';
import { movingSites } from '../fixtures/moving-sites.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { eventually } from '../fixtures/wait.ts';

const moving = movingSites();
const topics = {
  a: { name: canaryTopicName('a_', 1), link: 'a-b', partitions: canaryPartitions },
  b: { name: canaryTopicName('b_', 1), link: 'b-a', partitions: canaryPartitions },
} as const;
const rate = 5;

type Acked = Extract<LedgerEntry, { kind: 'acked' }>;

test('observers write on through a move and home again, each record stands once, and the gaps are known', async () => {
  const { clusters, pair } = moving;
  const folder = testFolder('canaries');
  const ledgerFolder = join(folder, 'ledger');
  const app = { a: clusters.a.connection('app'), b: clusters.b.connection('app') };
  const sites = { a: clusterConfigSchema.parse(app.a), b: clusterConfigSchema.parse(app.b) };
  const options = { partitions: canaryPartitions, configs: canaryTopicConfigs };
  for (const site of ['a', 'b'] as const) await createTopic(app[site], topics[site].name, options);
  for (const site of ['a', 'b'] as const) await pair.level(topics[site].name, 120_000);

  const clock = { monotonicMs: () => performance.now(), now: () => new Date() };
  const logger = pino({ level: 'silent' });
  const ledger = openLedger({ place: folderPlace(ledgerFolder), pair: 'test', vantage: 'a', life: 'life-at-a', clock });
  const primaries = watchPrimaries({
    ...{ workers: [pair.api.a, pair.api.b], topics: () => Object.values(topics).map(({ name }) => name) },
    troubled: () => true,
  });
  const shared = {
    ...{ pair: 'test', vantage: 'a', sites, clock, logger, primaryOf: primaries.primaryOf },
    topics: () => Object.values(topics),
  };
  const writer = startCanaryWriter({ ...shared, ledger, rate: () => rate });
  const reader = startCanaryReader(shared);
  const child = { folder, clusters: app, workers: Object.values(pair.urls), ledgerFolder, rate, vantage: 'outside' };
  const first = startCanaryChild(child);
  onTestFinished(async () => {
    await Promise.all([writer.stop(), reader.stop(), primaries.stop(), first.end('SIGKILL')]);
  });

  const entriesNow = async (): Promise<readonly LedgerEntry[]> => {
    const { entries, problems } = await readLedger(ledgerFolder, { since: 0 });
    expect(problems).toEqual([]);
    return entries;
  };
  /** Of the topic that moves. */
  const ackedBy = async (site: SiteId, vantage: string, sinceMs: number): Promise<readonly Acked[]> =>
    (await entriesNow()).filter(
      (entry): entry is Acked =>
        entry.kind === 'acked' &&
        entry.site === site &&
        entry.vantage === vantage &&
        entry.topic === topics.a.name &&
        entry.at > sinceMs,
    );
  const written = (site: SiteId, vantage: string, sinceMs: number): Promise<true> =>
    eventually(`${vantage} writes at ${site}: ${first.output}`, async () => {
      const acked = await ackedBy(site, vantage, sinceMs);
      return new Set(acked.map(({ partition }) => partition)).size === canaryPartitions && acked.length > 10
        ? true
        : undefined;
    });
  for (const vantage of ['a', 'outside']) await written('a', vantage, 0);

  let stopSecond = (): Promise<number | string> => Promise.resolve('never begun');
  for (const to of ['b', 'a'] as const) {
    const from = otherSite(to);
    await eventually(`site ${to} follows`, async () => {
      const { state } = await pair.api[to].topic(topics.a.name);
      return state === 'following' ? true : undefined;
    });
    await wishesKnown(clusters[to].connection('umbra'), [topics.a.name]);
    const decidedMs = Date.now();
    const { operation } = await move(pair.api[to], { kind: 'switchover', topics: [topics.a.name] });
    expect(operation.step).toEqual({ kind: 'done', remarks: [] });
    for (const vantage of ['a', 'outside']) await written(to, vantage, decidedMs);
    const gaps = gapsOf(await entriesNow(), { from: decidedMs - 1_000, until: Date.now() });
    for (const vantage of ['a', 'outside']) {
      const moved = gaps.find((gap) => gap.vantage === vantage && gap.link === 'a-b');
      expect(moved).toMatchObject({ before: from, after: to });
      process.stdout.write(`canaries: to ${to}: ${vantage} had no write for ${Math.round(moved?.gapMs ?? 0)} ms\n`);
    }
    // What moved was one topic: of the other one nobody else has acknowledged anything.
    const stayed = (await entriesNow()).filter(
      (entry): entry is Acked => entry.kind === 'acked' && entry.link === 'b-a' && entry.at > decidedMs - 1_000,
    );
    const answered = new Set(stayed.map(({ vantage, site }) => `${vantage} by ${site}`));
    expect(answered).toEqual(new Set(['a by b', 'outside by b']));
    const [read] = reader.gaps({ from: decidedMs - 1_000, until: Date.now() }).filter(({ link }) => link === 'a-b');
    process.stdout.write(`canaries: to ${to}: nothing was read for ${Math.round(read?.gapMs ?? 0)} ms\n`);
    if (to === 'b') {
      // What it was told stays readable, and another life of it goes on.
      expect(await first.end('SIGKILL')).toBe('SIGKILL');
      expect((await entriesNow()).some(({ vantage }) => vantage === 'outside')).toBe(true);
      const second = startCanaryChild(child);
      onTestFinished(async () => {
        await second.end('SIGKILL');
      });
      await written('b', 'outside', Date.now());
      stopSecond = () => second.end('SIGTERM');
    }
  }
  expect(await stopSecond()).toBe(0);
  await Promise.all([writer.stop(), reader.stop()]);
  await ledger.close();

  for (const site of ['a', 'b'] as const) await pair.level(topics[site].name, 90_000);
  const logs = [...(await readCanaryLog(sites.a, topics.a.name)), ...(await readCanaryLog(sites.b, topics.b.name))];
  const copies = await readCanaryLog(sites.b, topics.a.name);
  const entries = await entriesNow();
  const judged = judgeCanaries({ entries, logs });
  expect(judged.problems).toEqual([]);
  const { acked, once } = judged.counts;
  expect(once).toBe(acked);
  expect(new Set(entries.map(({ life }) => life)).size).toBe(3);
  expect(judgeCanaries({ entries: entries.filter(({ link }) => link === 'a-b'), logs: copies }).problems).toEqual([]);
  const unanswered = entries.filter(({ kind }) => kind === 'unanswered').length;
  const refused = entries.filter(({ kind }) => kind === 'refused').length;
  process.stdout.write(
    `canaries: ${acked} acknowledged, ${refused} refused, ${unanswered} unanswered, each stands once\n`,
  );

  // A stranger writes what only the observer at a can have written.
  const id = { vantage: 'a', life: 'life-at-a', partition: 1, sequence: 1_000_000 };
  const ghost = encodeCanary({ pair: 'test', link: 'a-b', term: 2, ...id, wallMs: 0, monoMs: 0, previous: hashOf('') });
  const producer = kafkajs(app.a).producer();
  await producer.connect();
  await producer.send({ topic: topics.a.name, messages: [{ partition: 1, key: canaryKey(id), value: ghost }] });
  await producer.disconnect();
  const haunted = judgeCanaries({
    entries,
    logs: [...(await readCanaryLog(sites.a, topics.a.name)), ...logs.slice(3)],
  });
  expect(haunted.problems.map(({ kind, sequence }) => [kind, sequence])).toEqual([['ghost', 1_000_000]]);
}, 400_000);
