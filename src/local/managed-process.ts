import { spawn } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { waitUntil } from './bounded-wait.ts';
import { LocalProblem } from './local-problems.ts';
import { rotateLog } from './log-tail.ts';
import { readJson, writePrivateJson } from './private-file.ts';
import { processStart } from './process-identity.ts';

/**
 * A process that outlives the one that started it. It belongs to whoever holds its pid file, which names the pid and
 * the start of the process: a pid used again by another program is never taken for ours, never signalled.
 */
export interface ProcessFiles {
  readonly pidFile: string;
  /** Gets stdout and stderr; the log of the run before is kept beside it as `.1`. */
  readonly logFile: string;
}

export interface Launch {
  readonly command: string;
  /** Seen by everybody on the machine (`ps`): no secrets. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly files: ProcessFiles;
}

export interface LaunchedProcess {
  readonly pid: number;
  /** How it ended, as far as this process has seen it; undefined while it runs. */
  exit(): string | undefined;
}

export type ProcessStatus =
  | { readonly kind: 'absent' }
  | { readonly kind: 'running'; readonly pid: number }
  /** It was started and never stopped by us, and runs no more. */
  | { readonly kind: 'died'; readonly pid: number };

export interface StopBounds {
  /** Time for a graceful end after SIGTERM. */
  readonly graceMs: number;
  /** Time for the kernel to take it away after SIGKILL. */
  readonly killMs: number;
}

const pollIntervalMs = 40;
const pidFileSchema = z.strictObject({ pid: z.int().min(1), start: z.string() });

/** Starts the process in a session of its own (a Ctrl-C at the terminal does not reach it) and notes it. */
export async function launchProcess(launch: Launch): Promise<LaunchedProcess> {
  await mkdir(dirname(launch.files.logFile), { recursive: true, mode: 0o700 });
  await rotateLog(launch.files.logFile);
  const log = await open(launch.files.logFile, 'a', 0o600);
  try {
    const child = spawn(launch.command, launch.args, {
      cwd: launch.cwd,
      env: launch.env,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    let ended: string | undefined;
    child.once('exit', (code, signal) => {
      ended = code === null ? `ended by ${signal ?? 'a signal'}` : `exit code ${code}`;
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const pid = child.pid;
    if (pid === undefined) throw new Error(`${launch.command} was started without a pid`);
    // A process that is gone already gets a start that no process can have: it counts as died.
    await writePrivateJson(launch.files.pidFile, { pid, start: (await processStart(pid)) ?? 'gone' });
    return { pid, exit: () => ended };
  } finally {
    await log.close();
  }
}

export async function inspectProcess(files: ProcessFiles): Promise<ProcessStatus> {
  const noted = await readJson(files.pidFile, pidFileSchema);
  if (noted === undefined) return { kind: 'absent' };
  const runs = (await processStart(noted.pid)) === noted.start;
  return { kind: runs ? 'running' : 'died', pid: noted.pid };
}

/**
 * Ends the process: SIGTERM, then SIGKILL, each with its bound; forgets it. Nothing to do when it does not run.
 * @throws {LocalProblem} STOP_FAILED when it outlives both.
 */
export async function stopProcess(files: ProcessFiles, bounds: StopBounds, signal: AbortSignal): Promise<void> {
  const status = await inspectProcess(files);
  if (status.kind === 'running') {
    const gone = async (): Promise<boolean> => (await inspectProcess(files)).kind !== 'running';
    send(status.pid, 'SIGTERM');
    if (!(await waitUntil(gone, { timeoutMs: bounds.graceMs, intervalMs: pollIntervalMs, signal }))) {
      send(status.pid, 'SIGKILL');
      if (!(await waitUntil(gone, { timeoutMs: bounds.killMs, intervalMs: pollIntervalMs, signal }))) {
        throw new LocalProblem(
          'STOP_FAILED',
          `Process ${status.pid} still runs ${bounds.graceMs + bounds.killMs} ms after SIGTERM and SIGKILL.`,
        );
      }
    }
  }
  await rm(files.pidFile, { force: true });
}

/** Ends the process as a crash would, and leaves its pid file: it then counts as died. For fault tests. */
export async function killProcess(files: ProcessFiles, signal: AbortSignal): Promise<void> {
  const status = await inspectProcess(files);
  if (status.kind !== 'running') return;
  send(status.pid, 'SIGKILL');
  const gone = async (): Promise<boolean> => (await inspectProcess(files)).kind !== 'running';
  if (!(await waitUntil(gone, { timeoutMs: 10_000, intervalMs: pollIntervalMs, signal }))) {
    throw new LocalProblem('STOP_FAILED', `Process ${status.pid} still runs 10000 ms after SIGKILL.`);
  }
}

function send(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It ended in between: that is what was wanted.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
