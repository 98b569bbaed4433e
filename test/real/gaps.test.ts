import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { headerBytes } from '../../src/replication/batches/record-batch.ts';
import { javaConsume } from '../fixtures/java-client.ts';
import { compactedTopic } from '../fixtures/compacted-topic.ts';
import { createTopic, deleteBefore, logEnds, logStart, produce } from '../fixtures/kafkajs.ts';
import { startPair, type TestPair } from '../fixtures/pair.ts';
import { type PassingAnswer, type PassingRequest, type RequestFate } from '../fixtures/fault-proxy.ts';
import { batchesOf, flip, inSession } from '../fixtures/passing-answers.ts';
import { metric } from '../fixtures/worker-metrics.ts';
import { type ProxiedCluster, startProxiedCluster } from '../fixtures/proxied-cluster.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { transact, transactionalProducer } from '../fixtures/transactions.ts';
import { eventually } from '../fixtures/wait.ts';

const sites = sharedSites();
const writeTxnMarkersKey = 27;
/** How both workers reach site b. */
let networkOfB: ProxiedCluster;
let pair: TestPair;

beforeAll(async () => {
  await compactedTopic(sites.a.admin, 'a_compacted');
  networkOfB = await startProxiedCluster(sites.b.umbra);
  pair = await startPair({ clusters: { a: sites.a.umbra, b: networkOfB.connection } });
}, 120_000);

afterAll(async () => {
  await pair.remove();
  await networkOfB.close();
});

test('committed records of interleaved transactions keep offsets and bytes; markers and aborted ones become invisible', async () => {
  await createTopic(sites.a.app, 'a_transactions', { partitions: 3 });
  await transact(sites.a.app, 'a_transactions', { rounds: 6, producers: 2 });
  await pair.level('a_transactions', 60_000);
  const report = await pair.verify(['a_transactions']);
  expect(report.totals).toMatchObject({ batchesRepacked: 0, batchesDifferent: 0, recordsDifferent: 0, behind: 0 });
  const committed = [{ topic: 'a_transactions', isolation: 'read_committed' as const }];
  const everything = [{ topic: 'a_transactions', isolation: 'read_uncommitted' as const }];
  const atSource = await javaConsume(sites.a.app, committed);
  expect(report.totals.recordsEqual).toBe(recordsOf(atSource));
  expect(await javaConsume(sites.b.app, committed)).toEqual(atSource);
  // The copy has no aborted data: whoever reads uncommitted there sees what is committed at the source.
  expect(await javaConsume(sites.b.app, everything)).toEqual(atSource);
  expect(await logEnds(sites.b.app, 'a_transactions')).toEqual(await logEnds(sites.a.app, 'a_transactions'));
});

test('an open transaction holds the copy at the last stable offset and is copied when it ends', async () => {
  await createTopic(sites.a.app, 'a_open');
  const producer = transactionalProducer(sites.a.app, 'a_open_tx');
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic: 'a_open', messages: [{ value: 'not yet' }] });
  await produce(sites.a.app, 'a_open', ['after it']);
  await pair.topic('a_open', ({ partitionViews: [only] }) => only?.heldBack?.records === 2);
  expect(await logEnds(sites.b.app, 'a_open')).toEqual([0n]);
  await transaction.commit();
  await producer.disconnect();
  await pair.level('a_open');
  expect((await pair.verify(['a_open'])).totals).toMatchObject({
    recordsEqual: 2,
    recordsDifferent: 0,
    batchesDifferent: 0,
  });
});

test('log append time is copied exactly, as create time', async () => {
  await createTopic(sites.a.app, 'a_append_time', { configs: { 'message.timestamp.type': 'LogAppendTime' } });
  for (let round = 0; round < 5; round++) await produce(sites.a.app, 'a_append_time', ['one', 'two', 'three']);
  await pair.level('a_append_time');
  const report = await pair.verify(['a_append_time']);
  expect(report.totals).toMatchObject({
    batchesRepacked: 5,
    batchesDifferent: 0,
    recordsEqual: 15,
    recordsDifferent: 0,
  });
  const jobs = [{ topic: 'a_append_time' }];
  expect(await javaConsume(sites.b.app, jobs)).toEqual(await javaConsume(sites.a.app, jobs));
});

test('a really compacted topic is copied with its holes: same records at same offsets', async () => {
  await pair.level('a_compacted', 60_000);
  const report = await pair.verify(['a_compacted']);
  expect(report.totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, behind: 0 });
  expect(await logEnds(sites.b.app, 'a_compacted')).toEqual(await logEnds(sites.a.app, 'a_compacted'));
});

