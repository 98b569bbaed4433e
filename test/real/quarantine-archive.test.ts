import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AwsProblem } from '../../src/aws/aws-problem.ts';
import { type FolderArchive, S3Folders } from '../../src/aws/s3-folders.ts';
import { sha256OfFile } from '../../src/quarantine/durable-file.ts';
import { type Manifest, manifestFormat, manifestName } from '../../src/quarantine/manifest.ts';
import { QuarantineWriter } from '../../src/quarantine/quarantine-writer.ts';
import { planHash } from '../../src/worker/rebuild/plan-hash.ts';
import { RebuildRun } from '../../src/worker/rebuild/rebuild-run.ts';
import { finishedQuarantine } from '../../src/worker/rebuild/write-quarantine.ts';
import { type AwsServer, startAwsServer, useAwsServer } from '../fixtures/s3-server.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { recordAt, stubPorts } from '../worker/rebuild-stubs.ts';

const boundMs = 60_000;
const bucket = 'quarantine-of-test';
const name = 'kept';
const last = ['manifest.json'];
const signal = (): AbortSignal => AbortSignal.timeout(boundMs);
const archive = new S3Folders({ bucket, region: 'eu-west-1', prefix: 'quarantine/' });

let aws: AwsServer;
let notUsed: () => void;
let client: S3Client;
let folder: string;

beforeAll(async () => {
  aws = await startAwsServer();
  notUsed = useAwsServer(aws);
  await aws.makeBucket(bucket);
  client = new S3Client({ region: 'eu-west-1' });
}, boundMs);

afterAll(async () => {
  client.destroy();
  notUsed();
  await aws.stop();
});

beforeEach(async () => {
  folder = testFolder('quarantine');
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
  for (const { Key } of Contents) await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
});

async function makeFolder(files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [file, text] of Object.entries(files)) {
    await mkdir(join(folder, name, file, '..'), { recursive: true });
    await writeFile(join(folder, name, file), text);
  }
}

async function keys(): Promise<readonly string[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
  return Contents.map(({ Key = '' }) => Key);
}

describe('a folder that is kept elsewhere', { timeout: boundMs }, () => {
  test('comes back byte for byte when the disk is gone, of any size', async () => {
    // More than one part of an upload.
    const large = randomBytes(70 << 20);
    await makeFolder({ 'manifest.json': '{}', 'partition-0.batches': large, 'sub/partition-1.index': 'x' });
    await archive.keep(folder, name, last, signal());
    expect(await archive.bringBack(folder, name, last, signal())).toBe(false);
    await rm(join(folder, name), { recursive: true });
    expect(await archive.bringBack(folder, name, last, signal())).toBe(true);
    expect(large.equals(await readFile(join(folder, name, 'partition-0.batches')))).toBe(true);
    expect(await readFile(join(folder, name, 'sub/partition-1.index'), 'utf8')).toBe('x');
  });

  test('that was not kept to its end is none: what says that it is whole comes last', async () => {
    await makeFolder({ 'manifest.json': '{}', 'a.batches': 'a', 'z.batches': 'z' });
    await archive.keep(folder, name, last, signal());
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'quarantine/kept/manifest.json' }));
    await rm(join(folder, name), { recursive: true });
    expect(await archive.bringBack(folder, name, last, signal())).toBe(false);
    expect(await archive.bringBack(folder, 'never-kept', last, signal())).toBe(false);
  });

  test('and kept again sends only what is missing', async () => {
    await makeFolder({ 'manifest.json': '{}', 'a.batches': 'a' });
    await archive.keep(folder, name, last, signal());
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'quarantine/kept/a.batches' }));
    await archive.keep(folder, name, last, signal());
    expect(await keys()).toEqual(['quarantine/kept/a.batches', 'quarantine/kept/manifest.json']);
  });

  test('beside which somebody put a name that leads out of it is refused', async () => {
    await makeFolder({ 'manifest.json': '{}' });
    await archive.keep(folder, name, last, signal());
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'quarantine/kept/../../etc/x', Body: 'x' }));
    await rm(join(folder, name), { recursive: true });
    await expect(archive.bringBack(folder, name, last, signal())).rejects.toThrow("is no file of umbra's");
  });
});

describe('a rebuild whose disk may go with its worker', { timeout: boundMs }, () => {
  const none = {
    ...{ batches: 0, records: 0, recordsOnlyHere: 0, bytes: 0, recordsUnexplained: 0 },
    ...{ sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
    unexplainedSha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  };
  const ids = { topic: 'a_orders', link: 'a-b', copyTopicId: 'c', copiedTopicId: 's', sourceTopicId: 's' };
  const hash = planHash({ ...ids, partitions: [{ partition: 0, forkOffset: '3', quarantined: none }] });

  /** A worker finished it, and has not noted that yet. */
  async function quarantined(): Promise<ReturnType<typeof recordAt>> {
    const record = recordAt({ kind: 'quarantining' }, { folder, planHash: hash });
    const manifest: Manifest = {
      ...{ format: manifestFormat, umbra: '0.1.0', reason: 'rebuild', pair: 'test', ...ids, planHash: hash },
      ...{ startedAt: record.startedAt, cutAt: record.startedAt, faults: [], groupPositions: [] },
      partitions: [{ partition: 0, copyStart: '0', copyEnd: '5', forkOffset: '3', ...none }],
    };
    const writer = await QuarantineWriter.create(folder, record.name);
    await writer.finish(manifest);
    return record;
  }

  test('notes that the copy may be deleted when the archive has all of it, and not before', async () => {
    const record = await quarantined();
    const whenNoted: (readonly string[])[] = [];
    const stopping = new AbortController();
    const { ports } = stubPorts({ folder, archive });
    const state = {
      ...ports.state,
      putRebuild: async ({ step }: typeof record) => {
        if (step.kind !== 'deleting') return;
        whenNoted.push(await keys());
        stopping.abort();
      },
    };
    await new RebuildRun({ ...ports, state }, record, 'found').toTheEnd(stopping.signal);
    expect(whenNoted).toEqual([[`quarantine/${record.name}/SHA256SUMS`, `quarantine/${record.name}/${manifestName}`]]);
  });

  test('stops with the copy as it was when the archive will not have it', async () => {
    const refusing: FolderArchive = {
      keep: () => Promise.reject(new AwsProblem('refused', 's3://x: AccessDenied; its role needs s3:PutObject there')),
      bringBack: () => Promise.resolve(false),
    };
    const { ports, written } = stubPorts({ folder, archive: refusing });
    await new RebuildRun(ports, await quarantined(), 'found').toTheEnd(signal());
    expect(written).toMatchObject([
      { step: { kind: 'stopped', quarantined: false, reason: expect.stringContaining('s3:PutObject') as string } },
    ]);
  });

  test('is gone on with on another machine: what was kept is brought back and is what was written', async () => {
    const record = await quarantined();
    const { sha256 } = await sha256OfFile(join(folder, record.name, manifestName));
    await archive.keep(folder, record.name, ['SHA256SUMS', manifestName], signal());
    await rm(join(folder, record.name), { recursive: true });
    const { ports, written } = stubPorts({ folder, archive });
    const seeding = { ...record, step: { kind: 'seeding', manifestSha256: sha256 } as const };
    await new RebuildRun(ports, seeding, 'found').toTheEnd(signal());
    expect(written).toMatchObject([{ step: { kind: 'done', remarks: [] } }]);
    expect(await finishedQuarantine(record)).toMatchObject({ manifestSha256: sha256 });
  });
});
