import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { otherSite, type SiteId, sites } from '../../src/pair/site.ts';
import { type VerifyReport } from '../../src/worker/verify-report.ts';
import { testOwners } from '../fixtures/brokers.ts';
import { startTestCluster, type TestCluster } from '../fixtures/cluster.ts';
import { type ConsumeJob, javaConsume } from '../fixtures/java-client.ts';
import { createTopic, logEnds, logStart, produce } from '../fixtures/kafkajs.ts';
import { startPair, type TestPair } from '../fixtures/pair.ts';
import { cleanedOften, makeStrangeTopics, send, strangeTopics } from '../fixtures/strange-topics.ts';
import { abortAbandoned, transact, transactionalProducer } from '../fixtures/transactions.ts';
import { eventually } from '../fixtures/wait.ts';

/** Every pair is copied both ways. `UMBRA_MATRIX=all` adds the rest of docs/versions.md. */
const always = [{ a: '4.3.1', b: '3.9.2' }];
const more = [
  { a: '3.3.2', b: '4.3.1' },
  { a: '4.3.1', b: '4.3.1' },
  { a: '3.9.2', b: '3.9.2' },
  { a: '3.3.2', b: '3.9.2' },
  { a: '3.5.2', b: '4.3.1' },
  { a: '3.7.2', b: '4.3.1' },
];
const matrix = process.env['UMBRA_MATRIX'] === 'all' ? [...always, ...more] : always;

/** How long a transaction hangs at least. `HANG_SECONDS=180` is the long version. */
const hangMs = 1_000 * Number(process.env['HANG_SECONDS'] ?? '1');
/** How often a coordinator looks for transactions that are over their time (default 10 s), and the cleaner comes by. */
const brokerSettings = {
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '250',
  'log.cleaner.backoff.ms': '250',
};

