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
  const kept = [{ folder: join(state, 'quarantine'), what: 'what rebuilt copies held' }];
  expect(await clearState(state)).toEqual(kept);
  expect(await readdir(state)).toEqual(['quarantine']);
  expect(await readdir(quarantine)).toEqual(['manifest.json']);
  expect(await clearState(state)).toEqual(kept);
});

test('evidence of drills stays with its key, ledgers of canaries go with the clusters', async () => {
  const chain = join(state, 'evidence', 'pair', 'b');
  await mkdir(chain, { recursive: true });
  await writeFile(join(chain, 'head.json'), '{}');
  await writeFile(join(state, 'evidence-key.pem'), 'key');
  await mkdir(join(state, 'canaries', 'pair'), { recursive: true });
  await writeFile(join(state, 'canaries', 'pair', 'ledger.ndjson'), '');
  expect(await clearState(state)).toEqual([{ folder: join(state, 'evidence'), what: 'evidence of drills' }]);
  expect((await readdir(state)).toSorted()).toEqual(['evidence', 'evidence-key.pem']);
  expect(await readdir(chain)).toEqual(['head.json']);
});

test('without a quarantine and evidence nothing is left, nor when its folder is empty', async () => {
  await mkdir(join(state, 'quarantine', 'local-b'), { recursive: true });
  await writeFile(join(state, 'evidence-key.pem'), 'a key that has signed nothing');
  expect(await clearState(state)).toEqual([]);
  await expect(stat(state)).rejects.toThrow('ENOENT');
  expect(await clearState(state)).toEqual([]);
});
