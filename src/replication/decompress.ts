import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { compressionsAlgorithmsByBitmask } from '@platformatic/kafka';
import { MalformedError } from '../kafka/errors.ts';
import { WireReader } from '../kafka/wire-reader.ts';
import { refuseFalseClaims } from './snappy-claim.ts';

/**
 * The most that the records of one batch may take uncompressed. Brokers bound only what is compressed, and a few
 * kilobytes can stand for gigabytes; batches of real producers stay below `batch.size` (16 KiB to some MiB).
 */
export const plainBytesMax = 256 * 1024 * 1024;

const codecs = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

/**
 * The records of a batch as they were before compression; `codec` is the number in the batch's attributes.
 * Throws for what cannot be decompressed, RangeError for what would take more than `bytesMax` (less only in tests).
 */
export function decompress(codec: number, payload: Buffer, bytesMax = plainBytesMax): Buffer {
  switch (codec) {
    case codecs.none:
      return payload;
    case codecs.gzip:
      return bounded(() => gunzipSync(payload, { maxOutputLength: bytesMax }), bytesMax);
    case codecs.zstd:
      return bounded(() => zstdDecompressSync(payload, { maxOutputLength: bytesMax }), bytesMax);
    case codecs.snappy:
      // They claim how much they will be, and are bounded by what they can be.
      if (refuseFalseClaims(payload) > bytesMax) throw tooLarge(bytesMax);
      return byLibrary(codec, payload);
    case codecs.lz4:
      if (lz4BytesAtMost(payload) > bytesMax) throw tooLarge(bytesMax);
      return byLibrary(codec, payload);
    default:
      throw new MalformedError(`compression ${codec} is none that is known`);
  }
}

function bounded(inflate: () => Buffer, bytesMax: number): Buffer {
  try {
    return inflate();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    throw code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(bytesMax) : error;
  }
}

function byLibrary(codec: number, payload: Buffer): Buffer {
  const algorithm = compressionsAlgorithmsByBitmask[codec];
  if (algorithm === undefined) throw new MalformedError(`compression ${codec} is none that is known`);
  return algorithm.decompressSync(payload);
}

function tooLarge(bytesMax: number): RangeError {
  return new RangeError(`more than ${bytesMax} bytes uncompressed, the most that is taken apart`);
}

const lz4Magic = 0x184d2204;
/** Block sizes by their number in the frame's descriptor, from 4 on. */
const lz4BlockBytes = [64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024] as const;
/** A byte of a sequence's length stands for 255 more. */
const lz4GrowthMax = 255;

/** No more than this can come out of an LZ4 frame: per block its size in the descriptor, or what its bytes can say. */
function lz4BytesAtMost(payload: Buffer): number {
  const reader = new WireReader(payload);
  const magic = payload.length < 4 ? 0 : payload.readUInt32LE(0);
  if (magic !== lz4Magic) throw new MalformedError('an LZ4 frame without its magic number');
  reader.skip(4);
  const flags = reader.int8();
  const blockBytes = lz4BlockBytes[((reader.int8() >> 4) & 7) - 4];
  if (blockBytes === undefined) throw new MalformedError('an LZ4 frame of unknown block size');
  const has = (bit: number): boolean => (flags & (1 << bit)) !== 0;
  reader.skip((has(3) ? 8 : 0) + (has(0) ? 4 : 0) + 1); // content size, dictionary, header checksum
  let bytes = 0;
  while (reader.remaining >= 4) {
    const size = payload.readUInt32LE(reader.position);
    reader.skip(4);
    if (size === 0) {
      if (reader.remaining !== (has(2) ? 4 : 0)) throw new MalformedError('bytes behind an LZ4 frame');
      return bytes;
    }
    const stored = size & 0x7fff_ffff;
    const plain = size !== stored;
    bytes += plain ? stored : Math.min(blockBytes, stored * lz4GrowthMax);
    reader.skip(stored + (has(4) ? 4 : 0)); // and the block's checksum
  }
  return bytes;
}
