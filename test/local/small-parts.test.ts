import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { waitUntil } from '../../src/local/bounded-wait.ts';
import { cacheDir, kafkaLibs } from '../../src/local/cache-dir.ts';
import { childEnvironment } from '../../src/local/child-environment.ts';
import { ownershipFlags } from '../../src/local/docker.ts';
import { parseState } from '../../src/local/docker-runtime.ts';
import { freePorts, isPortFree } from '../../src/local/free-port.ts';
import { findJava, parseJavaMajor } from '../../src/local/java.ts';
import { parseLinked } from '../../src/local/kafka-image-build.ts';
import { LocalProblem, localProblems } from '../../src/local/local-problems.ts';
import { logTail } from '../../src/local/log-tail.ts';
import { runCommand } from '../../src/local/run-command.ts';
import { temporaryFolder } from './temporary-folder.ts';

const signal = AbortSignal.timeout(60_000);

test('the cache is UMBRA_CACHE_DIR, else below XDG_CACHE_HOME, else below the home folder', () => {
  const all = { UMBRA_CACHE_DIR: '/c', XDG_CACHE_HOME: '/x', HOME: '/h' };
  expect(cacheDir(all)).toBe('/c');
  expect(cacheDir({ ...all, UMBRA_CACHE_DIR: '' })).toBe('/x/umbra');
  expect(cacheDir({ HOME: '/h' })).toBe('/h/.cache/umbra');
});

test('jars are looked for in the cache or in UMBRA_KAFKA_HOME, and their absence is said with what to do', () => {
  const folder = temporaryFolder();
  expect(() => kafkaLibs('4.3.1', { UMBRA_CACHE_DIR: folder })).toThrow(/No jars of Kafka 4\.3\.1 in .*npm run up/);
  mkdirSync(join(folder, 'libs'));
  expect(() => kafkaLibs('4.3.1', { UMBRA_KAFKA_HOME: folder })).toThrow(LocalProblem);
  writeFileSync(join(folder, 'libs', 'kafka.jar'), '');
  expect(kafkaLibs('4.3.1', { UMBRA_KAFKA_HOME: folder })).toBe(join(folder, 'libs'));
});

test('the version of Java is read from all its ways to say it', () => {
  expect(parseJavaMajor('openjdk version "17.0.15" 2025-04-15')).toBe(17);
  expect(parseJavaMajor('java version "1.8.0_392"')).toBe(8);
  expect(parseJavaMajor('openjdk version "25" 2025-09-16')).toBe(25);
  expect(parseJavaMajor('no such thing')).toBeUndefined();
});

test('a Java that is missing or too old is refused with the alternatives', async () => {
  await expect(findJava({ JAVA_HOME: '/no/java' }, signal)).rejects.toThrow(
    /No Java that runs.*Install Java 17.*docker/,
  );
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin', 'java'), '#!/bin/sh\necho \'java version "11.0.2"\' >&2\n', { mode: 0o755 });
  await expect(findJava({ JAVA_HOME: folder }, signal)).rejects.toThrow('is 11; 17 or newer is needed');
});

test('the tail of a log is its last lines, bounded in number and length', async () => {
  const file = join(temporaryFolder(), 'x.log');
  writeFileSync(
    file,
    [...Array.from({ length: 5000 }, (_, index) => `line ${index} of many`), 'y'.repeat(5000), '', ''].join('\n'),
  );
  const tail = await logTail(file, 3);
  expect(tail).toHaveLength(3);
  expect(tail[1]).toBe('line 4999 of many');
  expect(tail[2]!.length).toBeLessThan(500);
  expect(await logTail(`${file}.none`, 3)).toEqual([]);
});

test('a wait looks once more at its end, and ends when told to', async () => {
  expect(await waitUntil(async () => Promise.resolve(true), { timeoutMs: 0, intervalMs: 1, signal })).toBe(true);
  expect(await waitUntil(async () => Promise.resolve(false), { timeoutMs: 5, intervalMs: 1, signal })).toBe(false);
  const aborted = AbortSignal.abort(new Error('enough'));
  await expect(
    waitUntil(async () => Promise.resolve(false), { timeoutMs: 5_000, intervalMs: 1, signal: aborted }),
  ).rejects.toThrow('enough');
});

test('a port somebody listens on is not free, and is not handed out', async () => {
  const [port] = await freePorts(1);
  const server = createServer().listen(port, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  expect(await isPortFree(port!)).toBe(false);
  expect(new Set(await freePorts(50))).not.toContain(port);
});

test('a process left behind gets no token of the shell it was started from', () => {
  const env = { PATH: '/bin', HOME: '/h', AWS_SECRET_ACCESS_KEY: 'x', PULUMI_CONFIG_PASSPHRASE: 'y' };
  expect(childEnvironment(env)).toEqual({ PATH: '/bin', HOME: '/h' });
});

test('a command that outlives its bound is killed, one that fails tells its code', async () => {
  const options = { env: process.env, signal, timeoutMs: 200 };
  await expect(runCommand('sleep', ['30'], options)).rejects.toThrow('sleep did not end within 200 ms');
  const interrupt = new AbortController();
  const running = runCommand('sleep', ['30'], { ...options, timeoutMs: 20_000, signal: interrupt.signal });
  interrupt.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
  const failed = await runCommand('sh', ['-c', 'echo out; echo err >&2; exit 3'], { ...options, timeoutMs: 10_000 });
  expect(failed).toMatchObject({ exitCode: 3, stdout: 'out\n' });
  expect(failed.output).toContain('err');
});

test('a container runs as us, unless its root already is', () => {
  const traits = { uid: 1000, gid: 100 };
  expect(ownershipFlags({ ...traits, securityOptions: '[name=seccomp]' })).toEqual(['--user', '1000:100']);
  expect(ownershipFlags({ ...traits, securityOptions: '[name=rootless name=selinux]' })).toEqual([
    '--security-opt',
    'label=disable',
  ]);
});

test('a container that does not run has died, with its exit code', () => {
  expect(parseState('true 0\n', 'c')).toEqual({ kind: 'running', where: 'container c' });
  expect(parseState('false 137\n', 'c')).toEqual({ kind: 'died', how: 'exit code 137' });
});

test('the libraries of a program are the absolute paths that ldd names, each once', () => {
  const output =
    '/opt/java:\n\tlinux-vdso.so.1 (0x1)\n\tlibz.so.1 => /lib/libz.so.1 (0x2)\n\t/lib64/ld.so (0x3)\n/b:\n\tlibz.so.1 => /lib/libz.so.1 (0x4)\n\tlibq.so => not found\n';
  expect(parseLinked(output)).toEqual(['/lib/libz.so.1', '/lib64/ld.so']);
});

test('every problem says what to do next', () => {
  for (const code of Object.keys(localProblems) as (keyof typeof localProblems)[]) {
    const problem = new LocalProblem(code, 'It broke.');
    expect(problem.message).toBe(`It broke. ${problem.remedy}`);
    expect(problem.remedy).toMatch(/^[A-Z].*\.$/);
  }
});
