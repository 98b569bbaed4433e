import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startTestCluster, type TestCluster } from '../fixtures/cluster.ts';
import { javaConsume } from '../fixtures/java-client.ts';
import { createTopic, logEnds } from '../fixtures/kafkajs.ts';
import { startReplication } from '../fixtures/replication.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { eventually } from '../fixtures/wait.ts';

const target = sharedSites().b.admin;
const formats = [0, 1] as const;
let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startTestCluster({ name: 'old', version: '3.9.2', security: 'none' });
});

afterAll(async () => {
  await cluster.remove();
});

// No broker writes these formats any more (KRaft never did), but those that migrated may still hold and serve them.
test('message sets of formats 0 and 1 are refused by name, and nothing is copied', async () => {
  const source = cluster.connection('app');
  const topicOf = (magic: (typeof formats)[number]): string => `a_format_${magic}`;
  for (const magic of formats) await createTopic(source, topicOf(magic));
  await cluster.broker.stop();
  for (const magic of formats) {
    const folder = join(cluster.local.home, 'broker-1', 'data', `${topicOf(magic)}-0`);
    const log = join(folder, '00000000000000000000.log');
    await writeFile(log, Buffer.concat([0n, 1n, 2n].map((offset) => message(magic, offset))));
  }
  await cluster.broker.start();
  // The broker takes them for what they are.
  const jobs = formats.map((magic) => ({ topic: topicOf(magic) }));
  const read = { records: 3, first: '0', last: '2' };
  expect(await javaConsume(source, jobs)).toMatchObject([read, read]);
  const link = startReplication({ source, target });
  onTestFinished(() => link.stop());
  for (const magic of formats) await link.follow(topicOf(magic));
  await eventually('both are faulted', () => link.faults.length === formats.length || undefined);
  const faults = link.faults.toSorted((x, y) => x.topic.localeCompare(y.topic));
  expect(faults).toMatchObject(
    formats.map((magic) => {
      const words = `a message set of format ${magic} stands at offset 0`;
      return { topic: topicOf(magic), fault: { code: 'OLD_FORMAT', offset: 0n, message: words } };
    }),
  );
  for (const { topic } of jobs) expect(await logEnds(target, topic)).toEqual([0n]);
  expect(link.unexpected).toEqual([]);
});

/** One uncompressed message: offset, size, checksum, format, attributes, time (from format 1 on), key, value. */
function message(magic: 0 | 1, offset: bigint): Buffer {
  const value = Buffer.from(`value ${offset}`);
  const body = Buffer.alloc(2 + magic * 8 + 8 + value.length);
  body.writeInt8(magic, 0);
  if (magic === 1) body.writeBigInt64BE(1_700_000_000_000n, 2);
  body.writeInt32BE(-1, 2 + magic * 8);
  body.writeInt32BE(value.length, 6 + magic * 8);
  value.copy(body, 10 + magic * 8);
  const head = Buffer.alloc(16);
  head.writeBigInt64BE(offset, 0);
  head.writeInt32BE(4 + body.length, 8);
  head.writeUInt32BE(crc32(body), 12);
  return Buffer.concat([head, body]);
}
