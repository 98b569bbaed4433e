import { type CommandHook, type Move, moveAsEnvironment, moveAsJson } from './repoint-spec.ts';
import { runProgram } from './run-program.ts';

const lineCharsMax = 200;

/**
 * One run of the command: the move as JSON on its input, in short in its environment. Resolves to why it failed, or
 * undefined for exit code 0. Of what it writes only the last line of stderr is kept, to say why. One that takes too long
 * is killed, with all that it has started.
 */
export async function runHookCommand(
  { command, timeoutMs }: CommandHook,
  { move, env }: { readonly move: Move; readonly env: Readonly<Record<string, string | undefined>> },
  signal: AbortSignal,
): Promise<string | undefined> {
  const [program = '', ...args] = command;
  const run = { program, args, env: { ...env, ...moveAsEnvironment(move) }, input: moveAsJson(move), timeoutMs };
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
