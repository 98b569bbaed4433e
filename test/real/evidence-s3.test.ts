import { join } from 'node:path';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { type EvidencePlace, findEvidence, openEvidenceStore } from '../../src/evidence/place.ts';
import { recordEvidence, type ToRecord } from '../../src/evidence/record.ts';
import type { EvidenceStore } from '../../src/evidence/store.ts';
import { verifyChain } from '../../src/evidence/verify.ts';
import { drillsConfigSchema } from '../../src/worker/drill/drills-config.ts';
import { EvidenceKept } from '../../src/worker/drill/evidence-kept.ts';
import { newKey, smallContent } from '../evidence/samples.ts';
import { type FaultyAws, startFaultyAws } from '../fixtures/faulty-aws.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { type AwsServer, startAwsServer, useAwsServer } from '../fixtures/s3-server.ts';

const boundMs = 60_000;
const region = 'eu-west-1';
const key = newKey();
const dayMs = 86_400_000;

let aws: AwsServer;
let between: FaultyAws;
let notUsed: () => void;
let client: S3Client;

beforeAll(async () => {
  aws = await startAwsServer();
  between = await startFaultyAws(aws);
  notUsed = useAwsServer(between.server);
  client = new S3Client({ region });
}, boundMs);

afterAll(async () => {
  client.destroy();
  notUsed();
  await between.stop();
  await aws.stop();
});

function placeIn(bucket: string, more: Partial<EvidencePlace> = {}): EvidencePlace {
  return { kind: 's3', bucket, region, prefix: 'evidence/', ...more } as EvidencePlace;
}

async function bucketNamed(bucket: string, locked = false): Promise<string> {
  await client.send(
    new CreateBucketCommand({
      ...{ Bucket: bucket, ObjectLockEnabledForBucket: locked },
      CreateBucketConfiguration: { LocationConstraint: region },
    }),
  );
  return bucket;
}

function run(reportId: string, more: Partial<ToRecord> = {}): ToRecord {
  const ledger = { suffix: 'ledger.ndjson', what: 'ledger', bytes: Buffer.from(`{"of":"${reportId}"}\n`) } as const;
  return { content: smallContent(reportId), files: [ledger], key, ...more };
}

async function problemsOf(store: EvidenceStore): Promise<readonly string[]> {
  return (await verifyChain(store, { keys: [] })).problems.map(({ kind, file }) => `${kind} ${file}`);
}

const owner = { pair: 'orders', site: 'a' } as const;

