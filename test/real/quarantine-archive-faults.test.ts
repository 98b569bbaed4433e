import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AwsProblem } from '../../src/aws/aws-problem.ts';
import { S3Folders } from '../../src/aws/s3-folders.ts';
import { type Fault, type FaultyAws, type PassingRequest, startFaultyAws } from '../fixtures/faulty-aws.ts';
import { type AwsServer, startAwsServer, useAwsServer } from '../fixtures/s3-server.ts';
import { testFolder } from '../fixtures/test-root.ts';

const boundMs = 60_000;
const bucket = 'quarantine-of-test';
const place = { bucket, region: 'eu-west-1', prefix: 'quarantine/' };
const name = 'kept';
const key = `quarantine/${name}/file`;
/** Three parts of an upload. */
const large = randomBytes((32 << 20) + 1);
const signal = (): AbortSignal => AbortSignal.timeout(boundMs);

let behind: AwsServer;
let aws: FaultyAws;
let notUsed: () => void;
/** Past the faults. */
let client: S3Client;
let archive: S3Folders;
let folder: string;

beforeAll(async () => {
  behind = await startAwsServer();
  await behind.makeBucket(bucket);
  const credentials = { accessKeyId: 'of-the-test', secretAccessKey: 'of-the-test' };
  client = new S3Client({ region: 'eu-west-1', endpoint: behind.url, credentials, forcePathStyle: true });
}, boundMs);

afterAll(async () => {
  client.destroy();
  await behind.stop();
});

beforeEach(async () => {
  aws = await startFaultyAws(behind);
  notUsed = useAwsServer(aws.server);
  archive = new S3Folders(place);
  folder = testFolder('quarantine');
  for (const each of await keys()) await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: each }));
});

afterEach(async () => {
  notUsed();
  await aws.stop();
});

async function keys(): Promise<readonly string[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
  return Contents.map(({ Key = '' }) => Key);
}

async function put(body: string | Buffer): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
}

async function makeFile(bytes: string | Buffer): Promise<string> {
  await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, name, 'file'), bytes);
  return join(folder, name, 'file');
}

/** What moto has is what the file is, and says so. */
async function expectKept(bytes: string | Buffer): Promise<void> {
  const { Metadata } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
  expect(Metadata).toEqual({ sha256: createHash('sha256').update(bytes).digest('hex') });
  await rm(join(folder, name), { recursive: true });
  await archive.bringBack(folder, name, ['file'], signal());
  expect(Buffer.from(bytes).equals(await readFile(join(folder, name, 'file')))).toBe(true);
}

const is = {
  put: ({ method, path }: PassingRequest): boolean => method === 'PUT' && !path.includes('partNumber='),
  part: ({ path }: PassingRequest): boolean => path.includes('partNumber='),
  create: ({ method, path }: PassingRequest): boolean => method === 'POST' && !path.includes('uploadId='),
  complete: ({ method, path }: PassingRequest): boolean => method === 'POST' && path.includes('uploadId='),
};

describe('a file that is kept', { timeout: boundMs }, () => {
  test.each([
    ['', 'none'],
    ['x', 'one'],
  ])('says its hash with its bytes %j (%s), and is written only where nothing is', async (bytes) => {
    await makeFile(bytes);
    await archive.keep(folder, name, [], signal());
    const [sent] = aws.seen.filter(is.put);
    expect(sent!.headers).toMatchObject({
      'x-amz-checksum-sha256': createHash('sha256').update(sent!.body).digest('base64'),
      'content-length': String(bytes.length),
      'if-none-match': '*',
    });
    await expectKept(bytes);
  });

  test('and is there already is looked at, and not sent again', async () => {
    await makeFile(large);
    await archive.keep(folder, name, [], signal());
    aws.seen.length = 0;
    await archive.keep(folder, name, [], signal());
    expect(aws.seen.map(({ method }) => method)).toEqual(['HEAD']);
    await expectKept(large);
  });

  test('in parts says the hash of each', async () => {
    await makeFile(large);
    await archive.keep(folder, name, [], signal());
    const sums = aws.seen.filter(is.part).map(({ headers }) => headers['x-amz-checksum-sha256']);
    const parts = [0, 1, 2].map((part) => large.subarray(part << 24, (part + 1) << 24));
    expect(sums).toEqual(parts.map((part) => createHash('sha256').update(part).digest('base64')));
    expect(aws.seen.find(is.complete)!.headers).toMatchObject({
      'if-none-match': '*',
      'x-amz-mp-object-size': String(large.length),
    });
  });

  test('replaces what is there and is another, such as that of a life before, and only that', async () => {
    await put('of a life before');
    await makeFile('x');
    await archive.keep(folder, name, [], signal());
    expect(aws.seen.find(is.put)!.headers['if-match']).toMatch(/^"?[0-9a-f]{32}"?$/);
    await expectKept('x');
  });

  test.each([
    ['whole', 'x', is.put],
    ['in parts', large, is.complete],
  ])('%s, and whose answer is lost, is kept', async (_, bytes, last) => {
    await makeFile(bytes);
    aws.decide = (passing) => (last(passing) ? 'lose' : 'pass');
    await archive.keep(folder, name, [], signal());
    await expectKept(bytes);
  });

  test('whose every answer is lost is not taken for kept before that was asked', async () => {
    await makeFile('x');
    let lost = false;
    aws.decide = (passing) => {
      lost ||= is.put(passing);
      return lost ? 'lose' : 'pass';
    };
    await expect(archive.keep(folder, name, [], signal())).rejects.toMatchObject({ kind: 'unreachable' });
    aws.decide = () => 'pass';
    await archive.keep(folder, name, [], signal());
    await expectKept('x');
  });
});

