import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { ToolError } from './steps.mjs';

/** A tool that says nothing can be shown by its last lines: enough for the reason, not a flood. */
const tailLinesMax = 40;
/** After an abort: time for a child to end on SIGTERM before it is killed. */
const killAfterMs = 10_000;

export interface CaptureOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Each line of stdout and stderr as it comes. */
  readonly onLine?: (line: string) => void;
}

export interface Captured {
  readonly code: number;
  /** Whole standard output. */
  readonly stdout: string;
  /** The last lines of both streams together, in the order they came. */
  readonly tail: string;
}

/**
 * Runs a program to its end without a terminal. Rejects with a {@link ToolError} when it cannot be started; an exit
 * code other than 0 is for the caller to judge. An abort ends the child (SIGTERM, then SIGKILL) and rejects.
 */
export async function capture(command: string, args: readonly string[], options: CaptureOptions): Promise<Captured> {
  options.signal.throwIfAborted();
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdout: Buffer[] = [];
  const tail = lineTail(options.onLine);
  child.stdout.on('data', (chunk: Buffer) => {
    stdout.push(chunk);
    tail.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => tail.push(chunk));
  let killTimer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    killTimer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  };
  options.signal.addEventListener('abort', stop, { once: true });
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exit, name) => resolve(exitCodeOf(exit, name)));
    });
    options.signal.throwIfAborted();
    return { code, stdout: Buffer.concat(stdout).toString('utf8'), tail: tail.text() };
  } catch (error) {
    if (isMissingProgram(error))
      throw new ToolError(`${command} cannot be run: no such program on PATH.`, { cause: error });
    throw error;
  } finally {
    options.signal.removeEventListener('abort', stop);
    clearTimeout(killTimer);
  }
}

/** True for the error of `spawn` when the program does not exist. */
export function isMissingProgram(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function lineTail(onLine: ((line: string) => void) | undefined): { push: (chunk: Buffer) => void; text: () => string } {
  const lines: string[] = [];
  let rest = '';
  return {
    push: (chunk) => {
      const parts = (rest + chunk.toString('utf8')).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) {
        onLine?.(line);
        lines.push(line);
      }
      if (lines.length > tailLinesMax) lines.splice(0, lines.length - tailLinesMax);
    },
    text: () => [...lines, rest].join('\n').trim(),
  };
}

export interface AttachOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

const passedSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a program on this process's own terminal and gives its exit code (128 + signal number when a signal ended it).
 * While it runs, signals to this process are its business: they are passed on, and this process lives until it ends.
 */
export async function attach(command: string, args: readonly string[], options: AttachOptions = {}): Promise<number> {
  const child = spawn(command, args, { cwd: options.cwd, env: options.env ?? process.env, stdio: 'inherit' });
  // A terminal sends Ctrl-C to the child as well: passing it on too would count as the second, hard one.
  const pass = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGINT' || !onTerminal()) child.kill(signal);
  };
  for (const name of passedSignals) process.on(name, pass);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(exitCodeOf(code, signal)));
    });
  } finally {
    for (const name of passedSignals) process.removeListener(name, pass);
  }
}

/** As a shell says it: 128 + the number of the signal that ended the program. */
function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

function onTerminal(): boolean {
  return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
}
