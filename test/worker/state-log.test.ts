import { createRecordsBatch } from '@platformatic/kafka';
import { describe, expect, test } from 'vitest';
import { Cluster } from '../../src/kafka/cluster.ts';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { parseBatch } from '../../src/replication/batches/record-batch.ts';
import type { RawBatch } from '../../src/replication/logs/log-reader.ts';
import { knownMsMax, StateLog, type StateLogPorts } from '../../src/worker/state/state-log.ts';

const signal = AbortSignal.timeout(60_000);

/** One record at an offset; without a value it removes the key. */
function recordAt(offset: bigint, key: string, value?: string): RawBatch {
  const message = { topic: '_umbra', key: Buffer.from(key), value: (value === undefined ? null : Buffer.from(value))! };
  const frame = createRecordsBatch([message]).buffer;
  frame.writeBigInt64BE(offset, 0);
  const parsed = parseBatch(frame, 0, frame.length);
  if (parsed.kind !== 'batch') throw new Error('no batch');
  return { frame, header: parsed.header, dropped: false };
}

/** A stub of a compacted topic, and of a clock. */
class Bench {
  batches: readonly RawBatch[] = [];
  end = 0n;
  nowMs = 0;
  readonly asked: bigint[] = [];
  whileReading: () => void = () => undefined;
  readonly log = new StateLog(
    new Cluster('stub', clusterConfigSchema.parse({ bootstrapServers: ['127.0.0.1:1'] }), { clientId: 'stub' }),
    '_umbra',
    {
      monotonicMs: () => this.nowMs,
      reader: {
        range: () => Promise.resolve({ start: 0n, end: this.end }),
        end: () => Promise.resolve(this.end),
        batches: (_of, { from, to }) => this.#read(from, to),
      } satisfies StateLogPorts['reader'],
    },
  );

  async *#read(from: bigint, to: bigint): AsyncGenerator<RawBatch> {
    this.asked.push(from);
    for (const batch of this.batches) {
      const { baseOffset } = batch.header;
      if (baseOffset >= from && baseOffset < to) yield await Promise.resolve(batch);
    }
    this.whileReading();
  }

  get known(): unknown {
    return Object.fromEntries(this.log.entries);
  }
}

describe('a state log', () => {
  const before = [recordAt(0n, 'a', '1'), recordAt(1n, 'b', '1')];
  // The key was removed at offset 2, and the cleaner took that record with it.
  const after = [recordAt(0n, 'a', '1'), recordAt(3n, 'c', '1')];

  async function readBefore(): Promise<Bench> {
    const bench = new Bench();
    Object.assign(bench, { batches: before, end: 2n });
    await bench.log.catchUp(signal);
    Object.assign(bench, { batches: after, end: 4n });
    return bench;
  }

  test('reads on from where it was, and knows what was removed meanwhile', async () => {
    const bench = await readBefore();
    bench.batches = [...before, recordAt(2n, 'b'), recordAt(3n, 'c', '1')];
    bench.nowMs = knownMsMax;
    await bench.log.catchUp(signal);
    expect(bench.known).toEqual({ a: '1', c: '1' });
    expect(bench.asked).toEqual([0n, 2n]);
  });

  test('of a site that was away for long is read anew: that a key was removed may be forgotten there', async () => {
    const bench = await readBefore();
    bench.nowMs = knownMsMax + 1;
    await bench.log.catchUp(signal);
    expect(bench.known).toEqual({ a: '1', c: '1' });
    expect(bench.log.position).toBe(4n);
    expect(bench.asked).toEqual([0n, 0n]);
  });

  test('that learns more by itself while it is read anew keeps that, and is read anew the next time', async () => {
    const bench = await readBefore();
    bench.nowMs = knownMsMax + 1;
    bench.whileReading = () => bench.log.written([{ key: 'd', value: '1' }], 5n);
    await bench.log.catchUp(signal);
    expect(bench.known).toMatchObject({ d: '1' });
    Object.assign(bench, { whileReading: () => undefined, batches: [...after, recordAt(4n, 'd', '1')], end: 5n });
    await bench.log.catchUp(signal);
    expect(bench.known).toEqual({ a: '1', c: '1', d: '1' });
  });

  test('whose new leader shows less than was read there is not taken back', async () => {
    const bench = await readBefore();
    bench.nowMs = knownMsMax + 1;
    bench.end = 1n;
    await bench.log.catchUp(signal);
    expect(bench.known).toEqual({ a: '1', b: '1' });
    expect(bench.log.position).toBe(2n);
  });
});
