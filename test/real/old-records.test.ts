import { randomBytes } from 'node:crypto';
import { type IHeaders, type Message, Partitioners } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTopic, kafkajs, logEnds } from '../fixtures/kafkajs.ts';
import { following, startPair, type TestPair } from '../fixtures/pair.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';

const sites = sharedSites();
const longMax = '9223372036854775807';
const dayMs = 86_400_000;
/** Any time at all may stand in a record, and nothing is deleted for it. */
const anyTime = { 'retention.ms': '-1', 'message.timestamp.after.max.ms': longMax };
let pair: TestPair;

beforeAll(async () => {
  // The smallest buffer there is: one large record alone is more.
  const tuning = { bufferBytesMax: 1 << 20 };
  pair = await startPair({ clusters: { a: sites.a.umbra, b: sites.b.umbra }, tuning });
});

afterAll(async () => {
  await pair.remove();
});

interface Placed extends Message {
  readonly partition: number;
}

/** One request per list, so that batches are what they are said to be. */
async function send(topic: string, requests: readonly (readonly Placed[])[]): Promise<void> {
  const producer = kafkajs(sites.a.app).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  try {
    for (const messages of requests) await producer.send({ topic, acks: -1, messages: [...messages] });
  } finally {
    await producer.disconnect();
  }
}

async function killWorker(): Promise<void> {
  await pair.kill('b');
  await pair.start('b');
}

async function expectWhole(topic: string, records: number): Promise<void> {
  await pair.topic(topic, following, 60_000);
  const report = await pair.verify([topic]);
  const whole = { batchesDifferent: 0, recordsDifferent: 0, behind: 0 };
  expect(report.totals).toMatchObject({ ...whole, recordsEqual: records });
}

test('records of 1970, of two days ago, of 2100 and without a time, in 64 partitions, while the worker is killed', async () => {
  const topic = 'a_times';
  const partitions = 64;
  await createTopic(sites.a.app, topic, { partitions, configs: anyTime });
  const times = ['0', String(Date.now() - 2 * dayMs), String(Date.UTC(2100, 0)), '-1'];
  const round = (timestamp: string): readonly Placed[] =>
    Array.from({ length: partitions * 5 }, (_, index) => ({
      partition: index % partitions,
      timestamp,
      key: String(index),
      value: `at ${timestamp} ${index}`,
    }));
  const rounds = Array.from({ length: 2 }, () => times.map(round));
  for (const requests of rounds) {
    await send(topic, requests);
    await killWorker();
  }
  await expectWhole(topic, rounds.length * times.length * partitions * 5);
});

test('a thousand batches of one record each in one partition, while the worker is killed', async () => {
  const topic = 'a_singles';
  await createTopic(sites.a.app, topic);
  const single = (index: number): readonly Placed[] => [{ partition: 0, value: String(index) }];
  await send(
    topic,
    Array.from({ length: 500 }, (_, index) => single(index)),
  );
  await killWorker();
  await send(
    topic,
    Array.from({ length: 500 }, (_, index) => single(index)),
  );
  await expectWhole(topic, 1_000);
});

test('records of one byte and of 5 MiB pass, for the copy takes what the source takes', async () => {
  const topic = 'a_sizes';
  const largest = 5 * 1024 * 1024;
  await createTopic(sites.a.app, topic, { partitions: 2, configs: { 'max.message.bytes': String(largest + 1_000) } });
  const large = (partition: number): Placed => ({ partition, value: randomBytes(largest) });
  const small = (partition: number): Placed => ({ partition, value: 'x' });
  await send(topic, [[small(0)], [large(0)], [small(0)], [large(1)], [large(1)], [small(1)]]);
  await expectWhole(topic, 6);
});

test('records with 200 headers, empty values and tombstones pass', async () => {
  const topic = 'a_shapes';
  await createTopic(sites.a.app, topic, { partitions: 2 });
  const headers: IHeaders = Object.fromEntries(
    Array.from({ length: 200 }, (_, index) => [`header-${index}`, index % 3 === 0 ? '' : `value ${index}`]),
  );
  const shapes: readonly Message[] = [
    { key: 'headers', value: 'v', headers },
    { key: 'empty', value: Buffer.alloc(0) },
    { key: 'tombstone', value: null },
    { key: '', value: null },
    { key: null, value: '' },
    { key: null, value: null },
  ];
  const both = [0, 1].flatMap((partition) => shapes.map((shape) => ({ ...shape, partition })));
  await send(topic, [both, ...both.map((shape) => [shape])]);
  await expectWhole(topic, 4 * shapes.length);
});

test('records that the source deletes once they are copied are no loss: the copy goes on over a restart', async () => {
  const topic = 'a_trimmed';
  await createTopic(sites.a.app, topic);
  const some = Array.from({ length: 10 }, (_, index) => ({ partition: 0, value: String(index) }));
  await send(topic, [some]);
  await pair.topic(topic, following);
  const admin = kafkajs(sites.a.admin).admin();
  await admin.connect();
  // kafkajs deletes only from topics it has heard of.
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '10' }] });
  await admin.disconnect();
  await killWorker();
  await pair.topic(topic, following);
  await send(topic, [some]);
  await expectWhole(topic, 10);
  expect(await logEnds(sites.b.app, topic)).toEqual([20n]);
});
