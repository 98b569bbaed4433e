import { expect, onTestFinished, test } from 'vitest';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { decodeFetch, encodeFetch, fetchApi, type FetchAnswer, type FetchRequest } from '../../src/kafka/fetch-api.ts';
import { createTopic, produce } from '../fixtures/kafkajs.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';

const sites = sharedSites();

test('a broker closes a session that a request leaves empty, and opens another one when it is asked', async () => {
  const topic = 'a_fetch_sessions';
  await createTopic(sites.a.app, topic, { partitions: 2 });
  await produce(sites.a.app, topic, ['one']);
  const cluster = new Cluster('a', clusterConfigSchema.parse(sites.a.umbra), { clientId: 'test' });
  onTestFinished(() => cluster.close());
  const described = (await cluster.metadata([topic])).topics.get(topic);
  const leader = described?.partitions[0]?.leader;
  const topicId = described?.topicId;
  if (leader === undefined || topicId === undefined) throw new Error(`${topic} is not there`);
  const broker = await cluster.broker(leader, 'test');
  broker.negotiate(fetchApi);
  const ask = async (request: Pick<FetchRequest, 'session' | 'partitions' | 'forgotten'>): Promise<FetchAnswer> => {
    const bounds = { maxWaitMs: 10, minBytes: 1, bytesMax: 1_000_000 };
    const frame = await broker.connection.request(encodeFetch({ ...bounds, ...request }));
    try {
      return decodeFetch(Buffer.from(frame.bytes), frame.bodyStart);
    } finally {
      frame.release();
    }
  };
  const wish = (partition: number): FetchRequest['partitions'][number] => ({
    ...{ topicId, partition, currentLeaderEpoch: -1, fetchOffset: 0n, lastFetchedEpoch: -1, bytesMax: 100_000 },
  });
  const both = [0, 1].map((partition) => ({ topicId, partition }));
  const opened = await ask({ session: { id: 0, epoch: 0 }, partitions: [wish(0), wish(1)], forgotten: [] });
  expect(opened).toMatchObject({ errorCode: 0 });
  expect(opened.sessionId).not.toBe(0);
  const { sessionId: id } = opened;
  // One of two is left: it goes on.
  expect(await ask({ session: { id, epoch: 1 }, partitions: [], forgotten: both.slice(0, 1) })).toMatchObject({
    ...{ errorCode: 0, sessionId: id },
  });
  expect(await ask({ session: { id, epoch: 2 }, partitions: [], forgotten: both.slice(1) })).toMatchObject({
    ...{ errorCode: 0, sessionId: 0, partitions: [] },
  });
  expect(await ask({ session: { id, epoch: 3 }, partitions: [wish(0)], forgotten: [] })).toMatchObject({
    errorCode: 70, // FETCH_SESSION_ID_NOT_FOUND
  });
  const another = await ask({ session: { id: 0, epoch: 0 }, partitions: [wish(0)], forgotten: [] });
  expect(another).toMatchObject({ errorCode: 0 });
  expect(another.sessionId).not.toBe(0);
});
