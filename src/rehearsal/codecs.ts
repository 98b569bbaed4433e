import kafkajs from 'kafkajs';
import { compress, decompressAside, uncompressedBytesMax } from '../replication/batches/compression.ts';

interface KafkajsCodec {
  readonly compress: (encoder: { readonly buffer: Buffer }) => Promise<Buffer>;
  readonly decompress: (payload: Buffer) => Promise<Buffer>;
}

/** kafkajs brings none but gzip along: its applications bring the others. The number is that of batches. */
function codec(number: number): () => KafkajsCodec {
  return () => ({
    compress: (encoder) => Promise.resolve(compress(number, encoder.buffer)),
    decompress: (payload) => decompressAside(number, payload, uncompressedBytesMax),
  });
}

/** Has every consumer of kafkajs in this process read all five codecs. Idempotent. */
export function bringCodecs(): void {
  const { CompressionCodecs: codecs, CompressionTypes: types } = kafkajs;
  codecs[types.Snappy] = codec(2);
  codecs[types.LZ4] = codec(3);
  codecs[types.ZSTD] = codec(4);
}
