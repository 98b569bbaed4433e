import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clearState } from '../../tools/clear-state.ts';

let parent: string;
let state: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'umbra-state-'));
  state = join(parent, '.umbra');
  await mkdir(join(state, 'workers', 'local-b'), { recursive: true });
  await writeFile(join(state, 'cache'), '');
});

afterEach(() => rm(parent, { recursive: true }));

test('what rebuilt copies held stays when everything else goes, and its folder is named', async () => {
  const quarantine = join(state, 'quarantine', 'local-b', '2026-01-02T03-04-05Z.0123456789ab.a_orders');
  await mkdir(quarantine, { recursive: true });
  await writeFile(join(quarantine, 'manifest.json'), '{}');
  expect(await clearState(state)).toBe(join(state, 'quarantine'));
  expect(await readdir(state)).toEqual(['quarantine']);
  expect(await readdir(quarantine)).toEqual(['manifest.json']);
  expect(await clearState(state)).toBe(join(state, 'quarantine'));
});

test('without a quarantine nothing is left, nor when its folder is empty', async () => {
  await mkdir(join(state, 'quarantine', 'local-b'), { recursive: true });
  expect(await clearState(state)).toBeUndefined();
  await expect(stat(state)).rejects.toThrow('ENOENT');
  expect(await clearState(state)).toBeUndefined();
});
