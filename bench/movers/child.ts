import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type z } from 'zod';

const answerTimeoutMs = 60_000;
const stopTimeoutMs = 20_000;
const errorCharsMax = 4_000;

export interface Child {
  readonly pid: number;
  /** Sends a message and waits for the next one back. Rejects when the process ends or says nothing in time. */
  ask<Schema extends z.ZodType>(question: object, answer: Schema): Promise<z.output<Schema>>;
  /** What it wrote to stderr last. */
  errors(): string;
  /** Lets go of it, upon which it ends by itself; kills it when it does not. */
  stop(): Promise<void>;
}

/** Starts a TypeScript file of this folder as a process that talks over Node's own channel. */
export async function startChild(file: string, argument: string): Promise<Child> {
  const child = fork(join(import.meta.dirname, file), [argument], {
    // Not what this process was started with: the flags of a test runner are no part of what is measured.
    execArgv: [],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-errorCharsMax)));
  await once(child, 'spawn');
  const { pid } = child;
  if (pid === undefined) throw new Error(`${file} was started without a pid`);
  return {
    pid,
    ask: async (question, answer) => answer.parse(await nextMessage(child, { question, file, errors: () => errors })),
    errors: () => errors,
    stop: () => stopChild(child),
  };
}

async function nextMessage(
  child: ChildProcess,
  about: { readonly question: object; readonly file: string; readonly errors: () => string },
): Promise<unknown> {
  const waiting = new AbortController();
  const { signal } = waiting;
  const timer = setTimeout(() => waiting.abort(), answerTimeoutMs);
  try {
    const answer = once(child, 'message', { signal });
    const end = once(child, 'exit', { signal }).then(([code]: unknown[]) => {
      throw new Error(`${about.file} ended with exit code ${String(code)}:\n${about.errors()}`);
    });
    // Whichever loses the race is aborted below.
    answer.catch(() => undefined);
    end.catch(() => undefined);
    if (child.exitCode === null && child.connected) child.send(about.question);
    const [message] = (await Promise.race([answer, end])) as unknown[];
    return message;
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Error(`${about.file} did not answer within ${answerTimeoutMs} ms:\n${about.errors()}`, { cause: error });
  } finally {
    clearTimeout(timer);
    waiting.abort();
  }
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  if (child.connected) child.disconnect();
  await ended;
  clearTimeout(timer);
}
