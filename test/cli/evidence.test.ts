import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { evidenceListSchema, evidenceVerdictSchema } from '../../src/cli/evidence-text.ts';
import type { Io } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/program.ts';
import { evidenceDocumentSchema } from '../../src/evidence/document.ts';
import { openEvidenceStore } from '../../src/evidence/place.ts';
import { recordEvidence } from '../../src/evidence/record.ts';
import { newKey, smallContent } from '../evidence/samples.ts';
import { testFolder } from '../fixtures/test-root.ts';

const key = newKey();
let cwd = '';

interface Said {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

async function umbra(...args: readonly string[]): Promise<Said> {
  const [out, err]: [string[], string[]] = [[], []];
  const io: Io = { out: (line) => out.push(line), err: (line) => err.push(line), colour: false, cwd, env: {} };
  const exit = await runCli(['evidence', ...args], io, new AbortController().signal);
  return { exit, out: out.join('\n'), err: err.join('\n') };
}

const chainFolder = (site: 'a' | 'b'): string => join(cwd, '.umbra', 'evidence', 'orders', site);

beforeEach(async () => {
  cwd = testFolder('evidence-cli');
  for (const site of ['a', 'b'] as const) {
    const store = openEvidenceStore(
      { kind: 'folder', path: join(cwd, '.umbra', 'evidence') },
      { pair: 'orders', site },
    );
    for (const number of [1, 2]) {
      const base = smallContent(`drill-${site}-${number}`);
      const content = { ...base, pair: { ...base.pair, site }, startedAt: `2026-11-0${number}T00:00:00.000Z` };
      await recordEvidence(store, { content, files: [], key });
    }
  }
  await writeFile(join(cwd, 'public.pem'), key.publicKeyPem);
});

describe('umbra evidence', () => {
  test('list shows the documents of both sites by time', async () => {
    const { exit, out } = await umbra();
    expect(exit).toBe(0);
    expect(out.split('\n').map((line) => line.split(/ +/).at(-1))).toEqual([
      ...['REPORT', 'drill-a-1', 'drill-b-1', 'drill-a-2', 'drill-b-2'],
    ]);
    await write(join(chainFolder('a'), '00000001-drill-a-1.json'), 'x');
    const listed = evidenceListSchema.parse(JSON.parse((await umbra('list', '--json')).out));
    expect(listed.documents.filter(({ problem }) => problem !== undefined)).toMatchObject([
      { chain: 'orders/a', problem: 'is not JSON' },
    ]);
  });

  test('show prints the newest report, or the one that is named, and copies its page', async () => {
    const newest = await umbra('show');
    expect(newest.out).toMatch(/^drill-b-2 {2}PASSED\n/);
    const { exit } = await umbra('show', 'drill-b-1', '--html', 'page.html');
    expect(exit).toBe(0);
    const page = await readFile(join(chainFolder('b'), '00000001-drill-b-1.html'), 'utf8');
    expect(await readFile(join(cwd, 'page.html'), 'utf8')).toBe(page);
    expect(evidenceDocumentSchema.parse(JSON.parse((await umbra('show', 'latest', '--json')).out)).reportId).toBe(
      'drill-b-2',
    );
    expect(await umbra('show', 'drill-c-1')).toMatchObject({ exit: 4 });
  });

  test('verify ends with 0 where every byte is right, and says whose key was believed', async () => {
    const given = await umbra('verify', '--public-key', 'public.pem');
    expect(given).toMatchObject({ exit: 0, err: '' });
    expect(given.out).toMatch(/INTACT: 4 documents and 12 files in 2 chains/);
    expect((await umbra('verify')).err).toMatch(/keys beside the documents were believed/);
  });

  test('verify ends with 1 and one line per problem, with the file', async () => {
    const file = join(chainFolder('b'), '00000002-drill-b-2.html');
    await write(file, `${await readFile(file, 'utf8')} `);
    await rm(join(chainFolder('a'), '00000002-drill-a-2.json'));
    const { exit, out } = await umbra('verify', '--public-key', 'public.pem');
    expect(exit).toBe(1);
    expect(out).toMatch(/^damaged: orders\/b\/00000002-drill-b-2\.html has \d+ bytes/m);
    expect(out).toMatch(/^damaged: orders\/a\/00000002-drill-a-2\.json there is no document 2/m);
    expect(out).toMatch(/DAMAGED: /);
    const report = evidenceVerdictSchema.parse(JSON.parse((await umbra('verify', '--json')).out));
    expect(report).toMatchObject({ intact: false, chains: [{ chain: 'orders/a' }, { chain: 'orders/b' }] });
  });

  test('verify holds documents against the given keys only, and knows a hash that is gone', async () => {
    await writeFile(join(cwd, 'other.pem'), newKey().publicKeyPem);
    expect(await umbra('verify', '--public-key', 'other.pem')).toMatchObject({ exit: 1 });
    expect(await umbra('verify', '--public-key', 'other.pem', '--public-key', 'public.pem')).toMatchObject({ exit: 0 });
    const { hash } = evidenceDocumentSchema.parse(JSON.parse((await umbra('show', 'drill-b-1', '--json')).out));
    expect(await umbra('verify', '--expect-head', hash)).toMatchObject({ exit: 0 });
    const gone = await umbra('verify', '--expect-head', 'ab'.repeat(32));
    expect(gone).toMatchObject({ exit: 1 });
    expect(gone.out).toMatch(/no document has the hash abab/);
    expect(await umbra('verify', '--expect-head', 'abc')).toMatchObject({ exit: 2 });
  });

  test('verify where there is nothing is no success', async () => {
    expect(await umbra('verify', '--from', testFolder('empty'))).toMatchObject({ exit: 4 });
    expect(await umbra('verify', '--from', 'no-such-folder')).toMatchObject({ exit: 4 });
    expect(await umbra('verify', '--from', 's3://bucket/x/')).toMatchObject({ exit: 2 });
  });

  test('export copies chains byte by byte, and one report by itself; both are verified where they are', async () => {
    expect(await umbra('export', '--out', 'all')).toMatchObject({ exit: 0 });
    const copied = await umbra('verify', '--from', 'all', '--public-key', 'public.pem');
    expect(copied).toMatchObject({ exit: 0 });
    expect(copied.out).toMatch(/^not judged, in no chain: README\.md$/m);
    expect(await readdir(join(cwd, 'all'))).toEqual(['README.md', 'orders']);
    expect(await umbra('export', '--out', 'all')).toMatchObject({ exit: 2 });
    expect(await umbra('export', 'drill-a-2', '--out', 'one')).toMatchObject({ exit: 0 });
    expect(await readdir(join(cwd, 'one', 'orders', 'a'))).toEqual([
      ...['00000002-drill-a-2.html', '00000002-drill-a-2.json', `public-key-${key.keyId}.pem`],
    ]);
    expect(await umbra('verify', 'drill-a-2', '--from', 'one', '--public-key', 'public.pem')).toMatchObject({
      exit: 0,
    });
    expect(await umbra('verify', '--from', 'one')).toMatchObject({ exit: 1 });
    const page = join(cwd, 'one', 'orders', 'a', '00000002-drill-a-2.html');
    await write(page, 'x');
    expect(await umbra('verify', 'drill-a-2', '--from', 'one')).toMatchObject({ exit: 1 });
  });

  test('a chain that is taken from its own folder is exported whole', async () => {
    expect(await umbra('export', '--from', chainFolder('b'), '--out', 'one')).toMatchObject({ exit: 0 });
    const { exit, out } = await umbra('verify', '--from', 'one', '--public-key', 'public.pem');
    expect(out).toMatch(/INTACT: 2 documents and 6 files in 1 chain/);
    expect(exit).toBe(0);
  });

  test('verify says of a document that is none what is the matter with it, and names files that are in no chain', async () => {
    const file = join(chainFolder('a'), '00000001-drill-a-1.json');
    await write(file, 'x');
    for (const name of ['y', 'x', 'z', 'w']) await writeFile(join(cwd, '.umbra', 'evidence', name), '');
    const { out } = await umbra('verify');
    expect(out).toMatch(/^damaged: orders\/a\/00000001-drill-a-1\.json is not JSON$/m);
    expect(out).toMatch(/^not judged, in no chain: w, x, y and 1 more$/m);
    await write(file, '{}');
    expect((await umbra('verify')).out).toMatch(/^damaged: orders\/a\/00000001-drill-a-1\.json is no document: \w+: /m);
    expect(evidenceVerdictSchema.parse(JSON.parse((await umbra('verify', '--json')).out)).outside).toHaveLength(4);
  });

  test('trend draws all runs, and key shows the public half of a key', async () => {
    expect(await umbra('trend', '--out', 'trend.html')).toMatchObject({ exit: 0 });
    expect(await readFile(join(cwd, 'trend.html'), 'utf8')).toContain('drill-b-2');
    expect(await umbra('trend')).toMatchObject({ exit: 2 });
    expect((await umbra('key', '--file', 'public.pem')).out).toBe(`${key.publicKeyPem.trimEnd()}\nkey id ${key.keyId}`);
    expect(await umbra('key', '--file', 'trend.html')).toMatchObject({ exit: 2 });
  });
});

/** Files of a chain are read-only. */
async function write(file: string, text: string): Promise<void> {
  await chmod(file, 0o644);
  await writeFile(file, text);
}
