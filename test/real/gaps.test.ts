import { CompressionTypes, type Kafka, Partitioners } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { javaConsume } from '../fixtures/java-client.ts';
import { compactedTopic } from '../fixtures/compacted-topic.ts';
import { createTopic, deleteBefore, kafkajs, logEnds, logStart, produce } from '../fixtures/kafkajs.ts';
import { following, startPair, startRival, type TestPair } from '../fixtures/pair.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { eventually } from '../fixtures/wait.ts';

const sites = sharedSites();
let pair: TestPair;

beforeAll(async () => {
  await compactedTopic(sites.a.admin, 'a_compacted');
  pair = await startPair({ clusters: { a: sites.a.umbra, b: sites.b.umbra } });
}, 120_000);

afterAll(async () => {
  await pair.remove();
});

test('committed records of interleaved transactions keep offsets and bytes; markers and aborted ones become invisible', async () => {
  await createTopic(sites.a.app, 'a_transactions', { partitions: 3 });
  await transact(kafkajs(sites.a.app), 'a_transactions', 30);
  await pair.topic('a_transactions', following, 60_000);
  const report = await pair.verify(['a_transactions']);
  expect(report.totals).toMatchObject({ batchesRepacked: 0, batchesDifferent: 0, recordsDifferent: 0, behind: 0 });
  expect(report.totals.recordsEqual).toBe(committedRecords(30));
  const committed = [{ topic: 'a_transactions', isolation: 'read_committed' as const }];
  const everything = [{ topic: 'a_transactions', isolation: 'read_uncommitted' as const }];
  const atSource = await javaConsume(sites.a.app, committed);
  expect(await javaConsume(sites.b.app, committed)).toEqual(atSource);
  // The copy has no aborted data: whoever reads uncommitted there sees what is committed at the source.
  expect(await javaConsume(sites.b.app, everything)).toEqual(atSource);
  expect(await logEnds(sites.b.app, 'a_transactions')).toEqual(await logEnds(sites.a.app, 'a_transactions'));
});

test('an open transaction holds the copy at the last stable offset and is copied when it ends', async () => {
  await createTopic(sites.a.app, 'a_open');
  const producer = kafkajs(sites.a.app).producer(transactional('a_open_tx'));
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic: 'a_open', messages: [{ value: 'not yet' }] });
  await produce(sites.a.app, 'a_open', ['after it']);
  await pair.topic('a_open', (view) => view.state === 'following');
  expect(await logEnds(sites.b.app, 'a_open')).toEqual([0n]);
  await transaction.commit();
  await producer.disconnect();
  await pair.topic('a_open', (view) => following(view) && view.partitionViews[0]?.copiedTo === '3');
  expect((await pair.verify(['a_open'])).totals).toMatchObject({
    recordsEqual: 2,
    recordsDifferent: 0,
    batchesDifferent: 0,
  });
});

test('log append time is copied exactly, as create time', async () => {
  await createTopic(sites.a.app, 'a_append_time', { configs: { 'message.timestamp.type': 'LogAppendTime' } });
  for (let round = 0; round < 5; round++) await produce(sites.a.app, 'a_append_time', ['one', 'two', 'three']);
  await pair.topic('a_append_time', following);
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
  await pair.topic('a_compacted', following, 60_000);
  const report = await pair.verify(['a_compacted']);
  expect(report.totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, behind: 0 });
  expect(await logEnds(sites.b.app, 'a_compacted')).toEqual(await logEnds(sites.a.app, 'a_compacted'));
});

test('a worker killed in the middle of gaps goes on where the log ends', async () => {
  await createTopic(sites.a.app, 'a_gap_kills', { partitions: 2 });
  const load = transact(kafkajs(sites.a.app), 'a_gap_kills', 40);
  for (let round = 0; round < 3; round++) {
    await pair.topic('a_gap_kills', (view) => view.copied.batches > 2, 60_000);
    await pair.kill('b');
    await pair.start('b');
  }
  await load;
  await pair.topic('a_gap_kills', following, 60_000);
  const report = await pair.verify(['a_gap_kills']);
  expect(report.totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, recordsEqual: committedRecords(40) });
}, 120_000);

