import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import { projectRoot } from '../../src/provider/project-root.ts';
import { providerVersion } from '../../src/provider/resources/provider-version.ts';
import { connectPlugin, refusal } from './plugin-client.ts';

const launcher = join(import.meta.dirname, '../../src/provider/plugin/pulumi-resource-umbra');
const folders: string[] = [];
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill();
      await once(child, 'exit');
    }
  }
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'umbra-plugin-'));
  folders.push(folder);
  return folder;
}

function launch(
  env: NodeJS.ProcessEnv,
): ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream } {
  const child = spawn(launcher, [], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return child;
}

async function linesOf(stream: NodeJS.ReadableStream): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: stream })) lines.push(line);
  return lines;
}

describe('the plugin as the engine starts it', () => {
  test('it prints its port, serves every resource and ends on SIGTERM', async () => {
    const root = await temporaryFolder();
    const child = launch({ ...process.env, UMBRA_PROJECT_ROOT: root, UMBRA_NODE: process.execPath });
    const [first] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const plugin = connectPlugin(Number(first), 'umbra:index:LocalCluster');
    try {
      expect(await plugin.version()).toBe(providerVersion);
      const { inputs, failures } = await plugin.check({ site: 'a', grants: [] });
      expect(failures).toEqual([]);
      const { outputs } = await plugin.create(inputs, { preview: true });
      expect(outputs['home']).toBe(join(root, '.umbra', 'clusters', 'a'));
      // No files are there: what is in the state is gone.
      expect((await plugin.read('cluster-a', { ...inputs, ...outputs, home: 'x' }, inputs)).id).toBe('');
      for (const type of ['LocalWorker', 'ShadowLink', 'PrefixPolicy', 'SchemaPrimary']) {
        const other = connectPlugin(Number(first), `umbra:index:${type}`);
        expect((await other.check({ nonsense: 1 })).failures[0], type).toContain('nonsense: is not a property');
        other.close();
      }
      const strange = connectPlugin(Number(first), 'umbra:index:Teapot');
      expect(await refusal(strange.check({}))).toMatch(
        /^the provider umbra has no resource umbra:index:Teapot; it has/,
      );
      strange.close();
    } finally {
      plugin.close();
    }
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test('a Node that cannot run TypeScript is named, with what to do', async () => {
    const folder = await temporaryFolder();
    const oldNode = join(folder, 'old-node');
    await writeFile(oldNode, '#!/bin/sh\n[ "$1" = --version ] && echo v20.20.2 && exit 0\nexit 1\n', { mode: 0o755 });
    const child = launch({ ...process.env, UMBRA_NODE: oldNode });
    const [exit, lines] = await Promise.all([once(child, 'exit'), linesOf(child.stderr)]);
    expect(exit).toEqual([1, null]);
    expect(lines[0]).toBe('The provider umbra needs Node 22.18 or newer as "node" on PATH, here it is v20.20.2.');
    expect(lines[1]).toContain('npm run up');
  });

  test('its version is that of the package', async () => {
    const text = await readFile(join(import.meta.dirname, '../../package.json'), 'utf8');
    expect((JSON.parse(text) as { version: string }).version).toBe(providerVersion);
  });
});

describe('the folder of the project', () => {
  test('is the one that is named, else that of the nearest Pulumi.yaml, else where it was started', async () => {
    const folder = await temporaryFolder();
    const below = join(folder, 'infra', 'deep');
    await mkdir(below, { recursive: true });
    expect(projectRoot({ UMBRA_PROJECT_ROOT: '/given' }, below)).toBe('/given');
    expect(projectRoot({}, below)).toBe(below);
    await writeFile(join(folder, 'Pulumi.yaml'), '');
    expect(projectRoot({ UMBRA_PROJECT_ROOT: '' }, below)).toBe(folder);
    expect(projectRoot({}, folder)).toBe(folder);
    expect(projectRoot({}, dirname(folder))).toBe(dirname(folder));
  });
});
