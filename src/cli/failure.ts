import { CommanderError } from 'commander';
import { problems, Problem } from '../worker/problems.ts';
import { LocalProblem, type LocalProblemCode } from '../local/local-problems.ts';
import { printable, printableJson } from './printable.ts';

/** What a failed command leaves behind: lines for stderr and the exit code. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly exit: number;
  /** Only shown with UMBRA_DEBUG=1. */
  readonly stack?: string | undefined;
}

/** Stopped by a signal; the shell's convention for SIGINT. */
export const interruptedExit = 130;

const localInputCodes: ReadonlySet<LocalProblemCode> = new Set(['INVALID_SPEC', 'SPEC_CONFLICT']);

export function failureOf(thrown: unknown): Failure {
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  if (thrown instanceof Problem) {
    return {
      code: thrown.code,
      message: thrown.message,
      remedy: thrown.remedy,
      exit: problems[thrown.code].exit,
      stack,
    };
  }
  if (thrown instanceof LocalProblem) {
    const { exit } = problems[localInputCodes.has(thrown.code) ? 'INVALID_INPUT' : 'NOT_READY'];
    // Its message ends with its remedy, which gets a line of its own here.
    const message = thrown.message.replace(thrown.remedy, '').trim();
    return { code: thrown.code, message, remedy: thrown.remedy, exit, stack };
  }
  if (thrown instanceof CommanderError) {
    const message = thrown.message.replace(/^error: /, '').replaceAll('\n', ' ');
    return { code: 'INVALID_INPUT', message, remedy: 'Run "npx umbra --help".', exit: problems.INVALID_INPUT.exit };
  }
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return {
      code: 'INTERRUPTED',
      message: 'interrupted',
      remedy: 'Run it again when you like.',
      exit: interruptedExit,
    };
  }
  const message = `unexpected: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  const remedy = 'Run it again with UMBRA_DEBUG=1 and report what it shows.';
  return { code: 'INTERNAL', message, remedy, exit: problems.INTERNAL.exit, stack };
}

export interface FailureForm {
  readonly json: boolean;
  readonly debug: boolean;
}

/**
 * One line that says what, one that says what to do; between them the lines of a log, where the message holds some.
 * With `json` one object with the same in fields.
 */
export function renderFailure(failure: Failure, form: FailureForm): string {
  const { code, message, remedy, stack } = failure;
  if (form.json) return printableJson({ problem: { code, message, remedy } });
  const [what = '', ...log] = message.split('\n').map(printable);
  const lines = [`umbra: ${what}`, ...log, `  → ${printable(remedy)}`];
  if (form.debug && stack !== undefined) lines.push(...stack.split('\n').map(printable));
  return lines.join('\n');
}
