import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findExecutables } from '../../tools/executable-search.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'umbra-path-'));
});

afterEach(() => rm(root, { recursive: true }));

async function program(path: string, mode = 0o755): Promise<string> {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, '#!/bin/sh\n');
  await chmod(file, mode);
  return file;
}

function path(...folders: readonly string[]): string {
  return folders.map((folder) => join(root, folder)).join(delimiter);
}

test('programs are found in the order of PATH', async () => {
  const second = await program('two/pulumi');
  const first = await program('one/pulumi');
  expect(findExecutables('pulumi', path('one', 'empty', 'two'))).toEqual([first, second]);
});

test('the wrapper that npm and npx put on PATH is not taken for the CLI', async () => {
  await program('clone/node_modules/.bin/pulumi');
  const cli = await program('usr/bin/pulumi');
  expect(findExecutables('pulumi', path('clone/node_modules/.bin', 'clone/node_modules/.bin/', 'usr/bin'))).toEqual([
    cli,
  ]);
});

test('a link to the wrapper of any clone is not taken for the CLI', async () => {
  const wrapper = await program('clone/tools/pulumi.mjs');
  await mkdir(join(root, 'bin'));
  await symlink(wrapper, join(root, 'bin', 'pulumi'));
  expect(findExecutables('pulumi', path('bin'))).toEqual([]);
});

test('a file that may not be run, a folder and a dead link are not programs', async () => {
  await program('one/pulumi', 0o644);
  await mkdir(join(root, 'two', 'pulumi'), { recursive: true });
  await mkdir(join(root, 'three'));
  await symlink(join(root, 'gone'), join(root, 'three', 'pulumi'));
  expect(findExecutables('pulumi', path('one', 'two', 'three'))).toEqual([]);
});
