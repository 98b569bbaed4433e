import { createRecordsBatch, fetchV13, produceV9 } from '@platformatic/kafka';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RequestFrame } from '../../src/kafka/connection.ts';
import { encodeFetch, type FetchRequest, newSession } from '../../src/kafka/fetch-api.ts';
import { FramePool } from '../../src/kafka/frame-pool.ts';
import { encodeProduce } from '../../src/kafka/produce-api.ts';

/** The library's encoders are the independent witnesses: where their arguments allow it, every byte must be equal. */
const topicIds = ['00112233445566778899aabbccddeeff', 'ffeeddccbbaa99887766554433221100', '1'.repeat(32)];
const partition = fc.record({
  topicId: fc.constantFrom(...topicIds),
  partition: fc.nat(),
  currentLeaderEpoch: fc.integer({ min: -1 }),
  fetchOffset: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  lastFetchedEpoch: fc.option(fc.nat(), { nil: undefined }),
  bytesMax: fc.nat(),
});
const request: fc.Arbitrary<FetchRequest> = fc.record({
  session: fc.record({ id: fc.nat(), epoch: fc.integer({ min: -1 }) }),
  maxWaitMs: fc.nat(),
  minBytes: fc.nat(),
  bytesMax: fc.nat(),
  partitions: fc.array(partition, { maxLength: 300 }),
  forgotten: fc.array(fc.record({ topicId: fc.constantFrom(...topicIds), partition: fc.nat() }), { maxLength: 5 }),
});

describe('encodeFetch', () => {
  it('makes the bytes that the library makes for the same request', () => {
    fc.assert(
      fc.property(request, (asked) => {
        expect(bodyOf(encodeFetch(asked))).toEqual(libraryFetch(asked));
      }),
      { numRuns: 100 },
    );
  });

  it('is a version 13 request with flexible headers that takes its answer from the pool given', () => {
    const asked = { session: newSession, maxWaitMs: 0, minBytes: 0, bytesMax: 1, partitions: [], forgotten: [] };
    expect(encodeFetch(asked)).toMatchObject({ apiKey: 1, apiVersion: 13, flexible: true });
    expect(encodeFetch(asked).pool).toBeUndefined();
    const pool = new FramePool(1);
    expect(encodeFetch(asked, pool).pool).toBe(pool);
  });
});

const message = fc.record({
  topic: fc.constantFrom('orders', 'a_ünïcödé', 'x'.repeat(249)),
  partition: fc.nat({ max: 50 }),
  timestamp: fc.bigInt({ min: 0n, max: 2n ** 40n }),
  value: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});

describe('encodeProduce', () => {
  it('makes the bytes that the library makes for the same batches', () => {
    // The library sorts the partitions of a topic; so does this, for the bytes to be comparable.
    const uniquePlaces = fc
      .uniqueArray(message, { minLength: 1, maxLength: 40, selector: placeOf })
      .map((messages) => messages.toSorted((left, right) => left.partition - right.partition));
    fc.assert(
      fc.property(uniquePlaces, fc.nat(), (messages, timeoutMs) => {
        const options = { compression: 'none', producerId: 7n, producerEpoch: 0 } as const;
        const library = produceV9.createRequest(-1, timeoutMs, structuredCloneOf(messages), options);
        const batches = messages.map((each) => ({
          topic: each.topic,
          partition: each.partition,
          batch: createRecordsBatch(structuredCloneOf([each]), options).buffer,
        }));
        expect(bodyOf(encodeProduce(batches, { version: 9, timeoutMs }))).toEqual(library.buffer);
      }),
      { numRuns: 100 },
    );
  });

  it('sends batches by reference, not as copies', () => {
    const batch = Buffer.alloc(100_000, 7);
    const { body } = encodeProduce([{ topic: 'orders', partition: 0, batch }], { version: 11, timeoutMs: 1 });
    expect(body).toContain(batch);
    expect(body.reduce((sum, part) => sum + part.length, 0)).toBeLessThan(batch.length + 100);
  });

  it.each([9, 10, 11])('is a version %i request with flexible headers', (version) => {
    expect(encodeProduce([], { version, timeoutMs: 1 })).toMatchObject({
      apiKey: 0,
      apiVersion: version,
      flexible: true,
    });
  });
});

function bodyOf(frame: RequestFrame): Buffer {
  return Buffer.concat(frame.body);
}

function placeOf({ topic, partition: index }: { topic: string; partition: number }): string {
  return `${topic}/${index}`;
}

/** The library fills in fields of the messages it is given; Buffers survive because they are taken over as they are. */
function structuredCloneOf<T extends object>(messages: readonly T[]): T[] {
  return messages.map((each) => ({ ...each }));
}

function libraryFetch(asked: FetchRequest): Buffer {
  const topics = [...Map.groupBy(asked.partitions, ({ topicId }) => topicId)].map(([topicId, list]) => ({
    topicId,
    partitions: list.map((each) => ({
      partition: each.partition,
      currentLeaderEpoch: each.currentLeaderEpoch,
      fetchOffset: each.fetchOffset,
      lastFetchedEpoch: each.lastFetchedEpoch ?? -1,
      partitionMaxBytes: each.bytesMax,
    })),
  }));
  const forgotten = [...Map.groupBy(asked.forgotten, ({ topicId }) => topicId)].map(([topicId, list]) => ({
    topicId,
    topic: topicId,
    partitions: list.map((each) => each.partition),
  }));
  const readCommitted = 1;
  const { maxWaitMs, minBytes, bytesMax, session } = asked;
  return fetchV13.createRequest(
    ...([maxWaitMs, minBytes, bytesMax, readCommitted, session.id, session.epoch] as const),
    ...([topics, forgotten, ''] as const),
  ).buffer;
}
