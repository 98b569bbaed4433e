import kafkajs from 'kafkajs';
import { expect, test } from 'vitest';
import { bringCodecs } from '../../src/rehearsal/codecs.ts';

test('the consumer of a rehearsal reads every codec that copies have', async () => {
  bringCodecs();
  const { CompressionTypes: types, CompressionCodecs: codecs } = kafkajs;
  const plain = Buffer.from('the same again '.repeat(500));
  for (const type of [types.Snappy, types.LZ4, types.ZSTD] as const) {
    const codec = (
      codecs[type] as () => {
        compress(encoder: { buffer: Buffer }): Promise<Buffer>;
        decompress(payload: Buffer): Promise<Buffer>;
      }
    )(); // as: kafkajs has no type for it
    const packed = await codec.compress({ buffer: plain });
    expect(packed.length).toBeLessThan(plain.length);
    expect((await codec.decompress(packed)).equals(plain)).toBe(true);
  }
});
