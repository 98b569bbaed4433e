import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { recordLine } from '../../src/quarantine/record-line.ts';
import { makeFolderDurably } from '../../src/quarantine/durable-file.ts';
import { type Manifest, manifestFormat, quarantineName, segmentName } from '../../src/quarantine/manifest.ts';
import {
  listQuarantines,
  type QuarantinedBytes,
  type QuarantinedRecord,
  quarantinedRecords,
  readManifest,
} from '../../src/quarantine/quarantine-reader.ts';
import { QuarantineWriter } from '../../src/quarantine/quarantine-writer.ts';
import { verifyQuarantine } from '../../src/quarantine/verify-quarantine.ts';
import type { RawBatch } from '../../src/replication/logs/log-reader.ts';
import { parseBatch } from '../../src/replication/batches/record-batch.ts';
import { makeBatch } from '../replication/batches/batches.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-quarantine-'));
});
afterEach(() => rm(folder, { recursive: true }));

const frames = [
  makeBatch({ baseOffset: 42n, records: 3, producerId: 7n, compression: 'gzip' }),
  makeBatch({ baseOffset: 45n, records: 2, producerId: 8n }),
];

function raw(frame: Buffer): RawBatch {
  const parsed = parseBatch(frame, 0, frame.length);
  if (parsed.kind !== 'batch') throw new Error('no batch');
  return { frame, header: parsed.header, dropped: false };
}

const hash = 'ab'.repeat(32);
const unexplained = { recordsUnexplained: 4, unexplainedSha256: hash };

async function written(name = 'one'): Promise<string> {
  const writer = await QuarantineWriter.create(folder, name);
  await writer.add(3, {
    batch: raw(frames[0] ?? Buffer.alloc(0)),
    onlyHere: [{ first: 43n, last: 44n }],
    unexplained: [],
  });
  await writer.add(3, {
    batch: raw(frames[1] ?? Buffer.alloc(0)),
    onlyHere: [{ first: 45n, last: 46n }],
    unexplained: [],
  });
  const files = await writer.finishPartition(3);
  if (files === undefined) throw new Error('no files');
  const bytes = Buffer.concat(frames);
  const manifest: Manifest = {
    ...{ format: manifestFormat, umbra: '0.1.0', reason: 'rebuild', pair: 'test', link: 'a-b', topic: 'a_t' },
    ...{ copyTopicId: 'c', copiedTopicId: 's', sourceTopicId: 's', planHash: hash, faults: [], groupPositions: [] },
    ...{ startedAt: '2026-01-02T03:04:05.000Z', cutAt: '2026-01-02T03:04:06.000Z' },
    partitions: [
      {
        ...{ partition: 3, copyStart: '0', copyEnd: '47', sourceStart: '0', sourceEnd: '43', forkOffset: '43' },
        ...{ batches: 2, records: 5, recordsOnlyHere: 4, bytes: bytes.length, firstOffset: '42', lastOffset: '46' },
        ...{ sha256: createHash('sha256').update(bytes).digest('hex'), files, ...unexplained },
      },
    ],
  };
  await writer.finish(manifest);
  await writer.abandon();
  return writer.path;
}

