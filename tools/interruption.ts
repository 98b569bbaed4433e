import { ToolError, renderError } from './steps.mjs';

const peopleErrors = new Set(['ToolError', 'LocalProblem', 'Problem']);

/**
 * Runs a command of this folder: the signal aborts at the first Ctrl-C or SIGTERM, the number becomes the exit code,
 * an error is printed last (its message alone where it was written for people) and makes the exit code 1. The signal
 * is aborted at the end in any case.
 */
export async function runCommand(main: (signal: AbortSignal) => Promise<number>): Promise<void> {
  const controller = new AbortController();
  const stop = (): void => controller.abort(new ToolError('Interrupted; the same command starts over where it was.'));
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    process.exitCode = await main(controller.signal);
  } catch (error) {
    const forPeople = error instanceof Error && peopleErrors.has(error.name);
    process.stderr.write(`${forPeople ? error.message : renderError(error)}\n`);
    process.exitCode = controller.signal.aborted ? 130 : 1;
  } finally {
    process.removeListener('SIGINT', stop);
    process.removeListener('SIGTERM', stop);
    // Work that still goes on beside the command (a build in the background) ends with it.
    controller.abort();
  }
}
