import type { Producer } from 'kafkajs';
import { expect, expectTypeOf, test } from 'vitest';
import {
  type FollowingProducer,
  followProducer,
  type ProducerLike,
} from '../../src/clients/kafkajs/follow-producer.ts';
import { saslBySite } from '../../src/clients/kafkajs/sasl-by-site.ts';
import { eventually } from '../fixtures/wait.ts';

// Stubs, and they say so: how kafkajs itself behaves is shown with brokers (test/real/kafkajs.test.ts).

interface StubProducer extends ProducerLike {
  readonly log: string[];
  send(record: { readonly value: string }): Promise<string>;
}

/** Refuses as a broker would, wrapped as kafkajs does it. */
function brokerSays(type: string): Error {
  const answered = Object.assign(new Error(type), { type });
  return new Error('in kafkajs', { cause: answered });
}

interface Scene {
  readonly made: StubProducer[];
  readonly producer: FollowingProducer<StubProducer>;
  readonly move: () => void;
}

/** `answer` is asked at every send, with the number of the producer that got it, from 0. */
function scene(
  answer: (producer: number, value: string) => Promise<string>,
  options: Parameters<typeof followProducer>[2] = {},
): Scene {
  const listeners = new Set<() => void>();
  const made: StubProducer[] = [];
  const make = (): StubProducer => {
    const number = made.length;
    const log: string[] = [];
    const note = (what: string): Promise<void> => {
      log.push(what);
      return Promise.resolve();
    };
    const producer: StubProducer = {
      log,
      connect: () => note('connect'),
      disconnect: () => note('disconnect'),
      send: ({ value }) => {
        log.push(value);
        return answer(number, value);
      },
      sendBatch: () => Promise.resolve(),
      transaction: () => Promise.resolve(`transaction of ${number}`),
    };
    made.push(producer);
    return producer;
  };
  const onMove = (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const move = (): void => {
    for (const listener of listeners) listener();
  };
  return { made, producer: followProducer({ onMove }, make, options), move };
}

const always = (): Promise<string> => Promise.resolve('acknowledged');

test('it is used as a producer of kafkajs is', () => {
  type Used = FollowingProducer<Producer>;
  expectTypeOf<Used['send']>().toEqualTypeOf<Producer['send']>();
  expectTypeOf<Used['transaction']>().toEqualTypeOf<Producer['transaction']>();
});

test('each move brings a new producer, and the one before ends', async () => {
  const { made, producer, move } = scene(always);
  await producer.connect();
  await producer.send({ value: 'one' });
  move();
  await producer.send({ value: 'two' });
  expect(made.map(({ log }) => log)).toEqual([
    ['connect', 'one', 'disconnect'],
    ['connect', 'two'],
  ]);
  expect(await producer.transaction()).toBe('transaction of 1');
  await producer.disconnect();
  expect(made[1]?.log.at(-1)).toBe('disconnect');
});

test('what is under way stays with the producer that has it, which ends when it is done', async () => {
  const slow = Promise.withResolvers<string>();
  const { made, producer, move } = scene((number) => (number === 0 ? slow.promise : always()));
  const first = producer.send({ value: 'slow' });
  await eventually('it is sent', () => made[0]?.log.includes('slow') || undefined);
  move();
  await producer.send({ value: 'quick' });
  expect(made[0]?.log).toEqual(['connect', 'slow']);
  slow.resolve('at last');
  expect(await first).toBe('at last');
  await eventually('it ends', () => made[0]?.log.includes('disconnect') || undefined);
});

test('a send that is refused for want of rights waits for the move', async () => {
  const { made, producer, move } = scene((number) =>
    number === 0 ? Promise.reject(brokerSays('TOPIC_AUTHORIZATION_FAILED')) : always(),
  );
  const sent = producer.send({ value: 'one' });
  await eventually('it was refused', () => made[0]?.log.includes('one') || undefined);
  move();
  expect(await sent).toBe('acknowledged');
  expect(made).toHaveLength(2);
});

test('a refusal that lasts is told when the time is over, or at once where that is wanted', async () => {
  const refuse = (): Promise<string> => Promise.reject(brokerSays('TOPIC_AUTHORIZATION_FAILED'));
  const held = scene(refuse, { holdMs: 300 });
  await expect(held.producer.send({ value: 'one' })).rejects.toThrow('in kafkajs');
  expect(held.made[0]?.log.filter((what) => what === 'one').length).toBeGreaterThan(1);
  const thrown = scene(refuse, { refused: 'throw' });
  await expect(thrown.producer.send({ value: 'one' })).rejects.toThrow('in kafkajs');
  expect(thrown.made[0]?.log).toEqual(['connect', 'one']);
});

test('a sequence that is out of order is sent anew by the next producer, but told where nothing has moved', async () => {
  const error = brokerSays('OUT_OF_ORDER_SEQUENCE_NUMBER');
  const unmoved = scene(() => Promise.reject(error));
  await expect(unmoved.producer.send({ value: 'one' })).rejects.toBe(error);
  const late = Promise.withResolvers<string>();
  const { made, producer, move } = scene((number) => (number === 0 ? late.promise : always()));
  const sent = producer.send({ value: 'one' });
  await eventually('it is sent', () => made[0]?.log.includes('one') || undefined);
  move();
  late.reject(error);
  expect(await sent).toBe('acknowledged');
});

test('other errors are told at once', async () => {
  const error = brokerSays('MESSAGE_TOO_LARGE');
  const { producer, move } = scene(() => {
    move();
    return Promise.reject(error);
  });
  await expect(producer.send({ value: 'one' })).rejects.toBe(error);
});

test('a producer that could not connect is replaced at the next send', async () => {
  const connects = [() => Promise.reject(new Error('no broker answers')), () => Promise.resolve()];
  const producer = followProducer({ onMove: () => () => undefined }, () => ({
    connect: connects.shift() ?? (() => Promise.reject(new Error('no third one is made'))),
    disconnect: () => Promise.resolve(),
    send: always,
    sendBatch: always,
    transaction: always,
  }));
  await expect(producer.connect()).rejects.toThrow('no broker answers');
  await producer.connect();
});

test('disconnected, it sends nothing any more, and what waits is told why', async () => {
  const { made, producer } = scene(() => Promise.reject(brokerSays('TOPIC_AUTHORIZATION_FAILED')));
  const waiting = producer.send({ value: 'one' });
  await eventually('it was refused', () => made[0]?.log.includes('one') || undefined);
  await producer.disconnect();
  await expect(waiting).rejects.toThrow();
  await expect(producer.send({ value: 'two' })).rejects.toThrow('the producer is disconnected');
});

test('the credentials are those of the site that is primary when they are read', () => {
  let site: string | undefined = 'a';
  const current = (): never => (site === undefined ? undefined : { site }) as never;
  const credentials = { a: { username: 'u', password: 'at a' }, b: { username: 'u', password: 'at b' } };
  const sasl = saslBySite({ current }, 'scram-sha-512', credentials);
  expect([sasl.mechanism, sasl.password]).toEqual(['scram-sha-512', 'at a']);
  site = 'b';
  expect(sasl.password).toBe('at b');
  site = undefined;
  expect(() => sasl.password).toThrow('no credentials for an unknown primary');
});
