import { Partitioners } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { lastSequences, partitionKey } from '../../src/kafka/log-queries.ts';
import { startTestCluster, type TestCluster } from '../fixtures/cluster.ts';
import { type FaultProxy, type PassingRequest, type RequestFate, startFaultProxy } from '../fixtures/fault-proxy.ts';
import { createTopic, kafkajs, logEnds } from '../fixtures/kafkajs.ts';
import { startReplication, type TestReplication } from '../fixtures/replication.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { transactInTurn } from '../fixtures/transactions.ts';
import { eventually } from '../fixtures/wait.ts';

/**
 * The hole that no lease can close: an append was sent under a valid lease and arrives only when another worker has long
 * taken over. Where the target still knows the link's producer it is refused; where it has forgotten it (records older
 * than a day) it is appended at a wrong place. Then the copy must stop with a fault, whatever its new owner does just
 * then.
 */
const source = sharedSites().a;
const produceKey = 0;
const writeTxnMarkersKey = 27;
const describeTransactionsKey = 65;
const recordsPerBatch = 10;
const twoDaysMs = 2 * 86_400_000;
const never = 600_000;
let target: TestCluster;
let late: FaultProxy;
let others: FaultProxy;
let links: TestReplication[] = [];

beforeAll(async () => {
  // Who wrote records of two days ago is forgotten within a second, not within ten minutes.
  const brokerSettings = { 'producer.id.expiration.check.interval.ms': '1000' };
  target = await startTestCluster({ name: 'late', security: 'none', brokerSettings });
});

afterAll(async () => {
  await target.remove();
});

beforeEach(async () => {
  late = await startFaultProxy(target.bootstrapServers[0]!);
  others = await startFaultProxy(target.bootstrapServers[0]!);
});

afterEach(async () => {
  // What is held is let go, so that nobody waits for its answer.
  late.set({});
  others.set({});
  for (const link of links) {
    expect(link.unexpected).toEqual([]);
    await link.stop();
  }
  links = [];
  await Promise.all([late.close(), others.close()]);
});

/** A worker's core that reaches the target by way of `proxy`; all are workers of the same link. */
function startLink(proxy: FaultProxy, foreignWriteCheckMs: number): TestReplication {
  const link = startReplication({
    source: source.admin,
    target: { ...target.connection('umbra'), bootstrapServers: [proxy.server] },
    direct: { source: source.admin, target: target.connection('admin') },
    limits: { foreignWriteCheckMs },
  });
  links.push(link);
  return link;
}

/** Holds requests of one kind while `hold` says so; tells how many are held. */
function holdRequests(proxy: FaultProxy, key: number, hold: (count: number) => boolean): { readonly held: number } {
  const state = { count: 0, held: 0 };
  proxy.set({
    onRequest: ({ apiKey }: PassingRequest): RequestFate => {
      if (apiKey !== key) return { kind: 'pass' };
      state.count += 1;
      if (!hold(state.count)) return { kind: 'pass' };
      state.held += 1;
      return { kind: 'hold' };
    },
  });
  return state;
}

async function appendToSource(topic: string, text: string, ageMs: number): Promise<void> {
  const producer = kafkajs(source.admin).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  const timestamp = String(Date.now() - ageMs);
  const messages = Array.from({ length: recordsPerBatch }, (_, index) => ({ timestamp, value: `${text} ${index}` }));
  await producer.send({ topic, acks: -1, messages });
  await producer.disconnect();
}

async function endsAt(topic: string, offset: bigint): Promise<void> {
  await eventually(`the copy of ${topic} ends at ${offset}`, async () =>
    (await logEnds(target.connection('admin'), topic))[0] === offset ? true : undefined,
  );
}

async function forgotten(topic: string): Promise<void> {
  const cluster = new Cluster('the target', clusterConfigSchema.parse(target.connection('admin')), {
    clientId: 'test',
  });
  try {
    const broker = await cluster.any();
    await eventually('the target has forgotten who wrote the copy', async () => {
      const answer = (await lastSequences(broker, [{ topic, partition: 0 }])).get(partitionKey(topic, 0));
      return answer?.ok === true && answer.value.size === 0 ? true : undefined;
    });
  } finally {
    await cluster.close();
  }
}

