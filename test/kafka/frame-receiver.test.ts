import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../src/kafka/errors.ts';
import { type Frame, FramePool } from '../../src/kafka/frame-pool.ts';
import { FrameReceiver } from '../../src/kafka/frame-receiver.ts';
import { anyBytes, damaged, outcomeOf } from './hostile.ts';
import { frame } from './loopback.ts';

const frameBytesMax = 100_000;

/** A receiver whose frames are collected, as text of `correlation id: bytes behind it`, and given back. */
function receiver(known: (correlationId: number) => boolean = () => true) {
  const pool = new FramePool(1 << 20);
  const frames: string[] = [];
  const sink = {
    allocate(correlationId: number, length: number): Frame {
      if (!known(correlationId)) throw new MalformedError('nobody asked');
      return pool.acquire(length);
    },
    deliver(correlationId: number, taken: Frame): void {
      expect(taken.bytes.readInt32BE(0)).toBe(correlationId);
      frames.push(`${correlationId}: ${taken.bytes.toString('hex', 4)}`);
      taken.release();
    },
  };
  return { pool, frames, receiver: new FrameReceiver(frameBytesMax, sink) };
}

/** Feeds bytes as the kernel does: never more than the target takes, at most `step` at a time. */
function feed(into: FrameReceiver, bytes: Buffer, step: number): void {
  let position = 0;
  while (position < bytes.length) {
    const target = into.target();
    if (target.length === 0) expect.fail('no room for the next byte');
    const count = Math.min(step, target.length, bytes.length - position);
    bytes.copy(target, 0, position, position + count);
    into.received(count);
    position += count;
  }
}

const anyFrame = fc.record({
  id: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  body: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
});

describe('a frame receiver', () => {
  it('gives out the same frames however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 6 }), fc.integer({ min: 1, max: 60 }), (sent, step) => {
        const { pool, frames, receiver: into } = receiver();
        feed(into, Buffer.concat(sent.map(({ id, body }) => frame(id, body))), step);
        expect(frames).toEqual(sent.map(({ id, body }) => `${id}: ${body.toString('hex')}`));
        expect(pool.heldBytes).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it.each([-2_147_483_648, -1, 0, 3, frameBytesMax + 1, 2_147_483_647])('refuses a frame of %i bytes', (size) => {
    const head = Buffer.alloc(8);
    head.writeInt32BE(size);
    const { pool, receiver: into } = receiver();
    expect(() => feed(into, head, 8)).toThrow(MalformedError);
    expect(pool.heldBytes).toBe(0);
  });

  it('takes a frame of the largest size allowed', () => {
    const { frames, receiver: into } = receiver();
    feed(into, frame(1, Buffer.alloc(frameBytesMax - 4)), 4096);
    expect(frames).toHaveLength(1);
  });

  it('takes memory only for an answer that somebody waits for', () => {
    const { pool, frames, receiver: into } = receiver((id) => id === 1);
    expect(() => feed(into, Buffer.concat([frame(1, Buffer.of(9)), frame(2, Buffer.of(9))]), 100)).toThrow(
      MalformedError,
    );
    expect(frames).toEqual(['1: 09']);
    expect(pool.heldBytes).toBe(0);
  });

  it('gives back what it holds of a frame that never ends', () => {
    const { pool, receiver: into } = receiver();
    feed(into, frame(1, Buffer.alloc(50)).subarray(0, 30), 30);
    expect(pool.heldBytes).toBeGreaterThan(0);
    into.abandon();
    into.abandon();
    expect(pool.heldBytes).toBe(0);
  });

  it('delivers, waits or refuses, whatever the bytes, and holds memory for one frame at most', () => {
    const frames = Buffer.concat([1, 2, 3].map((id) => frame(id, Buffer.alloc(id * 5, id))));
    fc.assert(
      fc.property(fc.oneof(anyBytes, damaged(frames)), fc.integer({ min: 1, max: 60 }), (bytes, step) => {
        const { pool, receiver: into } = receiver();
        outcomeOf(() => feed(into, bytes, step));
        expect(pool.heldBytes).toBeLessThanOrEqual(2 * frameBytesMax);
        into.abandon();
        expect(pool.heldBytes).toBe(0);
      }),
      { numRuns: 2000 },
    );
  });
});
