import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { waitUntil } from '../../src/local/bounded-wait.ts';
import {
  inspectProcess,
  killProcess,
  launchProcess,
  type LaunchedProcess,
  type ProcessFiles,
  stopProcess,
} from '../../src/local/managed-process.ts';
import { writePrivateJson } from '../../src/local/private-file.ts';
import { temporaryFolder } from './temporary-folder.ts';

const signal = AbortSignal.timeout(60_000);
const bounds = { graceMs: 5_000, killMs: 5_000 };

function newFiles(): ProcessFiles {
  const folder = temporaryFolder();
  const files = { pidFile: join(folder, 'x.pid'), logFile: join(folder, 'x.log') };
  onTestFinished(() => stopProcess(files, { graceMs: 0, killMs: 5_000 }, signal));
  return files;
}

async function launch(files: ProcessFiles, script: string): Promise<LaunchedProcess> {
  return launchProcess({ command: process.execPath, args: ['-e', script], cwd: '/', env: {}, files });
}

async function untilLogHas(files: ProcessFiles, text: string): Promise<void> {
  const bound = { timeoutMs: 10_000, intervalMs: 10, signal };
  expect(await waitUntil(async () => Promise.resolve(readFileSync(files.logFile, 'utf8').includes(text)), bound)).toBe(
    true,
  );
}

test('a launched process runs until it is stopped, then nothing is left of it', async () => {
  const files = newFiles();
  const { pid } = await launch(files, 'setInterval(() => {}, 1000)');
  expect(await inspectProcess(files)).toEqual({ kind: 'running', pid });
  await stopProcess(files, bounds, signal);
  expect(await inspectProcess(files)).toEqual({ kind: 'absent' });
});

test('what it writes goes to its log, and the log of the run before is kept', async () => {
  const files = newFiles();
  for (const run of ['first', 'second']) {
    await launch(files, `console.log('${run}'); console.error('${run} error'); setInterval(() => {}, 1000)`);
    await untilLogHas(files, `${run} error`);
    await stopProcess(files, bounds, signal);
  }
  expect(readFileSync(files.logFile, 'utf8')).toBe('second\nsecond error\n');
  expect(readFileSync(`${files.logFile}.1`, 'utf8')).toContain('first');
});

test('a process that ends by itself counts as died, with its exit code', async () => {
  const files = newFiles();
  const launched = await launch(files, 'process.exit(7)');
  await waitUntil(async () => Promise.resolve(launched.exit() !== undefined), {
    timeoutMs: 10_000,
    intervalMs: 10,
    signal,
  });
  expect(launched.exit()).toBe('exit code 7');
  expect(await inspectProcess(files)).toEqual({ kind: 'died', pid: launched.pid });
});

test('a process that ignores SIGTERM is killed once its grace is over', async () => {
  const files = newFiles();
  await launch(files, `process.on('SIGTERM', () => {}); console.log('armed'); setInterval(() => {}, 1000)`);
  await untilLogHas(files, 'armed');
  await stopProcess(files, { graceMs: 100, killMs: 5_000 }, signal);
  expect(await inspectProcess(files)).toEqual({ kind: 'absent' });
});

test('a killed process counts as died until somebody stops or starts it', async () => {
  const files = newFiles();
  const { pid } = await launch(files, 'setInterval(() => {}, 1000)');
  await killProcess(files, signal);
  expect(await inspectProcess(files)).toEqual({ kind: 'died', pid });
});

test('a pid that another program got meanwhile is neither taken for ours nor signalled', async () => {
  const files = newFiles();
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  onTestFinished(() => void other.kill('SIGKILL'));
  await once(other, 'spawn');
  await writePrivateJson(files.pidFile, { pid: other.pid, start: 'another start' });
  expect(await inspectProcess(files)).toMatchObject({ kind: 'died' });
  await stopProcess(files, bounds, signal);
  expect(other.exitCode ?? other.signalCode).toBeNull();
});

test('a program that does not exist is refused at once and leaves no pid file', async () => {
  const files = newFiles();
  const missing = { command: '/no/such/program', args: [], cwd: '/', env: {}, files };
  await expect(launchProcess(missing)).rejects.toThrow('ENOENT');
  expect(await inspectProcess(files)).toEqual({ kind: 'absent' });
});

test('pid file and log can be read by their owner only', async () => {
  const files = newFiles();
  await launch(files, 'setInterval(() => {}, 1000)');
  for (const file of [files.pidFile, files.logFile]) expect(statSync(file).mode & 0o777).toBe(0o600);
});
