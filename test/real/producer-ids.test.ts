import { Partitioners, type Producer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClusterConfigInput, clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { ProducerIdAllocators } from '../../src/kafka/producer-id-allocators.ts';
import { defaultBarrierLimits } from '../../src/sync/producer-ids/barrier-limits.ts';
import { activeProducers } from '../../src/sync/producer-ids/active-producers.ts';
import { IdBarrier } from '../../src/sync/producer-ids/id-barrier.ts';
import { SiteState } from '../../src/worker/state/state.ts';
import { consumeWhole } from '../fixtures/consumed-records.ts';
import { createTopic, kafkajs } from '../fixtures/kafkajs.ts';
import { startPair, type TestPair } from '../fixtures/pair.ts';
import { appendAs } from '../fixtures/raw-producer.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { transactionalProducer, sendIn } from '../fixtures/transactions.ts';
import { eventually } from '../fixtures/wait.ts';
import { metric } from '../fixtures/worker-metrics.ts';

/**
 * Clients that move keep the producer id that the old cluster gave them. What the new one does when it gives the same id
 * to somebody else, and that it does not once the barrier holds.
 */
const { a, b } = sharedSites();
const signal = AbortSignal.timeout(600_000);
let clusters: Readonly<Record<'a' | 'b', Cluster>>;
let allocators: ProducerIdAllocators;
let nodeId: number;

beforeAll(async () => {
  const connect = (name: string, config: ClusterConfigInput): Cluster =>
    new Cluster(name, clusterConfigSchema.parse(config), { clientId: 'test' });
  clusters = { a: connect('site a', a.umbra), b: connect('site b', b.umbra) };
  allocators = new ProducerIdAllocators(clusters.b);
  const [first] = await allocators.brokers();
  if (first === undefined) throw new Error('site b has no broker');
  nodeId = first;
});

afterAll(async () => {
  await Promise.all([clusters.a.close(), clusters.b.close()]);
});

/** One id of site b's broker, which nobody else gets. */
async function takeId(): Promise<bigint> {
  return eventually('site b gives a producer id', async () => {
    const answer = await allocators.next(nodeId, 0);
    return answer.ok ? answer.value : undefined;
  });
}

function idempotentProducer(cluster: ClusterConfigInput): Producer {
  const createPartitioner = Partitioners.DefaultPartitioner;
  return kafkajs(cluster).producer({ idempotent: true, maxInFlightRequests: 1, createPartitioner });
}

/** What a fresh idempotent producer of site b is told of its first record: its offset, or that it was refused. */
async function sendFresh(topic: string, value: string): Promise<{ at?: string | undefined; refused?: string }> {
  const producer = idempotentProducer(b.admin);
  await producer.connect();
  try {
    const [answer] = await producer.send({ topic, messages: [{ value, partition: 0 }] });
    return { at: answer?.baseOffset };
  } catch (error) {
    return { refused: String(error) };
  } finally {
    await producer.disconnect();
  }
}

async function valuesIn(topic: string): Promise<readonly string[]> {
  const read = await consumeWhole(b.admin, { topics: [topic], groupId: `a_read_${topic}_${Date.now()}` });
  return (read.get(topic) ?? []).map(({ value }) => value);
}

/** A client that moved here writes with the id that this site gives out next; returns that id. */
async function moveIn(topic: string, sequence: number): Promise<bigint> {
  await createTopic(b.admin, topic);
  const producerId = (await takeId()) + 1n;
  const moved = await appendAs(b.admin, topic, { producerId, epoch: 0, sequence }, ['moved']);
  expect(moved).toMatchObject({ errorCode: 0, baseOffset: 0n });
  return producerId;
}

function barrierPast(highest: bigint): IdBarrier {
  return new IdBarrier({ allocators, highest: () => highest, sourceBrokers: () => 1, mayAct: () => true });
}

describe('a client that moved and a fresh one of the same producer id', () => {
  test('without the barrier a record is acknowledged and is not there', async () => {
    await moveIn('a_collision', 0);
    // Answered as if the record of the moved client had been sent twice: with the offset of that.
    expect(await sendFresh('a_collision', 'fresh')).toEqual({ at: '0' });
    expect(await valuesIn('a_collision')).toEqual(['moved']);
  });

  test('without the barrier a producer cannot write at all, where the moved one is further on', async () => {
    await moveIn('a_collision_later', 40);
    const { refused } = await sendFresh('a_collision_later', 'fresh');
    expect(refused).toContain('out of order sequence number');
    expect(await valuesIn('a_collision_later')).toEqual(['moved']);
  });

  test('with the barrier every record that is acknowledged is there, once', async () => {
    const topic = 'a_no_collision';
    const producerId = await moveIn(topic, 0);
    const outcome = await barrierPast(producerId).finish(signal);
    expect(outcome).toMatchObject({ kind: 'held', past: producerId + defaultBarrierLimits.reserve });
    expect(await takeId()).toBeGreaterThan(outcome.past);
    const sent: string[] = [];
    for (let round = 0; round < 10; round++) {
      expect(await sendFresh(topic, `fresh ${round}`)).toEqual({ at: String(sent.length + 1) });
      sent.push(`fresh ${round}`);
    }
    const transactional = transactionalProducer(b.admin, 'a_no_collision');
    await transactional.connect();
    const transaction = await transactional.transaction();
    await sendIn(transaction, { topic, messages: [{ value: 'in a transaction', partition: 0 }] });
    await transaction.commit();
    await transactional.disconnect();
    expect(await valuesIn(topic)).toEqual(['moved', ...sent, 'in a transaction']);
    const next = await appendAs(b.admin, topic, { producerId, epoch: 0, sequence: 1 }, ['moved on']);
    expect(next.errorCode).toBe(0);
    expect((await valuesIn(topic)).at(-1)).toBe('moved on');
  });
});

describe('while a link runs', () => {
  let pair: TestPair;

  beforeAll(async () => {
    pair = await startPair({ clusters: { a: a.umbra, b: b.umbra } });
  });

  afterAll(async () => {
    await pair.remove();
  });

  test('what the batches show is kept over restarts, and the standby comes after it by itself', async () => {
    const topic = 'a_with_ids';
    await createTopic(a.app, topic);
    const low = await takeId();
    const producerId = low + 9_500n;
    expect(await appendAs(a.admin, topic, { producerId, epoch: 0, sequence: 7 }, ['from a'])).toMatchObject({
      errorCode: 0,
    });
    await pair.level(topic);
    const state = new SiteState(clusters.b);
    const recorded = async (): Promise<string | undefined> => {
      await state.catchUp(signal);
      return state.producerIds('a-b')?.highest?.id;
    };
    await eventually('it is written down', async () => (await recorded()) === String(producerId) || undefined);
    await eventually('site b is past it', async () => (await takeId()) > producerId || undefined);
    await eventually(
      'and says so',
      async () => (await metric(pair.api.b, 'umbra_producer_ids_behind')) === 0 || undefined,
    );
    expect(await metric(pair.api.b, 'umbra_producer_ids_burnt_total')).toBeLessThan(20_000);
    await pair.kill('b');
    await pair.start('b');
    await pair.level(topic);
    expect(await recorded()).toBe(String(producerId));
    expect(state.producerIds('a-b')).toMatchObject({ highest: { topic } });
    expect(BigInt(state.producerIds('a-b')?.given ?? '0')).toBeGreaterThan(low);
    expect(await activeProducers(clusters.a, [topic], signal)).toEqual({
      highest: { id: producerId, topic },
      unread: 0,
    });
  });
});
