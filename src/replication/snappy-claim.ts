import { MalformedError } from '../kafka/errors.ts';
import { WireReader } from '../kafka/wire-reader.ts';

/** Three bytes stand for at most 64 (a copy with a two byte offset), so no honest block grows by more than this. */
const growthMax = 32;

const xerialMagic = Buffer.from('82534e4150505900', 'hex');
const xerialHeaderBytes = 16;

/**
 * Snappy writes in front of each block how long it was before, and the decompressor believes it: nine bytes that claim
 * 2 GiB take 2 GiB, for good. Java's clients frame blocks of 32 KiB (xerial), others send one bare block.
 * Returns the sum of what is claimed; throws {@link MalformedError} for a claim that the block cannot keep.
 */
export function refuseFalseClaims(payload: Buffer): number {
  let bytes = 0;
  for (const block of blocksOf(payload)) {
    const claimed = new WireReader(block).unsignedVarint();
    if (claimed > block.length * growthMax) {
      throw new MalformedError(`a snappy block of ${block.length} bytes that claims to be ${claimed}`);
    }
    bytes += claimed;
  }
  return bytes;
}

function* blocksOf(payload: Buffer): Generator<Buffer> {
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