describe('nothing that is not the file is left there as if it was:', { timeout: boundMs }, () => {
  test('it changes while it is sent', async () => {
    const path = await makeFile(large);
    aws.decide = async (passing): Promise<Fault> => {
      if (is.create(passing)) await writeFile(path, randomBytes(large.length));
      return 'pass';
    };
    await expect(archive.keep(folder, name, [], signal())).rejects.toThrow('changed while it was sent');
    expect(await keys()).toEqual([]);
  });

  test.each([
    ['whole', 'x', is.put],
    ['in parts', large, is.complete],
  ])('somebody else wrote it meanwhile (%s): it is not written over unseen', async (_, bytes, last) => {
    await makeFile(bytes);
    aws.decide = async (passing): Promise<Fault> => {
      if (last(passing)) await put('of another worker');
      return 'pass';
    };
    const keeping = archive.keep(folder, name, [], signal());
    await expect(keeping).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('else') as string,
    });
    aws.decide = () => 'pass';
    const { Metadata } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    expect(Metadata).toEqual({});
    await archive.keep(folder, name, [], signal());
    await expectKept(bytes);
  });

  test.each([
    ['whole', 'x', is.put],
    ['a part of it', large, is.part],
    ['the end of it', large, is.complete],
  ])('its worker is to stop (%s): the request is hung up on', async (_, bytes, last) => {
    await makeFile(bytes);
    const stopping = new AbortController();
    const why = new Error('the lease is lost');
    const held = Promise.withResolvers<PassingRequest>();
    aws.decide = (passing) => {
      if (!last(passing)) return 'pass';
      held.resolve(passing);
      return 'silence';
    };
    const keeping = archive.keep(folder, name, [], stopping.signal);
    const passing = await held.promise;
    stopping.abort(why);
    await expect(keeping).rejects.toBe(why);
    await passing.hungUp;
    expect(await keys()).toEqual([]);
  });
});

describe('an archive that does not take it', { timeout: boundMs }, () => {
  test('says what came first, and nothing is asked for that the role may not', async () => {
    await makeFile(large);
    aws.decide = (passing) => {
      if (passing.method === 'DELETE') return { status: 403, code: 'AccessDenied' };
      return is.part(passing) ? { status: 400, code: 'RequestTimeout' } : 'pass';
    };
    await expect(archive.keep(folder, name, [], signal())).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('RequestTimeout') as string,
    });
    expect(aws.seen.filter(({ method }) => method === 'DELETE')).toEqual([]);
    expect(await keys()).toEqual([]);
  });

  test.each([
    ['with a reason', 'AccessDenied', 403, 'refused', 's3:PutObject'],
    ['for a moment', 'SlowDown', 503, 'unreachable', 'SlowDown'],
  ])('%s: what it said is what is told', async (_, code, status, kind, says) => {
    await makeFile('x');
    aws.decide = (passing) => (is.put(passing) ? { status, code } : 'pass');
    const problem = { kind, message: expect.stringContaining(says) as string };
    await expect(archive.keep(folder, name, [], signal())).rejects.toMatchObject(problem);
  });

  test('nor says why to a HEAD: 400 passes, for credentials are renewed', async () => {
    await makeFile('x');
    aws.decide = ({ method }) => (method === 'HEAD' ? { status: 400, code: '' } : 'pass');
    await expect(archive.keep(folder, name, [], signal())).rejects.toMatchObject({ kind: 'unreachable' });
  });
});

describe('what is brought back', { timeout: boundMs }, () => {
  beforeEach(async () => {
    await makeFile('x');
    await archive.keep(folder, name, [], signal());
    await rm(join(folder, name), { recursive: true });
  });

  test('is all that is umbra’s: what the console makes for a folder is none of it', async () => {
    for (const Key of [`quarantine/${name}/`, `quarantine/${name}/sub/`])
      await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: '' }));
    expect(await archive.bringBack(folder, name, ['file'], signal())).toBe(true);
    await rm(join(folder, name), { recursive: true });
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: `quarantine/${name}/a b`, Body: 'x' }));
    const bringing = archive.bringBack(folder, name, ['file'], signal());
    await expect(bringing).rejects.toMatchObject({ kind: 'refused' });
  });

  test('and cannot be written is a trouble of the disk, not of the archive', async () => {
    const file = join(folder, 'no-folder');
    await writeFile(file, '');
    const error: unknown = await archive.bringBack(file, name, ['file'], signal()).catch((caught: unknown) => caught);
    expect(error).not.toBeInstanceOf(AwsProblem);
    expect(error).toMatchObject({ code: 'ENOTDIR' });
  });

  test('and ends in its middle is not there', async () => {
    aws.decide = ({ method, path }) =>
      method === 'GET' && path.includes('/file') ? { status: 200, code: 'half', length: 10_000 } : 'pass';
    const short = new S3Folders(place, { connectMs: 10_000, idleMs: 500 });
    await expect(short.bringBack(folder, name, ['file'], signal())).rejects.toMatchObject({ kind: 'unreachable' });
    aws.decide = () => 'pass';
    expect(await archive.bringBack(folder, name, ['file'], signal())).toBe(true);
    expect(await readFile(join(folder, name, 'file'), 'utf8')).toBe('x');
  });
});