interface Held {
  /** The worker that took over; level with the source at offset 30. */
  readonly heir: TestReplication;
  /** Lets the held batch for offsets 10 to 19 arrive. */
  readonly release: () => void;
}

/** A worker whose batch for offsets 10 to 19 is held in the network, and another one that took over and wrote on. */
async function heldBatch(
  topic: string,
  { ageMs, foreignWriteCheckMs }: Record<'ageMs' | 'foreignWriteCheckMs', number>,
): Promise<Held> {
  await createTopic(source.admin, topic);
  const first = startLink(late, never);
  await first.follow(topic);
  await appendToSource(topic, 'first', ageMs);
  await endsAt(topic, 10n);
  const holding = holdRequests(late, produceKey, () => true);
  await appendToSource(topic, 'second', ageMs);
  await eventually('the batch is held', () => holding.held === 1 || undefined);
  const heir = startLink(others, foreignWriteCheckMs);
  await heir.join(topic);
  await endsAt(topic, 20n);
  await appendToSource(topic, 'third', ageMs);
  await endsAt(topic, 30n);
  return { heir, release: () => late.set({}) };
}

function faulted(link: TestReplication, topic: string): Promise<TestReplication['faults'][number]> {
  return eventually('the copy is faulted', () => link.faults.find((each) => each.topic === topic));
}

test('a late batch whose producer the target knows is not appended', async () => {
  const topic = 'a_late_known';
  const { heir, release } = await heldBatch(topic, { ageMs: 0, foreignWriteCheckMs: 300 });
  release();
  await appendToSource(topic, 'fourth', 0);
  expect(await heir.compare(topic)).toEqual({
    ...{ batchesDifferent: 0, recordsDifferent: 0, behind: 0 },
    recordsEqual: 4 * recordsPerBatch,
  });
  expect(heir.faults).toEqual([]);
});

test('a late batch whose producer the target forgot is found on an idle copy', async () => {
  const topic = 'a_late_idle';
  const { heir, release } = await heldBatch(topic, { ageMs: twoDaysMs, foreignWriteCheckMs: 300 });
  await forgotten(topic);
  release();
  await endsAt(topic, 40n);
  expect(await faulted(heir, topic)).toMatchObject({ fault: { code: 'DIVERGED', offset: 30n } });
});

test('a late batch whose producer the target forgot is found by the next append', async () => {
  const topic = 'a_late_next';
  const { heir, release } = await heldBatch(topic, { ageMs: twoDaysMs, foreignWriteCheckMs: never });
  await forgotten(topic);
  release();
  await endsAt(topic, 40n);
  await forgotten(topic);
  await appendToSource(topic, 'fourth', twoDaysMs);
  expect(await faulted(heir, topic)).toMatchObject({ fault: { code: 'DIVERGED', offset: 30n } });
});

test('a late batch that makes the next append fail is found by comparing the tail', async () => {
  const topic = 'a_late_order';
  const { heir, release } = await heldBatch(topic, { ageMs: twoDaysMs, foreignWriteCheckMs: never });
  await forgotten(topic);
  // The next batch of the heir waits until the late one has just arrived, whose sequence the target then knows.
  const holding = holdRequests(others, produceKey, () => true);
  await appendToSource(topic, 'fourth', twoDaysMs);
  await eventually('the next batch is on its way', () => holding.held === 1 || undefined);
  release();
  await endsAt(topic, 40n);
  others.set({});
  expect(await faulted(heir, topic)).toMatchObject({ fault: { code: 'DIVERGED', offset: 30n } });
});

