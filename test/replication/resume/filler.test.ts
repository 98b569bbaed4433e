import { describe, expect, it } from 'vitest';
import { compress } from '../../../src/replication/batches/compression.ts';
import { encodeBatch } from '../../../src/replication/batches/encode-batch.ts';
import { parseBatch } from '../../../src/replication/batches/record-batch.ts';
import type { BatchInFrame } from '../../../src/replication/batches/records.ts';
import { isFiller } from '../../../src/replication/resume/head-fill.ts';
import { makeBatch } from '../batches/batches.ts';

const zstd = 4;

function inFrame(frame: Buffer): BatchInFrame {
  const parsed = parseBatch(frame, 0, frame.length);
  if (parsed.kind !== 'batch') throw new Error('the batch was not made right');
  return { frame, header: parsed.header };
}

/** Two records without time: length, attributes, time delta, offset delta, key, value, headers. */
function untimed(value: readonly number[]): BatchInFrame {
  const record = (offset: number): number[] => [0, 0, 2 * offset, 1, ...value, 0];
  const plain = [0, 1].flatMap((offset) => [2 * record(offset).length, ...record(offset)]);
  const content = { codec: zstd, records: 2, baseTimestamp: -1n, largestDelta: 0n };
  return inFrame(encodeBatch(Buffer.from(plain), content));
}

describe('a filler of a head', () => {
  it('holds nothing but offsets', async () => {
    expect(await isFiller(untimed([1]))).toBe(true);
  });

  it('is not what an application wrote without times', async () => {
    expect(await isFiller(untimed([2, 0x41]))).toBe(false);
  });

  it('is no batch with times, none of another codec, and none that cannot be decoded', async () => {
    expect(await isFiller(inFrame(makeBatch({ baseOffset: 0n, records: 2, compression: 'zstd' })))).toBe(false);
    const damaged = untimed([1]);
    const stored = compress(zstd, Buffer.from('not a record'));
    stored.copy(damaged.frame, 61, 0, Math.min(stored.length, damaged.frame.length - 61));
    expect(await isFiller(damaged)).toBe(false);
  });
});
