import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** What golden/capture.ts captured. Frames begin with their correlation id; bodies of flexible answers at byte 5. */
export const goldenVersions = ['4.3.1', '3.9.2'] as const;
export type GoldenVersion = (typeof goldenVersions)[number];
export const goldenBodyStart = 5;

export function golden(version: GoldenVersion, name: string): Buffer {
  return readFileSync(join(import.meta.dirname, 'golden', version, `${name}.bin`));
}

const witnessSchema = z.strictObject({
  version: z.enum(goldenVersions),
  server: z.string(),
  clusterId: z.string(),
  topicIds: z.record(z.string(), z.string().regex(/^[0-9a-f]{32}$/)),
  digests: z.array(
    z.strictObject({
      ...{ topic: z.string(), partition: z.int(), records: z.int() },
      ...{ first: z.string(), last: z.string(), sha256: z.string() },
    }),
  ),
});

/** What Kafka's own tools and its Java consumer said at the time of the capture. */
export function witnessOf(version: GoldenVersion): z.output<typeof witnessSchema> {
  const file = join(import.meta.dirname, 'golden', version, 'witness.json');
  return witnessSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** The id that kafka-topics printed for a topic, as 32 hex digits. */
export function topicIdOf(version: GoldenVersion, topic: string): string {
  const id = witnessOf(version).topicIds[topic];
  if (id === undefined) throw new Error(`the witness knows no topic ${topic}`);
  return id;
}

/** One line of kafka-dump-log: `baseOffset: 0 lastOffset: 6 count: 7 … isvalid: true`. */
const dumpSchema = z.object({
  baseOffset: z.coerce.bigint(),
  lastOffset: z.coerce.bigint(),
  count: z.coerce.number(),
  baseSequence: z.coerce.number(),
  lastSequence: z.coerce.number(),
  producerId: z.coerce.bigint(),
  producerEpoch: z.coerce.number(),
  partitionLeaderEpoch: z.coerce.number(),
  isTransactional: z.stringbool(),
  isControl: z.stringbool(),
  position: z.coerce.number(),
  CreateTime: z.coerce.bigint(),
  size: z.coerce.number(),
  magic: z.coerce.number(),
  compresscodec: z.enum(['none', 'gzip', 'snappy', 'lz4', 'zstd']),
  crc: z.coerce.number(),
  isvalid: z.literal('true'),
});

export type DumpedBatch = z.output<typeof dumpSchema>;

/** The batches of partition 0 of a topic, as kafka-dump-log read them in the broker's files. */
export function dumpOf(version: GoldenVersion, topic: string): readonly DumpedBatch[] {
  const text = readFileSync(join(import.meta.dirname, 'golden', version, `dump-${topic}.txt`), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => dumpSchema.parse(Object.fromEntries([...line.matchAll(/(\w+): (\S+)/g)].map(([, k, v]) => [k, v]))));
}
