import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Frame, FramePool } from '../../src/kafka/frame-pool.ts';

const KiB = 1024;
const never = new AbortController().signal;

describe('a frame pool', () => {
  it('gives frames of exactly the length asked for', () => {
    const pool = new FramePool(1024 * KiB);
    for (const length of [0, 1, 64 * KiB - 1, 64 * KiB, 64 * KiB + 1, 700_000]) {
      const frame = pool.acquire(length);
      expect(frame.bytes).toHaveLength(length);
      expect(frame.heldBytes).toBeGreaterThanOrEqual(length);
      expect(pool.heldBytes).toBe(frame.heldBytes);
      frame.release();
      expect(pool.heldBytes).toBe(0);
    }
  });

  it('takes at most a quarter more memory than a frame needs', () => {
    const pool = new FramePool(64 * 1024 * KiB);
    for (const length of [64 * KiB + 1, 100 * KiB, 1024 * KiB + 100, 16 * 1024 * KiB + 100]) {
      const frame = pool.acquire(length);
      expect(frame.heldBytes).toBeLessThanOrEqual(length * 1.25 + 1);
      frame.release();
    }
  });

  it('counts memory from elsewhere until it is released, and keeps none of it', () => {
    const pool = new FramePool(1024 * KiB);
    const adopted = pool.adopt(Buffer.alloc(500 * KiB));
    expect(pool.heldBytes).toBe(500 * KiB);
    adopted.retain();
    adopted.release();
    expect(pool.heldBytes).toBe(500 * KiB);
    adopted.release();
    expect(pool.heldBytes).toBe(0);
    expect(pool.acquire(500 * KiB).bytes.buffer).not.toBe(adopted.bytes.buffer);
  });

  it('keeps a frame until its last holder has released it', () => {
    const pool = new FramePool(1024 * KiB);
    const frame = pool.acquire(10);
    frame.retain();
    frame.release();
    expect(pool.heldBytes).toBe(64 * KiB);
    frame.release();
    expect(pool.heldBytes).toBe(0);
    expect(() => frame.release()).toThrow('released twice');
    expect(() => frame.retain()).toThrow('a released frame was retained');
  });

  it('uses memory again, but never memory that is still held', () => {
    const pool = new FramePool(1024 * KiB);
    const first = pool.acquire(100);
    const second = pool.acquire(100);
    expect(second.bytes.buffer).not.toBe(first.bytes.buffer);
    first.release();
    const third = pool.acquire(50);
    expect(third.bytes.buffer).toBe(first.bytes.buffer);
    expect(pool.acquire(50).bytes.buffer).not.toBe(third.bytes.buffer);
  });

  it('rejects a reservation whose signal aborts, or has aborted before', async () => {
    const pool = new FramePool(100 * KiB);
    const release = await pool.reserve(100 * KiB, never);
    const giveUp = new AbortController();
    const waiting = pool.reserve(1, giveUp.signal);
    giveUp.abort(new Error('given up'));
    await expect(waiting).rejects.toThrow('given up');
    await expect(pool.reserve(1, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
    release();
    (await pool.reserve(100 * KiB, never))();
  });

  it('lets one reservation over the bound through when nothing at all is in use', async () => {
    const pool = new FramePool(100 * KiB);
    const release = await pool.reserve(1000 * KiB, never);
    const second = pool.reserve(1, never);
    expect(await settled(second)).toBe(false);
    release();
    (await second)();
  });

  it('serves who waits in the order of coming: little requests do not pass by a large one for ever', async () => {
    const pool = new FramePool(512 * KiB);
    const first = pool.acquire(256 * KiB);
    const large = pool.reserve(512 * KiB, never);
    const small = pool.reserve(64 * KiB, never);
    expect([await settled(large), await settled(small)]).toEqual([false, false]);
    first.release();
    const release = await large;
    expect(await settled(small)).toBe(false);
    release();
    (await small)();
  });

  it('goes on with the next one when the first one gives up', async () => {
    const pool = new FramePool(512 * KiB);
    const held = pool.acquire(256 * KiB);
    const giveUp = new AbortController();
    const large = expect(pool.reserve(512 * KiB, giveUp.signal)).rejects.toThrow('given up');
    const small = pool.reserve(64 * KiB, never);
    giveUp.abort(new Error('given up'));
    await large;
    (await small)();
    held.release();
  });

  it('wakes who waits when a frame is released', async () => {
    const pool = new FramePool(128 * KiB);
    const frame = pool.acquire(128 * KiB);
    const waiting = pool.reserve(64 * KiB, never);
    expect(await settled(waiting)).toBe(false);
    frame.release();
    (await waiting)();
  });

  it('never holds more than its bound where every frame fits its reservation', async () => {
    const bytesMax = 512 * KiB;
    const work = fc.array(fc.record({ bytes: fc.nat(400 * KiB), keptFor: fc.nat(4) }), { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(work, async (jobs) => {
        const pool = new FramePool(bytesMax);
        let users = 0;
        const run = async ({ bytes, keptFor }: (typeof jobs)[number]): Promise<void> => {
          const release = await pool.reserve(bytes, never);
          users += 1;
          await turns(1);
          const frame: Frame = pool.acquire(bytes);
          release();
          expect(pool.heldBytes <= bytesMax || users === 1).toBe(true);
          await turns(keptFor);
          users -= 1;
          frame.release();
        };
        await Promise.all(jobs.map(run));
        expect(pool.heldBytes).toBe(0);
        (await pool.reserve(bytesMax, never))();
      }),
      { numRuns: 200 },
    );
  });
});

/** Lets other promises run. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  void promise.then(() => (done = true));
  await turns(2);
  return done;
}
