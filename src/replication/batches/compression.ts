import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { lz4Compress, lz4Decompress, snappyCompress, snappyDecompress } from '@platformatic/wasm-utils';
import { MalformedError } from '../../kafka/errors.ts';
import { lz4Claim, snappyBlocks, snappyClaim } from './size-claims.ts';

/**
 * Largest record section, in bytes before compression, that is taken apart: of one batch at a time in a process. What
 * is only passed on is never decompressed and knows no such bound.
 */
export const uncompressedBytesMax = 64 * 1024 * 1024;

/** A batch that is more than may be in memory once it is decompressed. Its bytes may be right. */
export class UncompressedTooLargeError extends Error {
  constructor(bytesMax: number) {
    super(`the records are larger than ${bytesMax} bytes before compression`);
    this.name = 'UncompressedTooLargeError';
  }
}

interface Codec {
  readonly compress: (plain: Buffer) => Buffer;
  /** Throws whatever the library throws, or {@link UncompressedTooLargeError} before more than `bytesMax` are written. */
  readonly decompress: (payload: Buffer, bytesMax: number) => Buffer;
  /** The same without holding the event loop. */
  readonly decompressAside?: (payload: Buffer, bytesMax: number) => Promise<Buffer>;
}

/** Of 32 KiB each, from Java's clients. */
const blocksPerTurn = 64;

/** By the number in a batch's attributes; 0 is no compression and not in the list. */
const codecs: ReadonlyMap<number, Codec> = new Map<number, Codec>([
  [
    1,
    {
      compress: (plain) => zlib.gzipSync(plain),
      decompress: bounded(zlib.gunzipSync),
      decompressAside: boundedAside(promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip)),
    },
  ],
  [
    2,
    {
      compress: snappyCompress,
      decompress: (payload, bytesMax) => {
        refuseAbove(snappyClaim(payload), bytesMax);
        return joined([...snappyBlocks(payload)].map((block) => snappyDecompress(block)));
      },
      decompressAside: async (payload, bytesMax) => {
        refuseAbove(snappyClaim(payload), bytesMax);
        const parts: Buffer[] = [];
        for (const block of snappyBlocks(payload)) {
          parts.push(snappyDecompress(block));
          if (parts.length % blocksPerTurn === 0) await nextTurn();
        }
        return joined(parts);
      },
    },
  ],
  [
    3,
    {
      compress: lz4Compress,
      decompress: (payload, bytesMax) => {
        refuseAbove(lz4Claim(payload), bytesMax);
        return lz4Decompress(payload);
      },
    },
  ],
  [
    4,
    {
      compress: (plain) => zlib.zstdCompressSync(plain),
      decompress: bounded(zlib.zstdDecompressSync),
      decompressAside: boundedAside(promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress)),
    },
  ],
]);

/** The record section of a batch as it is stored; for codec 0 the same bytes. */
export function compress(codec: number, plain: Buffer): Buffer {
  return codec === 0 ? plain : codecOf(codec).compress(plain);
}

/**
 * The record section of a batch as it was before compression; for codec 0 the same bytes.
 * @throws UncompressedTooLargeError when it is larger than `bytesMax`, without having made it
 * @throws MalformedError when it cannot be decompressed
 */
export function decompress(codec: number, payload: Buffer, bytesMax: number): Buffer {
  if (codec === 0) return payload;
  const { decompress: run } = codecOf(codec);
  try {
    return run(payload, bytesMax);
  } catch (error) {
    if (error instanceof UncompressedTooLargeError) throw error;
    throw new MalformedError('records that cannot be decompressed', { cause: error });
  }
}

/** Below this the way to another thread and back costs more than it saves. */
const asideBytesMin = 16 * 1024;

/**
 * Like {@link decompress}, but the event loop goes on meanwhile: gzip and zstd in the thread pool of Node, snappy block
 * by block. LZ4 has no such way; at its speed 64 MiB hold the loop for less than 100 ms.
 */
export async function decompressAside(codec: number, payload: Buffer, bytesMax: number): Promise<Buffer> {
  if (codec === 0 || payload.length < asideBytesMin) return decompress(codec, payload, bytesMax);
  const { decompressAside: run } = codecOf(codec);
  if (run === undefined) return decompress(codec, payload, bytesMax);
  try {
    return await run(payload, bytesMax);
  } catch (error) {
    if (error instanceof UncompressedTooLargeError) throw error;
    throw new MalformedError('records that cannot be decompressed', { cause: error });
  }
}

function codecOf(number: number): Codec {
  const codec = codecs.get(number);
  if (codec === undefined) throw new MalformedError(`compression ${number} is none that is known`);
  return codec;
}

/** zlib joins what it wrote in chunks: with one chunk for what most batches become, that memory is not needed twice. */
const growthUsual = 16;
const chunkBytesMin = 64 * 1024;

interface ZlibBounds {
  readonly maxOutputLength: number;
  readonly chunkSize: number;
}

function bounded(decompressSync: (payload: Buffer, bounds: ZlibBounds) => Buffer): Codec['decompress'] {
  return (payload, bytesMax) => {
    try {
      return decompressSync(payload, boundsOf(payload, bytesMax));
    } catch (error) {
      throw boundError(error, bytesMax);
    }
  };
}

function boundedAside(
  decompress: (payload: Buffer, bounds: ZlibBounds) => Promise<Buffer>,
): NonNullable<Codec['decompressAside']> {
  return async (payload, bytesMax) => {
    try {
      return await decompress(payload, boundsOf(payload, bytesMax));
    } catch (error) {
      throw boundError(error, bytesMax);
    }
  };
}

function boundsOf(payload: Buffer, bytesMax: number): ZlibBounds {
  const chunkSize = Math.min(bytesMax, Math.max(chunkBytesMin, payload.length * growthUsual));
  return { maxOutputLength: bytesMax, chunkSize };
}

function boundError(error: unknown, bytesMax: number): unknown {
  const tooLarge = error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
  return tooLarge ? new UncompressedTooLargeError(bytesMax) : error;
}

function refuseAbove(bytes: number, bytesMax: number): void {
  if (bytes > bytesMax) throw new UncompressedTooLargeError(bytesMax);
}

function joined(parts: readonly Buffer[]): Buffer {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}
