import { spawn } from 'node:child_process';

const stderrCharsMax = 2_000;

export interface ProgramRun {
  readonly program: string;
  readonly args: readonly string[];
  /** The whole of its environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What it reads; nobody minds if it does not. */
  readonly input: string;
  readonly timeoutMs: number;
}

export type ProgramEnd =
  /** `code` is undefined where a signal of somebody else ended it; of stderr the last 2,000 characters. */
  | { readonly kind: 'ended'; readonly code: number | undefined; readonly stderr: string }
  /** Killed by us: it took too long, or `signal` aborted. `why` is a sentence without its subject. */
  | { readonly kind: 'stopped'; readonly why: string }
  /** Such as ENOENT. */
  | { readonly kind: 'not started'; readonly code: string };

/** Runs a program without a shell, to its end. One that takes too long is killed, with all that it has started. Never rejects. */
export function runProgram(
  { program, args, env, input, timeoutMs }: ProgramRun,
  signal: AbortSignal,
): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    let stderr = '';
    let stopped: string | undefined;
    // A group of its own: a script's children would outlive it, and hold its output open.
    const child = spawn(program, args, { env, stdio: ['pipe', 'ignore', 'pipe'], detached: true });
    const stop = (why: string): void => {
      stopped ??= why;
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    };
    const given = (): void => stop('it was given up');
    const late = setTimeout(() => stop(`it did not end within ${timeoutMs} ms and was killed`), timeoutMs);
    const end = (how: ProgramEnd): void => {
      clearTimeout(late);
      signal.removeEventListener('abort', given);
      resolve(how);
    };
    signal.addEventListener('abort', given, { once: true });
    if (signal.aborted) given();
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-stderrCharsMax);
    });
    // A program that does not read its input may be gone before it is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.once('error', (error) =>
      end({ kind: 'not started', code: 'code' in error ? String(error.code) : error.name }),
    );
    child.once('close', (code) => {
      if (stopped !== undefined) end({ kind: 'stopped', why: stopped });
      else end({ kind: 'ended', code: code ?? undefined, stderr });
    });
  });
}