test('a worker killed in the middle of gaps goes on where the log ends', async () => {
  const topic = 'a_gap_kills';
  await createTopic(sites.a.app, topic, { partitions: 2 });
  const load = startTransactions(topic);
  try {
    // Killed before its markers arrive, and before it hears of markers that were written.
    for (const arrive of [false, true]) {
      await killInMarkers(arrive);
      await pair.start('b');
      await pair.topic(topic, ({ copied }) => copied.batches > 2, 60_000);
    }
  } finally {
    await load.stop();
  }
  await pair.level(topic, 60_000);
  const report = await pair.verify([topic]);
  expect(report.totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, behind: 0 });
  const committed = [{ topic, isolation: 'read_committed' as const }];
  expect(report.totals.recordsEqual).toBe(recordsOf(await javaConsume(sites.a.app, committed)));
}, 240_000);

/** Kills worker b with a request for markers under way, which gets to its broker or not; no answer gets back. */
async function killInMarkers(arrive: boolean): Promise<void> {
  let seen = 0;
  const onRequest = ({ apiKey }: PassingRequest): RequestFate => {
    if (apiKey !== writeTxnMarkersKey) return { kind: 'pass' };
    seen += 1;
    if (!arrive) return { kind: 'hold' };
    networkOfB.set({ hold: true });
    return { kind: 'pass' };
  };
  networkOfB.set({ onRequest });
  try {
    await eventually('markers are under way', () => seen > 0 || undefined, 60_000);
    await pair.kill('b');
  } finally {
    networkOfB.set({});
  }
}

test('a source that begins above 0 has a copy that begins at the same offset', async () => {
  await createTopic(sites.b.app, 'b_high_start');
  await pair.kill('a');
  for (let round = 0; round < 5; round++) await produce(sites.b.app, 'b_high_start', ['gone', 'gone', 'gone']);
  await produce(sites.b.app, 'b_high_start', ['kept', 'kept too']);
  await deleteBefore(sites.b.admin, 'b_high_start', 15);
  await pair.start('a');
  await pair.level('b_high_start', 60_000);
  expect(await logStart(sites.a.app, 'b_high_start')).toBe(15n);
  const report = await pair.verify(['b_high_start']);
  expect(report.totals).toMatchObject({ batchesEqual: 1, batchesDifferent: 0, recordsEqual: 2, behind: 0 });
});

test('the log start of the source is taken over while the link runs', async () => {
  await createTopic(sites.a.app, 'a_moving_start');
  await produce(sites.a.app, 'a_moving_start', ['1', '2', '3', '4']);
  await pair.level('a_moving_start');
  await deleteBefore(sites.a.admin, 'a_moving_start', 3);
  await produce(sites.a.app, 'a_moving_start', ['5']);
  await eventually('the copy begins at 3', async () =>
    (await logStart(sites.b.app, 'a_moving_start')) === 3n ? true : undefined,
  );
  const report = await pair.verify(['a_moving_start']);
  expect(report.totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, behind: 0 });
});

test('damage on the way through a worker is seen in its metrics, and healed by fetching again', async () => {
  const refused = 'umbra_link_corrupt_batches_total';
  await createTopic(sites.b.app, 'b_damaged');
  await pair.level('b_damaged');
  const before = await metric(pair.api.a, refused);
  let flips = 0;
  const onAnswer = (answer: PassingAnswer): void => {
    const [batch] = inSession(answer) ? batchesOf(answer) : [];
    if (batch === undefined || flips > 0) return;
    flips += 1;
    flip(batch.bytes, headerBytes + 3);
  };
  networkOfB.set({ onAnswer });
  onTestFinished(() => networkOfB.set({}));
  await produce(sites.b.app, 'b_damaged', ['one record', 'and another']);
  await eventually('it is counted', async () => (await metric(pair.api.a, refused)) > before || undefined);
  await pair.level('b_damaged');
  const report = await pair.verify(['b_damaged']);
  expect(report.totals).toMatchObject({ batchesEqual: 1, batchesDifferent: 0, recordsDifferent: 0 });
});

function recordsOf(digests: Awaited<ReturnType<typeof javaConsume>>): number {
  return digests.reduce((sum, { records }) => sum + records, 0);
}

/** Transactions without end, until it is stopped. */
function startTransactions(topic: string): { stop(): Promise<void> } {
  let running = true;
  const work = async (): Promise<void> => {
    while (running) await transact(sites.a.app, topic, { rounds: 3, producers: 2 });
  };
  const working = work();
  return {
    async stop() {
      running = false;
      await working;
    },
  };
}
