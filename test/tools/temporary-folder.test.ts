import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withTemporaryFolder } from '../../tools/temporary-folder.ts';

let parent: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'umbra-parts-'));
});

afterEach(() => rm(parent, { recursive: true }));

test('what is renamed out stays, the folder goes', async () => {
  await withTemporaryFolder(parent, async (folder) => {
    await writeFile(join(folder, 'jar'), '');
    await rename(join(folder, 'jar'), join(parent, 'jar'));
  });
  expect(await readdir(parent)).toEqual(['jar']);
});

test('the folder can be renamed as a whole', async () => {
  await withTemporaryFolder(parent, (folder) => rename(folder, join(parent, 'final')));
  expect(await readdir(parent)).toEqual(['final']);
});

test('the folder goes when the work fails', async () => {
  await expect(withTemporaryFolder(parent, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await readdir(parent)).toEqual([]);
});

test('folders of killed processes are removed, those of living ones stay', async () => {
  // Above the largest pid of any system: nobody has it.
  await mkdir(join(parent, '.umbra-part-999999999-abc'));
  await mkdir(join(parent, `.umbra-part-${process.pid}-abc`));
  await withTemporaryFolder(parent, () => Promise.resolve());
  expect(await readdir(parent)).toEqual([`.umbra-part-${process.pid}-abc`]);
});