test('a source that begins above 0 has a copy that begins at the same offset', async () => {
  await createTopic(sites.b.app, 'b_high_start');
  await pair.kill('a');
  for (let round = 0; round < 5; round++) await produce(sites.b.app, 'b_high_start', ['gone', 'gone', 'gone']);
  await produce(sites.b.app, 'b_high_start', ['kept', 'kept too']);
  await deleteBefore(sites.b.admin, 'b_high_start', 15);
  await pair.start('a');
  await pair.topic('b_high_start', (view) => following(view) && view.partitionViews[0]?.copiedTo === '17', 60_000);
  expect(await logStart(sites.a.app, 'b_high_start')).toBe(15n);
  const report = await pair.verify(['b_high_start']);
  expect(report.totals).toMatchObject({ batchesEqual: 1, batchesDifferent: 0, recordsEqual: 2, behind: 0 });
});

test('the log start of the source is taken over while the link runs', async () => {
  await createTopic(sites.a.app, 'a_moving_start');
  await produce(sites.a.app, 'a_moving_start', ['1', '2', '3', '4']);
  await pair.topic('a_moving_start', following);
  await deleteBefore(sites.a.admin, 'a_moving_start', 3);
  await produce(sites.a.app, 'a_moving_start', ['5']);
  await eventually('the copy begins at 3', async () =>
    (await logStart(sites.b.app, 'a_moving_start')) === 3n ? true : undefined,
  );
  const report = await pair.verify(['a_moving_start']);
  expect(report.totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, behind: 0 });
});

test('a second worker of a site takes the link over and the first one stops for good', async () => {
  await createTopic(sites.a.app, 'a_taken_over');
  await produce(sites.a.app, 'a_taken_over', ['before']);
  await pair.topic('a_taken_over', following);
  const rival = await startRival({ a: sites.a.umbra, b: sites.b.umbra });
  try {
    await eventually('the first worker says that it is fenced', async () => {
      const [link] = await pair.api.b.links();
      return link?.problem?.includes('another worker took over') === true ? true : undefined;
    });
    await produce(sites.a.app, 'a_taken_over', ['after']);
    await eventually('the rival copies', async () =>
      (await logEnds(sites.b.app, 'a_taken_over'))[0] === 2n ? true : undefined,
    );
    expect((await pair.verify(['a_taken_over'])).totals).toMatchObject({ recordsEqual: 2, recordsDifferent: 0 });
  } finally {
    await rival.stop();
    await pair.kill('b');
    await pair.start('b');
  }
});

const recordsPerTransaction = 20;

/** Every third transaction is aborted. */
function committedRecords(transactions: number): number {
  return (transactions - Math.ceil(transactions / 3)) * recordsPerTransaction;
}

function transactional(transactionalId: string): Parameters<Kafka['producer']>[0] {
  const createPartitioner = Partitioners.DefaultPartitioner;
  return { transactionalId, idempotent: true, maxInFlightRequests: 1, createPartitioner };
}

/** Two producers whose transactions overlap. */
async function transact(kafka: Kafka, topic: string, transactions: number): Promise<void> {
  const producers = [1, 2].map((number) => kafka.producer(transactional(`${topic}_${number}`)));
  await Promise.all(producers.map((producer) => producer.connect()));
  try {
    for (let round = 0; round < transactions; round += 2) {
      const open = await Promise.all(producers.map((producer) => producer.transaction()));
      for (const [index, transaction] of open.entries()) {
        const messages = Array.from({ length: recordsPerTransaction }, (_, record) => ({
          key: `${record}`,
          value: `transaction ${round + index}, record ${record}`,
        }));
        await transaction.send({ topic, compression: CompressionTypes.GZIP, messages });
      }
      for (const [index, transaction] of open.entries()) {
        await ((round + index) % 3 === 0 ? transaction.abort() : transaction.commit());
      }
    }
  } finally {
    await Promise.all(producers.map((producer) => producer.disconnect()));
  }
}
