import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AwsProblem } from '../../src/aws/aws-problem.ts';
import { type SmallRequestBounds, smallRequests } from '../../src/aws/request-bounds.ts';
import { S3Documents } from '../../src/aws/s3-documents.ts';
import { S3Folders } from '../../src/aws/s3-folders.ts';
import { SsmParameters } from '../../src/aws/ssm-parameters.ts';
import { type FaultyAws, startFaultyAws } from '../fixtures/faulty-aws.ts';
import { useAwsServer } from '../fixtures/s3-server.ts';
import { testFolder } from '../fixtures/test-root.ts';

const place = { bucket: 'of-test', region: 'eu-west-1', prefix: '' };
const never = new AbortController().signal;
/** Each is what ends the request alone: the others are far away. */
const bounds = (short: Partial<SmallRequestBounds>): SmallRequestBounds => ({
  ...{ connectMs: 600_000, answerMs: 600_000, idleMs: 600_000, wholeMs: 600_000 },
  ...short,
});

let aws: FaultyAws;
let notUsed: () => void;

beforeEach(async () => {
  aws = await startFaultyAws();
  notUsed = useAwsServer(aws.server);
  aws.decide = () => 'silence';
});

afterEach(async () => {
  notUsed();
  await aws.stop();
});

const requests: readonly (readonly [what: string, ask: (bounds: SmallRequestBounds) => Promise<unknown>])[] = [
  ['read of a document', (each) => new S3Documents(place, each).read('spec.json', { etag: undefined }, never)],
  [
    'write of a document',
    (each) => new S3Documents(place, each).write('status.json', '{}', { replaces: undefined }, never),
  ],
  ['read of a parameter', (each) => new SsmParameters('eu-west-1', each).read('/umbra/x', never)],
  ['write of a parameter', (each) => new SsmParameters('eu-west-1', each).write('/umbra/x', 'a', never)],
];

describe.each(requests)('a %s at a server that takes the request and never answers', (_, ask) => {
  test.each([
    ['the time of an answer', { answerMs: 50 }],
    ['the time without a byte', { idleMs: 50 }],
    ['the time of all of it', { wholeMs: 50 }],
  ])('ends with %s', async (_bound, short) => {
    const error: unknown = await ask(bounds(short)).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(AwsProblem);
    expect(error).toMatchObject({ kind: 'unreachable' });
  });
});

describe('an answer that stops in its middle', () => {
  test.each([
    ['the time without a byte', { idleMs: 50 }],
    ['the time of all of it', { wholeMs: 200 }],
  ])('ends the read of a document with %s', async (_bound, short) => {
    aws.decide = () => ({ status: 200, code: 'half', length: 10_000 });
    const reading = new S3Documents(place, bounds(short)).read('spec.json', { etag: undefined }, never);
    await expect(reading).rejects.toMatchObject({ name: 'AwsProblem', kind: 'unreachable' });
  });

  test('is hung up on when its reader is asked to stop', async () => {
    const stopping = new AbortController();
    const why = new Error('the worker ends');
    aws.decide = () => {
      setImmediate(() => {
        stopping.abort(why);
      });
      return { status: 200, code: 'half', length: 10_000 };
    };
    const reading = new S3Documents(place, bounds({})).read('spec.json', { etag: undefined }, stopping.signal);
    await expect(reading).rejects.toBe(why);
    await aws.seen[0]!.hungUp;
  });
});

test('a document that is larger than any of umbra’s is not read', async () => {
  aws.decide = () => ({ status: 200, code: 'half', length: 1 << 30 });
  const reading = new S3Documents(place, bounds({})).read('spec.json', { etag: undefined }, never);
  await expect(reading).rejects.toThrow("it is not umbra's");
});

test('a folder is not waited for when nothing moves', async () => {
  const folder = testFolder('silent');
  await mkdir(join(folder, 'kept'));
  await writeFile(join(folder, 'kept/manifest.json'), '{}');
  const folders = new S3Folders(place, { connectMs: 600_000, idleMs: 50 });
  const problem = { name: 'AwsProblem', kind: 'unreachable' };
  await expect(folders.keep(folder, 'kept', [], never)).rejects.toMatchObject(problem);
  await expect(folders.bringBack(folder, 'gone', ['manifest.json'], never)).rejects.toMatchObject(problem);
});

test('nothing is waited for without bounds', () => {
  expect(Object.values(smallRequests).every((ms) => ms > 0 && ms <= 30_000)).toBe(true);
});
