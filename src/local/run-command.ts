import { spawn } from 'node:child_process';

export interface CommandResult {
  readonly exitCode: number;
  /** stdout alone. */
  readonly stdout: string;
  /** stdout and stderr as they came. */
  readonly output: string;
}

export interface CommandOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

const outputCharsMax = 1 << 20;

/**
 * Runs a command to its end. Not started (not found, no right) rejects; an exit code is an answer. Output beyond
 * 1 MiB is dropped from the front; a command that outlives its bound or an abort is killed and rejects, an abort
 * with the signal's reason.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: AbortSignal.any([options.signal, timeout]),
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout = (stdout + chunk).slice(-outputCharsMax);
      output = (output + chunk).slice(-outputCharsMax);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(-outputCharsMax);
    });
    child.once('error', (error) => {
      if (options.signal.aborted) reject(reasonOf(options.signal));
      else if (!timeout.aborted) reject(error);
      else reject(new Error(`${command} did not end within ${options.timeoutMs} ms`, { cause: error }));
    });
    child.once('close', (code) => resolve({ exitCode: code ?? 128, stdout, output }));
  });
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason));
}