test.each([
  ['that has gone on', true],
  // Its leader has only appended since before: it never held what the copy has there.
  ['that has not', false],
] as const)('a late batch is found by the worker that starts after it, at a source %s', async (_, goneOn) => {
  const topic = `a_late_start_${goneOn}`;
  const { heir, release } = await heldBatch(topic, { ageMs: twoDaysMs, foreignWriteCheckMs: never });
  await heir.stop();
  await forgotten(topic);
  release();
  await endsAt(topic, 40n);
  if (goneOn) for (const text of ['fourth', 'fifth']) await appendToSource(topic, text, twoDaysMs);
  const next = startLink(others, never);
  await next.join(topic);
  expect(await faulted(next, topic)).toMatchObject({ fault: { code: 'DIVERGED', offset: 30n } });
  await endsAt(topic, 40n);
});

/** A worker whose markers for offsets 4 to 6 are held, the second request of its life (the first carries one only). */
async function heldMarkers(topic: string): Promise<void> {
  await createTopic(source.admin, topic);
  // 0 1 2 | 3 marker | 4 5 6 aborted | 7 marker | 8 9 10 | 11 marker
  await transactInTurn(source.admin, topic, { fates: ['commit', 'abort', 'commit'], records: 3 });
  const holding = holdRequests(late, writeTxnMarkersKey, (count) => count > 1);
  const first = startLink(late, never);
  await first.follow(topic);
  await eventually('markers are held', () => holding.held === 1 || undefined);
  await endsAt(topic, 4n);
}

test('late markers are refused once the new owner has written its own', async () => {
  const topic = 'a_late_markers';
  await heldMarkers(topic);
  const heir = startLink(others, 300);
  await heir.join(topic);
  await endsAt(topic, 12n);
  late.set({});
  await transactInTurn(source.admin, topic, { fates: ['commit'], records: 3 });
  expect(await heir.compare(topic)).toMatchObject({
    batchesDifferent: 0,
    recordsDifferent: 0,
    recordsEqual: 9,
    behind: 0,
  });
  expect(heir.faults).toEqual([]);
});

test('late markers that arrive just before those of the new owner, whose answer is lost, are found', async () => {
  const topic = 'a_late_doubled';
  await heldMarkers(topic);
  const heir = startLink(others, never);
  // So that its next request may carry more than one marker.
  await createTopic(source.admin, 'a_late_warm_up');
  await transactInTurn(source.admin, 'a_late_warm_up', { fates: ['commit'], records: 1 });
  await heir.follow('a_late_warm_up');
  await endsAt('a_late_warm_up', 2n);
  const holding = holdRequests(others, writeTxnMarkersKey, () => true);
  await heir.join(topic);
  await eventually('the markers of the new owner are on their way', () => holding.held === 1 || undefined);
  late.set({});
  await endsAt(topic, 8n);
  // 8 to 11 are markers now: at the source three records and a marker. The last offset alone looks right.
  let cuts = 0;
  others.set({
    onRequest: ({ apiKey }) =>
      apiKey === writeTxnMarkersKey && cuts++ === 0 ? { kind: 'cut-answer', share: 0 } : { kind: 'pass' },
  });
  await endsAt(topic, 12n);
  expect(await faulted(heir, topic)).toMatchObject({ fault: { code: 'DIVERGED', offset: 8n } });
});

test('a worker that was taken over does not call damage what its successor writes', async () => {
  const topic = 'a_late_to_know';
  await createTopic(source.admin, topic);
  const first = startLink(late, 300);
  await first.follow(topic);
  await appendToSource(topic, 'first', 0);
  await endsAt(topic, 10n);
  // It cannot ask whether it still owns the link, but it sees the log grow.
  const asking = holdRequests(late, describeTransactionsKey, () => true);
  await eventually('it asks', () => asking.held > 0 || undefined);
  const heir = startLink(others, 300);
  await heir.join(topic);
  await appendToSource(topic, 'second', 0);
  await endsAt(topic, 20n);
  late.set({});
  await eventually('it knows', () => first.replicator.hindrance?.kind === 'fenced' || undefined);
  expect(first.faults).toEqual([]);
  expect(heir.faults).toEqual([]);
});
