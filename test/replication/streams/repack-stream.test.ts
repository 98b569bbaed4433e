import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FramePool } from '../../../src/kafka/frame-pool.ts';
import { Copier } from '../../../src/replication/copier/copier.ts';
import { LinkMeters } from '../../../src/replication/streams/link-meters.ts';
import { onLoop, RepackStream } from '../../../src/replication/streams/repack-stream.ts';
import { soon as soonOf } from '../../kafka/soon.ts';
import { attribute, denseRun, makeBatch } from '../batches/batches.ts';
import { deliver } from './deliver.ts';
import { batchOf, sparseBatch } from '../batches/sparse-batch.ts';

// A thread takes its time to start where many processes share the cores.
const threadMsMax = 60_000;
const topicId = '0'.repeat(32);
const stopping: (() => Promise<void>)[] = [];
let pool: FramePool;
let meters: LinkMeters;
let stream: RepackStream;

beforeAll(() => {
  pool = new FramePool(1 << 28);
  meters = new LinkMeters();
  stream = new RepackStream({ pool, meters });
  const abort = new AbortController();
  const running = stream.run(abort.signal);
  stopping.push(async () => {
    abort.abort();
    await running;
  });
});

afterAll(async () => {
  for (const stop of stopping.splice(0)) await stop();
});

describe('taking batches apart for copiers', { timeout: threadMsMax }, () => {
  it('keeps the order of what passes and what is taken apart, large or small', async () => {
    const copier = started(0);
    const [before] = denseRun(0n, [2]);
    const large = sparse(2n, 4 * onLoop.batchBytesMax);
    const [between] = denseRun(6n, [1]);
    const small = sparse(7n, 20);
    const [last] = denseRun(11n, [3]);
    deliver(copier, pool, Buffer.concat([before!, large, between!, small, last!]), 14n);
    expect(await appendAll(copier, 14n)).toEqual(['0-1', '2-3', 'gap', '5-5', '6-6', '7-8', 'gap', '10-10', '11-13']);
    expect(pool.heldBytes).toBe(0);
  });

  it('takes a batch above the bound apart in a thread, and leaves the loop free meanwhile', async () => {
    const copier = started(0);
    deliver(copier, pool, sparse(0n, 6 << 20), 4n);
    const unpacked = copier.toRepack;
    // What is taken apart on the loop is done before the loop turns; an answer of the thread comes by a turn of it.
    for (let step = 0; step < 100; step++) await Promise.resolve();
    expect(copier.toRepack).toBe(unpacked);
    expect(await appendAll(copier, 4n)).toEqual(['0-1', 'gap', '3-3']);
    expect(pool.heldBytes).toBe(0);
  });

  it('sends what is small but grows to the thread too', async () => {
    const copier = started(0);
    const batch = sparseBatch({
      baseOffset: 0n,
      deltas: [0, 2],
      compression: 'zstd',
      value: () => Buffer.alloc(4 << 20),
    });
    expect(batch.length).toBeLessThan(onLoop.batchBytesMax);
    deliver(copier, pool, batch, 3n);
    expect(await appendAll(copier, 3n)).toEqual(['0-0', 'gap', '2-2']);
  });

  it('drops what was asked for before an interruption', async () => {
    const copier = started(0);
    deliver(copier, pool, sparse(0n, 1 << 20), 4n);
    await new Promise((resolve) => setImmediate(resolve));
    copier.interrupt('a leader moved', 0);
    copier.resumed({ logEnd: 0n, sequence: 0, lastFetchedEpoch: undefined }, copier.generation);
    deliver(copier, pool, Buffer.concat(denseRun(0n, [4])), 4n);
    expect(await appendAll(copier, 4n)).toEqual(['0-3']);
    const other = started(1);
    deliver(other, pool, sparse(0n, 1 << 20), 4n);
    expect(await appendAll(other, 4n)).toEqual(['0-1', 'gap', '3-3']);
    expect(pool.heldBytes).toBe(0);
  });

  it('serves every copier in its turn', async () => {
    const copiers = [0, 1, 2, 3].map(started);
    for (const copier of copiers) {
      deliver(copier, pool, Buffer.concat([sparse(0n, 100_000), sparse(4n, 10), sparse(8n, 100_000)]), 12n);
    }
    const whole = ['0-1', 'gap', '3-3', '4-5', 'gap', '7-7', '8-9', 'gap', '11-11'];
    for (const copier of copiers) expect(await appendAll(copier, 12n)).toEqual(whole);
  });

  it.each([20, 200_000])('reads a batch again whose records are not what they should be (%i bytes)', async (bytes) => {
    const copier = started(0);
    const before = meters.malformedAnswers;
    const plain = Buffer.alloc(bytes, 0x01);
    deliver(copier, pool, batchOf(plain, { baseOffset: 0n, records: 3, lastOffsetDelta: 5 }), 6n);
    await soon('an interruption', () => (copier.state.kind === 'resuming' ? true : undefined));
    expect(copier.state).toMatchObject({
      reason: expect.stringContaining('batch at offset 0 cannot be taken apart') as unknown,
    });
    expect(meters.malformedAnswers).toBe(before + 1);
    expect(pool.heldBytes).toBe(0);
  });

  it('faults by name before a batch that is too large once it is decompressed, after what stands before it', async () => {
    const copier = started(0);
    const bomb = batchOf(Buffer.alloc(65 << 20), {
      baseOffset: 2n,
      records: 3,
      lastOffsetDelta: 5,
      compression: 'zstd',
    });
    deliver(copier, pool, Buffer.concat([...denseRun(0n, [2]), bomb]), 8n);
    expect(await appendAll(copier, 2n)).toEqual(['0-1']);
    await soon('a suspicion', () => (copier.state.kind === 'resuming' ? true : undefined));
    copier.resumed({ logEnd: 2n, sequence: 2, lastFetchedEpoch: 0 }, copier.generation);
    deliver(copier, pool, bomb, 8n);
    await soon('a fault', () => (copier.state.kind === 'faulted' ? true : undefined));
    expect(copier.state).toMatchObject({ kind: 'faulted', fault: { code: 'BATCH_TOO_LARGE', offset: 2n } });
    expect(pool.heldBytes).toBe(0);
  });

  it('counts what it made as held until it is appended', async () => {
    const copier = started(0);
    const batch = makeBatch({ baseOffset: 0n, records: 3, valueBytes: 50_000, attributes: attribute.logAppendTime });
    deliver(copier, pool, batch, 3n);
    await soon('a batch', () => (copier.hasBatch ? true : undefined));
    expect(pool.heldBytes).toBeGreaterThan(150_000);
    expect(pool.heldBytes).toBeLessThan(160_000);
    copier.stop();
    expect(pool.heldBytes).toBe(0);
  });

  it('stops although the thread is busy', async () => {
    const copier = started(0);
    const value = randomBytes(8 << 20);
    deliver(copier, pool, sparseBatch({ baseOffset: 0n, deltas: [0, 2], compression: 'gzip', value: () => value }), 3n);
    await new Promise((resolve) => setImmediate(resolve));
    copier.stop();
    for (const stop of stopping.splice(0)) await stop();
    expect(pool.heldBytes).toBe(0);
  });
});