describe('a quarantine', () => {
  test('holds the batches as they came, is intact, and gives its records back', async () => {
    const path = await written();
    expect(await verifyQuarantine(path)).toMatchObject({ problems: [] });
    expect(await readFile(join(path, 'partition-3', segmentName(42n)))).toEqual(Buffer.concat(frames));
    expect(await listQuarantines(folder)).toEqual(['one']);
    const records: QuarantinedRecord[] = [];
    for await (const found of quarantinedRecords(path, await readManifest(path))) {
      if (found.kind === 'record') records.push(found);
    }
    expect(records.map(({ offset, onlyHere, producerId }) => [offset, onlyHere, producerId])).toEqual([
      [42n, false, 7n],
      [43n, true, 7n],
      [44n, true, 7n],
      [45n, true, 8n],
      [46n, true, 8n],
    ]);
  });

  test('shows a batch that cannot be decoded as its bytes, and goes on behind it', async () => {
    const path = await written();
    const segment = join(path, 'partition-3', segmentName(42n));
    const bytes = await readFile(segment);
    bytes.fill(0xff, 61, frames[0]!.length);
    await writeFile(segment, bytes);
    const found: unknown[] = [];
    for await (const each of quarantinedRecords(path, await readManifest(path))) found.push(each);
    expect(found[0]).toMatchObject({ kind: 'bytes', firstOffset: 42n, bytes: bytes.subarray(0, frames[0]!.length) });
    expect(found.slice(1)).toMatchObject([{ offset: 45n }, { offset: 46n }]);
    expect(JSON.parse(recordLine(found[0] as QuarantinedBytes))).toMatchObject({ firstOffset: '42', undecodable: {} });
  });

  test('is never written over, and does not show while it is unfinished', async () => {
    await written();
    await expect(QuarantineWriter.create(folder, 'one')).rejects.toThrow('never written over');
    const unfinished = await QuarantineWriter.create(folder, 'two');
    expect(await listQuarantines(folder)).toEqual(['one']);
    await unfinished.abandon();
    expect(await readdir(folder)).toEqual(['one']);
  });

  test('begins anew over what an interrupted writer left', async () => {
    await mkdir(join(folder, 'one.01234567.partial', 'partition-3'), { recursive: true });
    await writeFile(join(folder, 'one.01234567.partial', 'partition-3', segmentName(42n)), 'half a batch');
    expect(await verifyQuarantine(await written())).toMatchObject({ problems: [] });
    expect(await readdir(folder)).toEqual(['one']);
  });

  test('is not harmed by a writer that another one took the place of', async () => {
    const first = await QuarantineWriter.create(folder, 'one');
    await first.add(3, {
      batch: raw(frames[0] ?? Buffer.alloc(0)),
      onlyHere: [{ first: 43n, last: 44n }],
      unexplained: [],
    });
    const second = await QuarantineWriter.create(folder, 'one');
    await expect(first.finishPartition(3)).rejects.toThrow('ENOENT');
    await first.abandon();
    expect(await readdir(folder)).toEqual([expect.stringMatching(/^one\.[0-9a-f]{8}\.partial$/)]);
    await second.abandon();
    expect(await readdir(folder)).toEqual([]);
  });

  test.each([
    ['a flipped bit in a record', `partition-3/${segmentName(42n)}`, 'checksum is wrong'],
    ['a changed index', 'partition-3/batches.jsonl', 'checksum is wrong'],
    ['a changed manifest', 'manifest.json', 'SHA256SUMS'],
  ])('%s is found', async (_, file, problem) => {
    const path = await written();
    const bytes = await readFile(join(path, file));
    // In the manifest a digit of the counts, elsewhere a bit anywhere.
    const at = file === 'manifest.json' ? bytes.indexOf('"umbra": "0.1.0"') + 10 : bytes.length - 5;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(join(path, file), bytes);
    expect((await verifyQuarantine(path)).problems.join('\n')).toContain(problem);
  });

  test('a log cut short, a missing file and one too many are found', async () => {
    const cut = await written('cut');
    const log = join(cut, 'partition-3', segmentName(42n));
    await writeFile(log, (await readFile(log)).subarray(0, -3));
    expect((await verifyQuarantine(cut)).problems).not.toEqual([]);
    const missing = await written('missing');
    await rm(join(missing, 'partition-3', 'batches.jsonl'));
    expect((await verifyQuarantine(missing)).problems).not.toEqual([]);
    const extra = await written('extra');
    await appendFile(join(extra, 'note.txt'), 'hello');
    expect((await verifyQuarantine(extra)).problems).toEqual(['note.txt does not belong there']);
    expect((await verifyQuarantine(folder)).problems).toHaveLength(1);
  });
});

test('every folder that had to be made is synced into the one above it', async () => {
  const synced: string[] = [];
  const sync = (path: string): Promise<void> => {
    synced.push(path);
    return Promise.resolve();
  };
  await makeFolderDurably(join(folder, 'one', 'two'), sync);
  expect(synced.toSorted()).toEqual([folder, join(folder, 'one')]);
  await makeFolderDurably(join(folder, 'one', 'two'), sync);
  expect(synced).toHaveLength(2);
});

test('names sort by time and fit a file system whatever the topic is called', () => {
  const at = new Date('2026-01-02T03:04:05.678Z');
  expect(quarantineName('a_orders', hash, at)).toBe('2026-01-02T03-04-05Z.abababababab.a_orders');
  expect(`${quarantineName('x'.repeat(249), hash, at)}.partial`.length).toBeLessThan(256);
});

test('a record is one line of JSON that no terminal obeys: text as text, other bytes as base64', () => {
  const line = recordLine({
    ...{
      kind: 'record',
      partition: 0,
      offset: 9_007_199_254_740_993n,
      timestamp: -1n,
      producerId: -1n,
      aborted: false,
      onlyHere: true,
    },
    key: null,
    value: Buffer.from([0xff, 0x00]),
    headers: [[Buffer.from('h'), Buffer.from('\u001b[2J\u202e')]],
  });
  expect(line).not.toMatch(/\p{C}/u);
  expect(JSON.parse(line)).toMatchObject({
    offset: '9007199254740993',
    key: null,
    value: { base64: '/wA=' },
    headers: [{ name: 'h', value: { utf8: '\u001b[2J\u202e' } }],
  });
});
