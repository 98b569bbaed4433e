import { zstdCompressSync } from 'node:zlib';
import { compressionsAlgorithms } from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import { decompress, plainBytesMax } from '../../src/replication/decompress.ts';
import { decodeRecords } from '../../src/replication/records.ts';
import { parseBatch } from '../../src/replication/record-batch.ts';
import { makeBatch, resealed } from './batches.ts';

const codecs = ['gzip', 'snappy', 'lz4', 'zstd'] as const;
const numbers = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

describe('decompressing the records of a batch', () => {
  it.each(codecs)('stops at the bound: %s', (name) => {
    const plain = Buffer.alloc(300_000, 'some text ');
    const payload = Buffer.from(compressionsAlgorithms[name].compressSync(plain));
    expect(decompress(numbers[name], payload)).toEqual(plain);
    expect(() => decompress(numbers[name], payload, 200_000)).toThrow(
      new RangeError('more than 200000 bytes uncompressed, the most that is taken apart'),
    );
  });

  it('refuses an LZ4 frame with more behind it', () => {
    const frame = Buffer.from(compressionsAlgorithms.lz4.compressSync(Buffer.from('one')));
    expect(() => decompress(3, Buffer.concat([frame, frame]))).toThrow('bytes behind an LZ4 frame');
  });

  it('names batch and bound where a few bytes stand for very many', () => {
    const head = makeBatch({ baseOffset: 7n, records: 1 }).subarray(0, 61);
    const batch = Buffer.concat([head, zstdCompressSync(Buffer.alloc(plainBytesMax + 1))]);
    batch.writeInt32BE(batch.length - 12, 8);
    batch.writeInt16BE(numbers.zstd, 21);
    const parsed = parseBatch(resealed(batch), 0, batch.length);
    if (parsed.kind !== 'batch') throw new Error(parsed.kind);
    expect(() => decodeRecords({ frame: batch, header: parsed.header })).toThrow(
      /the batch at offset 7: more than 268435456 bytes uncompressed/,
    );
  });
});