function soon<T>(what: string, condition: () => T | undefined): Promise<T> {
  return soonOf(what, condition, threadMsMax);
}

function sparse(baseOffset: bigint, bytes: number): Buffer {
  const value = randomBytes(Math.ceil(bytes / 3));
  return sparseBatch({ baseOffset, deltas: [0, 1, 3], value: () => value });
}

/** Tells the stream of its changes, as the replicator does. */
function started(partition: number): Copier {
  const copier = new Copier(
    { topic: 't', partition, sourceTopicId: topicId, targetTopicId: topicId, producerId: 2n ** 52n },
    {
      clock: { monotonicMs: () => performance.now(), now: () => new Date() },
      queueBytesMax: 1 << 26,
      gapOffsetsMax: () => 1_000_000n,
      changed: (changed) => stream.touch(changed),
    },
  );
  copier.resumed({ logEnd: 0n, sequence: 0, lastFetchedEpoch: undefined }, copier.generation);
  return copier;
}

/** Appends what comes up to offset `end`, and says what it was. */
async function appendAll(copier: Copier, end: bigint): Promise<string[]> {
  const appended: string[] = [];
  while (copier.copiedTo !== end) {
    await soon(`something at offset ${copier.copiedTo}`, () => (copier.hasBatch || copier.hasGap ? true : undefined));
    const at = copier.copiedTo ?? 0n;
    if (copier.hasGap) {
      const count = copier.takeMarkers(100);
      appended.push('gap');
      copier.filled(at + BigInt(count));
      continue;
    }
    const { batch, frame } = copier.takeBatch();
    appended.push(`${at}-${at + BigInt(batch.readInt32BE(23))}`);
    frame.release();
    copier.appended(at);
  }
  return appended;
}