describe.each(matrix)('between Kafka $a and $b', (versions) => {
  let clusters: Readonly<Record<SiteId, TestCluster>>;
  let pair: TestPair;

  beforeAll(async () => {
    const start = (site: SiteId): Promise<TestCluster> =>
      startTestCluster({ name: site, version: versions[site], security: 'none', brokerSettings });
    const [a, b] = await Promise.all([start('a'), start('b')]);
    clusters = { a, b };
    await Promise.all(sites.map((site) => makeStrangeTopics(app(site), testOwners[site], versions[site])));
    pair = await startPair({ clusters: { a: a.connection('umbra'), b: b.connection('umbra') } });
  }, 900_000);

  afterAll(async () => {
    await pair.abandon();
    await Promise.all(sites.map((site) => clusters[site].remove()));
  });

  const app = (site: SiteId): ReturnType<TestCluster['connection']> => clusters[site].connection('app');

  test('every strange topic is copied both ways, and the logs are equal', async () => {
    const names = sites.flatMap((site) => strangeTopics.map(({ name }) => `${testOwners[site]}${name}`));
    await Promise.all(names.map((name) => pair.level(name, 180_000)));
    const report = await pair.verify();
    expect(report.topics.map(({ topic }) => topic).toSorted()).toEqual(names.toSorted());
    expect(differences(report)).toEqual([]);
    const starts = report.topics.filter(({ topic }) => topic.endsWith('ten_million'));
    expect(starts.map(({ partitions }) => partitions[0]?.sourceStart)).toEqual(['10000000', '10000000']);
  }, 300_000);

  test.each(sites)(
    'who reads the copies of site %s sees what is promised',
    async (home) => {
      const jobs = strangeTopics.flatMap(({ name, view }): { source: ConsumeJob; copy: ConsumeJob }[] => {
        const topic = `${testOwners[home]}${name}`;
        const committed = { topic, isolation: 'read_committed' as const };
        const everything = { topic, isolation: 'read_uncommitted' as const };
        return [
          { source: committed, copy: committed },
          { source: view === 'committed' ? committed : everything, copy: everything },
        ];
      });
      const [atSource, atCopy] = await Promise.all([
        javaConsume(
          app(home),
          jobs.map(({ source }) => source),
        ),
        javaConsume(
          app(otherSite(home)),
          jobs.map(({ copy }) => copy),
        ),
      ]);
      expect(atCopy).toEqual(atSource);
      for (const { name } of strangeTopics) {
        const topic = `${testOwners[home]}${name}`;
        expect([topic, await logEnds(app(otherSite(home)), topic)]).toEqual([topic, await logEnds(app(home), topic)]);
      }
    },
    200_000,
  );

  test(
    'a transaction left open holds the copy back, which says so, and it goes on when the transaction is ended',
    async () => {
      await createTopic(app('a'), 'a_hanging');
      await produce(app('a'), 'a_hanging', ['before']);
      const left = transactionalProducer(app('a'), 'a_left_open', hangMs + 60_000);
      await left.connect();
      const transaction = await left.transaction();
      await transaction.send({ topic: 'a_hanging', messages: [{ value: 'never committed' }] });
      await transact(app('a'), 'a_hanging', { rounds: 3, producers: 2 });
      const held = await pair.topic(
        'a_hanging',
        ({ partitionViews: [only] }) =>
          only?.copiedTo === '1' && (only.heldBack?.records ?? 0) > 5 && only.heldBack!.seconds * 1000 >= hangMs,
        hangMs + 30_000,
      );
      expect(held.partitionViews[0]).toMatchObject({ sourceEnd: '1', lag: { records: 0 } });
      expect(await logEnds(app('b'), 'a_hanging')).toEqual([1n]);
      expect((await pair.verify(['a_hanging'])).totals).toMatchObject({
        recordsEqual: 1,
        recordsDifferent: 0,
        behind: 0,
      });
      await abortAbandoned(app('a'), 'a_left_open');
      const { partitionViews } = await pair.level('a_hanging');
      expect(partitionViews[0]).not.toHaveProperty('heldBack');
      await left.disconnect();
      expect(differences(await pair.verify(['a_hanging']))).toEqual([]);
      expect(await logEnds(app('b'), 'a_hanging')).toEqual(await logEnds(app('a'), 'a_hanging'));
      const committed = [{ topic: 'a_hanging', isolation: 'read_committed' as const }];
      expect(await javaConsume(app('b'), committed)).toEqual(await javaConsume(app('a'), committed));
    },
    120_000 + 2 * hangMs,
  );

  test('a transaction that nobody ends is copied as an aborted one when the coordinator has ended it', async () => {
    await createTopic(app('a'), 'a_abandoned');
    const left = transactionalProducer(app('a'), 'a_abandoned', 1_000);
    await left.connect();
    const transaction = await left.transaction();
    await transaction.send({ topic: 'a_abandoned', messages: [{ value: 'never committed' }] });
    await produce(app('a'), 'a_abandoned', ['after it']);
    // The open one, what came after it, and the coordinator's marker.
    await pair.topic('a_abandoned', ({ partitionViews: [only] }) => only?.copiedTo === '3', 60_000);
    await left.disconnect();
    expect(differences(await pair.verify(['a_abandoned']))).toEqual([]);
  });

  test('what the cleaner does while it is copied, and while the worker is dead, makes no difference', async () => {
    // A deletion that the cleaner forgets before it was copied would leave its key in the copy (ADR 0008).
    const table = { configs: { ...cleanedOften, 'delete.retention.ms': '120000' } };
    await Promise.all(sites.map((site) => createTopic(app(site), `${testOwners[site]}compacted`, table)));
    const passes = async (more: number): Promise<void> => {
      await Promise.all(sites.map((site) => writeUntilCleaned(clusters[site], `${testOwners[site]}compacted`, more)));
    };
    await passes(2);
    await Promise.all(sites.map((site) => pair.kill(site)));
    await passes(2);
    await Promise.all(sites.map((site) => pair.start(site)));
    await passes(1);
    for (const home of sites) {
      const topic = `${testOwners[home]}compacted`;
      const { copiedTo } = (await pair.level(topic, 60_000)).partitionViews[0] ?? {};
      expect(copiedTo).toBe(String((await logEnds(app(home), topic))[0]));
      expect(differences(await pair.verify([topic]))).toEqual([]);
      const jobs = [{ topic, isolation: 'read_committed' as const, latestOnly: true }];
      expect(await javaConsume(app(otherSite(home)), jobs)).toEqual(await javaConsume(app(home), jobs));
    }
  }, 240_000);

  test('a source that is compacted and loses its oldest segments has a copy that begins where it does', async () => {
    const configs = { ...cleanedOften, 'cleanup.policy': 'compact,delete', 'retention.ms': '2000' };
    await createTopic(app('a'), 'a_compact_delete', { configs });
    await pair.level('a_compact_delete');
    const start = (site: SiteId): Promise<bigint> => logStart(app(site), 'a_compact_delete');
    for (let round = 0; round < 10; round++)
      await send(app('a'), 'a_compact_delete', { messages: tableRecords(round) });
    // The cleaner joins segments, and a joined one is as young as its youngest record: nothing is written meanwhile.
    await eventually(
      'both begin above 20',
      async () => ((await start('a')) > 20n && (await start('b')) > 20n ? true : undefined),
      60_000,
    );
    await send(app('a'), 'a_compact_delete', { messages: tableRecords(10) });
    await pair.level('a_compact_delete');
    expect(differences(await pair.verify(['a_compact_delete']))).toEqual([]);
    await eventually('both begin at the same offset', async () =>
      (await start('a')) === (await start('b')) ? true : undefined,
    );
  }, 180_000);
});

function differences(report: VerifyReport): readonly object[] {
  return report.topics.flatMap(({ topic, partitions }) =>
    partitions
      .filter(
        ({ recordsDifferent, batchesDifferent, behind }) => recordsDifferent > 0 || batchesDifferent > 0 || behind > 0,
      )
      .map((partition) => ({ topic, ...partition })),
  );
}

/** Ten keys, of which some get a value and one loses it. */
function tableRecords(round: number): { key: string; value: string | null }[] {
  const keys = [0, 1, 2, 3].map((index) => `key-${(round + index * 3) % 10}`);
  return keys.map((key, index) => ({ key, value: index === 3 ? null : `value ${round}` }));
}

/** Writes, in transactions too, until the cleaner has come by so many more times: its checkpoint tells. */
async function writeUntilCleaned(cluster: TestCluster, topic: string, passes: number): Promise<void> {
  const checkpoint = async (): Promise<string | undefined> => {
    const file = join(cluster.local.home, 'broker-1', 'data', 'cleaner-offset-checkpoint');
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
    return lines.find((line) => line.startsWith(`${topic} 0 `));
  };
  const seen = new Set([await checkpoint()]);
  let round = Number((await logEnds(cluster.connection('app'), topic))[0]);
  await eventually(
    `the cleaner has been through ${topic} ${passes} more times`,
    async () => {
      await send(cluster.connection('app'), topic, { messages: tableRecords(round++) });
      if (round % 3 === 0) await transact(cluster.connection('app'), topic, { rounds: 1, producers: 2 });
      seen.add(await checkpoint());
      return seen.size > passes ? true : undefined;
    },
    60_000,
  );
}
