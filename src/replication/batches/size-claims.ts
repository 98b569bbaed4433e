import { MalformedError } from '../../kafka/errors.ts';
import { WireReader } from '../../kafka/wire-reader.ts';

/** Three bytes stand for at most 64 (a copy with a two byte offset), so no honest block grows by more than this. */
const snappyGrowthMax = 32;

const xerialMagic = Buffer.from('82534e4150505900', 'hex');
const xerialHeaderBytes = 16;

/**
 * How large compressed bytes say they will be, read without decompressing. Decompressors of these two codecs take no
 * bound and believe what they read: nine bytes that claim 2 GiB take 2 GiB.
 */
export type SizeClaim = (payload: Buffer) => number;

/**
 * Snappy writes in front of each block how long it was before. Throws {@link MalformedError} for a claim that the
 * block cannot keep.
 */
export const snappyClaim: SizeClaim = (payload) => {
  let sum = 0;
  for (const block of snappyBlocks(payload)) {
    const claimed = new WireReader(block).unsignedVarint();
    if (claimed > block.length * snappyGrowthMax) {
      throw new MalformedError(`a snappy block of ${block.length} bytes that claims to be ${claimed}`);
    }
    sum += claimed;
  }
  return sum;
};

/** Java's clients frame blocks of 32 KiB (xerial), others send one bare block. */
export function* snappyBlocks(payload: Buffer): Generator<Buffer> {
  if (!payload.subarray(0, xerialMagic.length).equals(xerialMagic)) {
    yield payload;
    return;
  }
  const reader = new WireReader(payload, Math.min(xerialHeaderBytes, payload.length));
  while (reader.remaining > 0) {
    const length = reader.int32();
    const start = reader.position;
    reader.skip(length);
    yield payload.subarray(start, reader.position);
  }
}

const lz4Magic = 0x184d_2204;
const storedBit = 0x8000_0000;
/** By the code in the frame's descriptor. */
const lz4BlockBytesMax: ReadonlyMap<number, number> = new Map([
  [4, 64 * 1024],
  [5, 256 * 1024],
  [6, 1024 * 1024],
  [7, 4 * 1024 * 1024],
]);

/**
 * An LZ4 frame names the largest size of its blocks, and the decompressor holds each block to it: no more than so many
 * bytes per block, which is close for all blocks but the last.
 *
 * ```
 *   magic (4, little-endian) | flags | descriptor | content size (8)? | dictionary id (4)? | header checksum | blocks…
 *   block: size (4, little-endian; top bit: stored) | bytes | checksum (4)?          size 0: the end
 * ```
 */
export const lz4Claim: SizeClaim = (payload) => {
  const reader = new WireReader(payload);
  if (reader.remaining < 7 || payload.readUInt32LE(0) !== lz4Magic) throw new MalformedError('an LZ4 frame');
  const flags = payload.readUInt8(4);
  const blockBytesMax = lz4BlockBytesMax.get((payload.readUInt8(5) >>> 4) & 0x07);
  if (blockBytesMax === undefined) throw new MalformedError('the block size of an LZ4 frame');
  reader.skip(6 + ((flags & 0x08) === 0 ? 0 : 8) + ((flags & 0x01) === 0 ? 0 : 4) + 1);
  const checksumBytes = (flags & 0x10) === 0 ? 0 : 4;
  let sum = 0;
  while (reader.remaining >= 4) {
    const size = payload.readUInt32LE(reader.position);
    reader.skip(4);
    if (size === 0) break;
    const stored = size >= storedBit;
    reader.skip((stored ? size - storedBit : size) + checksumBytes);
    sum += stored ? size - storedBit : blockBytesMax;
  }
  return sum;
};
