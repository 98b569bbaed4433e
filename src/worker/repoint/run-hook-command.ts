import { spawn } from 'node:child_process';
import { type CommandHook, type Move, moveAsEnvironment, moveAsJson } from './repoint-spec.ts';

const stderrCharsMax = 2_000;
const lineCharsMax = 200;

/**
 * One run of the command: the move as JSON on its input, in short in its environment. Resolves to why it failed, or
 * undefined for exit code 0. Of what it writes only the last line of stderr is kept, to say why. One that takes too long
 * is killed, with all that it has started.
 */
export function runHookCommand(
  { command, timeoutMs }: CommandHook,
  { move, env }: { readonly move: Move; readonly env: Readonly<Record<string, string | undefined>> },
  signal: AbortSignal,
): Promise<string | undefined> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    let stderr = '';
    let stopped: string | undefined;
    // A group of its own: a script's children would outlive it, and hold its output open.
    const child = spawn(program, args, {
      env: { ...env, ...moveAsEnvironment(move) },
      stdio: ['pipe', 'ignore', 'pipe'],
      detached: true,
    });
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
    const end = (why: string | undefined): void => {
      clearTimeout(late);
      signal.removeEventListener('abort', given);
      resolve(why);
    };
    signal.addEventListener('abort', given, { once: true });
    if (signal.aborted) given();
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-stderrCharsMax);
    });
    // A command that does not read its input may be gone before it is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(moveAsJson(move));
    child.once('error', (error) => end(`it cannot be started (${'code' in error ? String(error.code) : error.name})`));
    child.once('close', (code) => {
      if (stopped !== undefined) end(stopped);
      else end(code === 0 ? undefined : `exit code ${code ?? 'none'}${lastLineOf(stderr)}`);
    });
  });
}

function lastLineOf(stderr: string): string {
  const line = stderr.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? '' : `: ${line.slice(0, lineCharsMax)}`;
}
