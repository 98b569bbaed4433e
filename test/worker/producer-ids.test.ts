import { expect, test } from 'vitest';
import { ConnectionError } from '../../src/kafka/errors.ts';
import { ProducerIds } from '../../src/worker/control/producer-ids.ts';
import type { SeenProducer } from '../../src/worker/copying/worker-report.ts';
import type { ProducerIdRecord } from '../../src/worker/state/producer-id-record.ts';
import { IdCluster } from '../sync/producer-ids/id-cluster.ts';

const signal = new AbortController().signal;

/** One link, with whatever its workers, its source and `_umbra` say. */
class World {
  readonly target = new IdCluster({ brokers: 2 });
  readonly written: ProducerIdRecord[] = [];
  workers: SeenProducer[] = [];
  atSource: bigint | 'silent' | undefined;
  givenAtSource: bigint | undefined;
  askedSource = 0;
  gatheredFresh = 0;
  nowMs = 0;

  controller(): ProducerIds {
    return new ProducerIds({
      link: { from: 'a', to: 'b' },
      allocators: this.target,
      activeAtSource: () => {
        this.askedSource += 1;
        if (this.atSource === 'silent') return Promise.reject(new ConnectionError('no broker of site a answers'));
        const highest = this.atSource === undefined ? undefined : { id: this.atSource, topic: 'a_old' };
        return Promise.resolve({ highest, unread: 0 });
      },
      sourceBrokers: () => 1,
      state: {
        producerIds: () => this.written.at(-1),
        putProducerIds: (record) => {
          this.written.push(record);
          return Promise.resolve();
        },
      },
      givenAtSource: () => this.givenAtSource,
      workers: {
        gather: (_signal, ageMsMax) => {
          if (ageMsMax === 0) this.gatheredFresh += 1;
          return Promise.resolve();
        },
        highestProducers: () => this.workers,
        mayAct: () => true,
      },
      topics: () => ['a_old'],
      clock: { monotonicMs: () => this.nowMs, now: () => new Date(this.nowMs) },
    });
  }

  async rounds(of: ProducerIds, count: number): Promise<void> {
    for (let round = 0; round < count; round++) {
      this.nowMs += 3_000;
      await of.round(signal);
    }
  }
}

test('what a worker saw is known to the next controller, though that worker is gone', async () => {
  const world = new World();
  world.workers = [
    { id: '70', topic: 'a_few' },
    { id: '5000', topic: 'a_most' },
  ];
  await world.rounds(world.controller(), 1);
  expect(world.written.at(-1)).toMatchObject({ link: 'a-b', highest: { id: '5000', topic: 'a_most' } });
  world.workers = [];
  expect(world.controller().view().highest).toBe(5_000n);
});

test('nothing is written while nothing moves, and not at every step while it does', async () => {
  const world = new World();
  const controller = world.controller();
  world.workers = [{ id: '5', topic: 'a_one' }];
  await world.rounds(controller, 20);
  expect(world.written).toHaveLength(1);
  for (let id = 6; id < 26; id++) {
    world.workers = [{ id: String(id), topic: 'a_one' }];
    await world.rounds(controller, 1);
  }
  expect(world.written.length).toBeLessThanOrEqual(11);
  await world.rounds(controller, 2);
  expect(world.written.at(-1)?.highest?.id).toBe('25');
});

test('a source that does not answer keeps nothing from going on, and is asked again in a while', async () => {
  const world = new World();
  world.atSource = 'silent';
  world.workers = [{ id: '9', topic: 'a_one' }];
  const controller = world.controller();
  await world.rounds(controller, 10);
  expect(world.askedSource).toBe(1);
  world.atSource = 900n;
  await world.rounds(controller, 30);
  expect(world.askedSource).toBe(2);
  expect(controller.view().highest).toBe(900n);
});

test('a promotion asks the workers anew, passes what the source itself has given out, and writes that down', async () => {
  const world = new World();
  const controller = world.controller();
  await world.rounds(controller, 1);
  world.workers = [{ id: '3000', topic: 'a_last' }];
  world.givenAtSource = 4_200n;
  expect(await controller.finish(signal)).toMatchObject({ kind: 'held', highest: 4_200n, past: 6_200n });
  expect(world.gatheredFresh).toBe(1);
  expect(world.target.give(1)).toBeGreaterThan(6_200);
  expect(world.written.at(-1)).toMatchObject({ highest: { id: '3000', topic: 'a_last' }, passed: '6200' });
});

test('a site tells the other one how many ids it has given out, at once where that is asked for', async () => {
  const world = new World();
  const controller = world.controller();
  for (let given = 0; given < 1_500; given++) world.target.give(2);
  const told = await controller.tell(signal);
  expect(told).toBeGreaterThanOrEqual(1_500n);
  expect(world.written.at(-1)).toMatchObject({ given: String(told) });
  // Who leads next and does not reach that broker does not take it back.
  world.target.silent.add(1);
  world.workers = [{ id: '7', topic: 'a_one' }];
  await world.rounds(world.controller(), 1);
  expect(world.written.at(-1)).toMatchObject({ highest: { id: '7' }, given: String(told) });
});