describe('a chain in S3', { timeout: boundMs }, () => {
  test('is recorded, found, and verified by the command line', async () => {
    const bucket = await bucketNamed('evidence-plain');
    const store = openEvidenceStore(placeIn(bucket), owner);
    await recordEvidence(store, run('drill-1'));
    await recordEvidence(store, run('drill-2'));
    expect(await problemsOf(store)).toEqual([]);
    expect((await findEvidence(placeIn(bucket))).chains.map(({ name }) => name)).toEqual(['orders/a']);
    const said: string[] = [];
    const io = { out: (line: string) => said.push(line), err: () => undefined, colour: false, cwd: '/', env: {} };
    const args = ['evidence', 'verify', '--from', `s3://${bucket}/evidence/?region=${region}`];
    expect(await runCli(args, io, AbortSignal.timeout(boundMs))).toBe(0);
    expect(said.join('\n')).toContain('INTACT: 2 documents and 8 files in 1 chain');
  });

  test('has nothing written over, also not by who recorded something else at the same place', async () => {
    const store = openEvidenceStore(placeIn(await bucketNamed('evidence-once')), owner);
    await store.put('x.html', Buffer.from('one'));
    await store.put('x.html', Buffer.from('one'));
    await expect(store.put('x.html', Buffer.from('two'))).rejects.toMatchObject({ code: 'DIFFERENT' });
    expect(Buffer.from((await store.read('x.html')) ?? []).toString()).toBe('one');
    expect(await store.read('nothing.html')).toBeUndefined();
  });

  test('has a head that only who has seen it replaces', async () => {
    const store = openEvidenceStore(placeIn(await bucketNamed('evidence-head')), owner);
    await recordEvidence(store, run('drill-1'));
    const seen = await store.readHead();
    await recordEvidence(store, run('drill-2'));
    await expect(store.replaceHead(Buffer.from('{}'), seen)).rejects.toMatchObject({ code: 'CHAIN_MOVED' });
    await expect(store.replaceHead(Buffer.from('{}'), undefined)).rejects.toMatchObject({ code: 'CHAIN_MOVED' });
  });

  test('is kept by S3 for as long as it was told: every document and file, and never the head', async () => {
    const bucket = await bucketNamed('evidence-locked', true);
    const at = new Date('2026-11-22T10:00:00.000Z');
    const place = placeIn(bucket, { objectLock: { mode: 'COMPLIANCE', days: 2_557 } });
    const store = openEvidenceStore(place, owner, () => at);
    await recordEvidence(store, run('drill-1'));
    for (const name of await store.list()) {
      const Key = `evidence/orders/a/${name}`;
      const { ObjectLockMode, ObjectLockRetainUntilDate } = await client.send(
        new HeadObjectCommand({ Bucket: bucket, Key }),
      );
      const until = new Date(at.getTime() + 2_557 * dayMs);
      const locked = name === 'head.json' ? [undefined, undefined] : ['COMPLIANCE', until];
      expect([ObjectLockMode, ObjectLockRetainUntilDate], name).toEqual(locked);
    }
    const Key = 'evidence/orders/a/00000001-drill-1.json';
    const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: Key }));
    const VersionId = Versions[0]?.VersionId;
    await expect(client.send(new DeleteObjectCommand({ Bucket: bucket, Key, VersionId }))).rejects.toThrow(
      /Access Denied/,
    );
    // Hidden or covered it is still there as a version, and the files say what is wrong.
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    expect(await problemsOf(store)).toContain('missing 00000001-drill-1.json');
    await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: '{}' }));
    expect(await problemsOf(store)).toContain('changed 00000001-drill-1.json');
  });

  test('is recorded all the same when any one answer to a write is lost', async () => {
    const store = openEvidenceStore(placeIn(await bucketNamed('evidence-lost')), owner);
    for (let lost = 1; lost <= 5; lost++) {
      let writes = 0;
      between.decide = ({ method }) => (method === 'PUT' && ++writes === lost ? 'lose' : 'pass');
      try {
        await recordEvidence(store, run(`drill-${lost}`));
      } finally {
        between.decide = () => 'pass';
      }
    }
    const verdict = await verifyChain(store, { keys: [] });
    expect(verdict).toMatchObject({ documents: 5, problems: [] });
  });

  test('that is refused any one write is recorded by the same call made again', async () => {
    const store = openEvidenceStore(placeIn(await bucketNamed('evidence-refused')), owner);
    for (let refused = 1; refused <= 5; refused++) {
      let writes = 0;
      between.decide = ({ method }) =>
        method === 'PUT' && ++writes === refused ? { status: 403, code: 'AccessDenied' } : 'pass';
      try {
        await expect(recordEvidence(store, run(`drill-${refused}`))).rejects.toThrow(/needs s3:PutObject/);
      } finally {
        between.decide = () => 'pass';
      }
      const document = await recordEvidence(store, run(`drill-${refused}`));
      expect(document.chain.sequence).toBe(refused);
    }
    expect(await problemsOf(store)).toEqual([]);
  });

  test('is what a worker seals where its file names a bucket', async () => {
    const bucket = await bucketNamed('evidence-worker', true);
    const objectLock = { mode: 'GOVERNANCE', days: 2 } as const;
    const keyFile = join(testFolder('evidence-worker'), 'key.pem');
    const { evidence: place } = drillsConfigSchema.parse({
      evidence: { s3: { bucket, region, prefix: 'evidence/', objectLock }, keyFile },
    });
    const kept = new EvidenceKept({ ...owner, place, last: () => undefined });
    const signal = AbortSignal.timeout(boundMs);
    expect(await kept.find('drill-1', signal)).toBeUndefined();
    const { at } = await kept.record(smallContent('drill-1'), [], signal);
    expect(await kept.find('drill-1', signal)).toMatchObject({ at, content: { reportId: 'drill-1' } });
    expect(await problemsOf(openEvidenceStore(placeIn(bucket), owner))).toEqual([]);
    const locked = await client.send(
      new HeadObjectCommand({ Bucket: bucket, Key: 'evidence/orders/a/00000001-drill-1.json' }),
    );
    expect(locked.ObjectLockMode).toBe('GOVERNANCE');
  });
});
