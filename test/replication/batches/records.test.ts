import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../src/kafka/errors.ts';
import { UncompressedTooLargeError } from '../../../src/replication/batches/compression.ts';
import { parseBatch } from '../../../src/replication/batches/record-batch.ts';
import {
  type BatchInFrame,
  decodeRecords,
  type RawRecord,
  walkRecords,
} from '../../../src/replication/batches/records.ts';
import { type BatchShape, makeBatch } from './batches.ts';

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

function batchOf(shape: Partial<BatchShape>): BatchInFrame {
  const frame = makeBatch({ baseOffset: 100n, records: 3, ...shape });
  const parsed = parseBatch(frame, 0, frame.length);
  if (parsed.kind !== 'batch') throw new Error('the batch was not made right');
  return { frame, header: parsed.header };
}

async function walked(batch: BatchInFrame): Promise<readonly RawRecord[]> {
  const records: RawRecord[] = [];
  for await (const record of walkRecords(batch)) records.push(record);
  return records;
}

describe('walking through the records of a batch', () => {
  it.each(codecs)('shows what decoding it at once shows, small and large: %s', async (compression) => {
    for (const records of [1, 5, 6_000]) {
      const batch = batchOf({ records, compression, valueBytes: 40 });
      expect(await walked(batch)).toEqual(decodeRecords(batch));
    }
  });

  it.each(['none', 'gzip'] as const)('leaves the event loop to others in between: %s', async (compression) => {
    const batch = batchOf({ records: 40_000, compression });
    const records = walkRecords(batch);
    await records.next();
    let turns = 0;
    const count = (): void => {
      turns += 1;
      next = setImmediate(count);
    };
    let next = setImmediate(count);
    let left = 0;
    while ((await records.next()).done !== true) left += 1;
    clearImmediate(next);
    expect(left).toBe(39_999);
    expect(turns).toBeGreaterThan(1);
  });

  it.each(codecs.slice(1))('ends with an error where the bytes are damaged, and for those alone: %s', async (codec) => {
    const { frame, header } = batchOf({ records: 6_000, compression: codec, valueBytes: 40 });
    frame.fill(0xff, header.start + 61 + 20, header.start + 61 + 400);
    await expect(walked({ frame, header })).rejects.toThrow(MalformedError);
  });

  it.each(['gzip', 'zstd'] as const)('refuses more than may be in memory before it is: %s', async (compression) => {
    const batch = batchOf({ records: 1, compression, valueBytes: 65 * 2 ** 20 });
    expect(batch.frame.length).toBeLessThan(2 ** 20);
    await expect(walked(batch)).rejects.toThrow(UncompressedTooLargeError);
  });
});
