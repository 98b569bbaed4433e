import { createRecordsBatch } from '@platformatic/kafka';
import { describe, expect, test } from 'vitest';
import { ConnectionError, KafkaError } from '../../../src/kafka/errors.ts';
import { parseBatch } from '../../../src/replication/batches/record-batch.ts';
import { type LogChunk, type RawBatch } from '../../../src/replication/logs/log-reader.ts';
import { type SchemaIndex } from '../../../src/schema-primary/schema-index.ts';
import { IdSampler, samplerLimits } from '../../../src/sync/schemas/id-sampler.ts';
import { indexOf, logOf, schemaRecord } from '../../schema-primary/schema-log.ts';

/** One batch of records at an offset, as a broker answers it. */
function batchAt(base: bigint, values: readonly Buffer[]): RawBatch {
  const records = values.map((value) => ({ topic: 't', key: Buffer.alloc(0), value }));
  const frame = createRecordsBatch(records).buffer;
  frame.writeBigInt64BE(base, 0);
  const parsed = parseBatch(frame, 0, frame.length);
  if (parsed.kind !== 'batch') throw new Error('no batch');
  return { frame, header: parsed.header, dropped: false };
}

function named(id: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeInt32BE(id, 1);
  return bytes;
}

class Bench {
  readonly logs = new Map<string, RawBatch[]>();
  readonly ends = new Map<string, bigint>();
  readonly asked: string[] = [];
  failure: Error | undefined;
  primary: SchemaIndex = indexOf(logOf([schemaRecord('s', 1, { id: 1 }), schemaRecord('s', 2, { id: 2 })]));
  here: SchemaIndex = indexOf(logOf([schemaRecord('s', 1, { id: 1 })]));
  readonly sampler = new IdSampler({
    copies: () => [...this.ends].map(([topic, end]) => ({ topic, partition: 0, end })),
    log: {
      chunk: ({ topic }, { offset }): Promise<LogChunk> => {
        this.asked.push(`${topic}@${offset}`);
        if (this.failure !== undefined) return Promise.reject(this.failure);
        const batches = (this.logs.get(topic) ?? []).filter(({ header }) => header.lastOffset >= offset);
        return Promise.resolve({ batches, readTo: this.ends.get(topic) ?? 0n });
      },
    },
    ids: () => ({ primary: this.primary.ids, here: this.here.ids }),
    now: () => new Date(0),
  });

  append(topic: string, ...values: readonly Buffer[]): void {
    const end = this.ends.get(topic) ?? 0n;
    this.logs.set(topic, [...(this.logs.get(topic) ?? []), batchAt(end, values)]);
    this.ends.set(topic, end + BigInt(values.length));
  }

  async look(): Promise<ReturnType<IdSampler['view']>> {
    await this.sampler.round(new AbortController().signal);
    return this.sampler.view();
  }
}

describe('samples of records that name schemas', () => {
  test('schemas that are waited for are named with their topic, until they are here', async () => {
    const bench = new Bench();
    bench.append('a_orders', named(1), named(2), named(2), named(900), named(5000), Buffer.from('text'));
    expect(await bench.look()).toEqual({
      sampled: 6,
      named: 4,
      waiting: 2,
      unknown: 1,
      topics: [
        {
          topic: 'a_orders',
          records: 3,
          schemas: [
            { schema: '2', verdict: 'waiting', records: 2, firstSeenAt: '1970-01-01T00:00:00.000Z' },
            { schema: '900', verdict: 'unknown', records: 1, firstSeenAt: '1970-01-01T00:00:00.000Z' },
          ],
        },
      ],
      topicsTotal: 1,
      unreadable: 0,
      sampledAt: '1970-01-01T00:00:00.000Z',
    });
    bench.here = bench.primary;
    expect((await bench.look()).topics).toMatchObject([{ schemas: [{ schema: '900' }] }]);
  });

  test('only what has grown is read, from where it was left, and the newest records of it only', async () => {
    const bench = new Bench();
    bench.append('a_orders', named(1));
    await bench.look();
    await bench.look();
    bench.append('a_orders', named(1));
    await bench.look();
    bench.append('a_orders', ...Array.from({ length: 100 }, () => named(1)));
    const { sampled } = await bench.look();
    expect(bench.asked).toEqual(['a_orders@0', 'a_orders@1', 'a_orders@38']);
    expect(sampled).toBe(2 + samplerLimits.recordsPerPartitionMax);
  });

  test('a round is bounded, and those that wait longest come first', async () => {
    const bench = new Bench();
    const topics = Array.from({ length: samplerLimits.partitionsPerRoundMax + 3 }, (_, index) => `a_${index}`);
    for (const topic of topics) bench.append(topic, named(1));
    await bench.look();
    expect(bench.asked).toHaveLength(samplerLimits.partitionsPerRoundMax);
    for (const topic of topics) bench.append(topic, named(1));
    await bench.look();
    const second = bench.asked.slice(samplerLimits.partitionsPerRoundMax);
    expect(second.slice(0, 3)).toEqual(topics.slice(-3).map((topic) => `${topic}@0`));
  });

  test('a partition that cannot be read is counted; a cluster that cannot be reached ends the round', async () => {
    const bench = new Bench();
    for (const topic of ['a_1', 'a_2', 'a_3']) bench.append(topic, named(1));
    bench.failure = new KafkaError(29, 'reading');
    expect(await bench.look()).toMatchObject({ sampled: 0, unreadable: 3 });
    for (const topic of ['a_1', 'a_2', 'a_3']) bench.append(topic, named(1));
    bench.failure = new ConnectionError('gone');
    await bench.look();
    expect(bench.asked).toHaveLength(4);
    bench.failure = undefined;
    expect(await bench.look()).toMatchObject({ unreadable: 1 });
  });

  test('topics that are no copies any more are forgotten; a copy that was rebuilt is read from its new end', async () => {
    const bench = new Bench();
    bench.append('a_orders', named(2), named(2));
    expect((await bench.look()).topicsTotal).toBe(1);
    bench.logs.set('a_orders', []);
    bench.ends.set('a_orders', 0n);
    bench.append('a_orders', named(1));
    await bench.look();
    expect(bench.asked).toEqual(['a_orders@0', 'a_orders@0']);
    bench.ends.clear();
    expect(await bench.look()).toMatchObject({ topicsTotal: 0, sampled: 0 });
  });
});
