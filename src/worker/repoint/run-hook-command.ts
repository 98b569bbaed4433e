import type { CommandHook } from './repoint-spec.ts';
import { runProgram } from './run-program.ts';

const lineCharsMax = 200;

/** What a program is told, and what it sees of the worker's environment. */
export interface CommandTold {
  /** JSON, on its input. */
  readonly input: string;
  /** The same in short: its environment beside umbra's. */
  readonly variables: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * One run of the command: what it is told as JSON on its input, in short in its environment. Resolves to why it failed, or
 * undefined for exit code 0. Of what it writes only the last line of stderr is kept, to say why. One that takes too long
 * is killed, with all that it has started.
 */
export async function runHookCommand(
  { command, timeoutMs }: Pick<CommandHook, 'command' | 'timeoutMs'>,
  { input, variables, env }: CommandTold,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [program = '', ...args] = command;
  const run = { program, args, env: { ...env, ...variables }, input, timeoutMs };
  const end = await runProgram(run, signal);
  switch (end.kind) {
    case 'not started':
      return `it cannot be started (${end.code})`;
    case 'stopped':
      return end.why;
    case 'ended':
      return end.code === 0 ? undefined : `exit code ${end.code ?? 'none'}${lastLineOf(end.stderr)}`;
  }
}

function lastLineOf(stderr: string): string {
  const line = stderr.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? '' : `: ${line.slice(0, lineCharsMax)}`;
}
