import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileCacheDir } from '../../src/local/compile-cache.mjs';

const command = join(import.meta.dirname, '../../src/cli/umbra.mjs');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-compiled-'));
});

afterAll(() => rm(folder, { recursive: true }));

async function version(cache: string): Promise<string> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], UMBRA_CACHE_DIR: cache };
  return (await promisify(execFile)(process.execPath, [command, '--version'], { env })).stdout;
}

test('what a command compiled is kept in the cache of umbra for the next one', async () => {
  await version(folder);
  const kept = await readdir(compileCacheDir({ UMBRA_CACHE_DIR: folder }), { recursive: true });
  expect(kept.length).toBeGreaterThan(50);
});

test('a cache that cannot be written is no failure', async () => {
  expect(await version('/dev/null')).toMatch(/^\d+\.\d+\.\d+/);
});
