import { createInterface } from 'node:readline/promises';
import { wantsColour } from './colours.ts';

/** The token of the workers' API as an orchestrator hands it over: a secret of its own, apart from any configuration. */
export const tokenVariable = 'UMBRA_API_TOKEN';

/** What of a worker's configuration an orchestrator hands over as a secret, to be laid over the rest: JSON. */
export const secretsVariable = 'UMBRA_WORKER_SECRETS';

/** Everything a verb may touch of the process it runs in; tests pass their own. */
export interface Io {
  /** Results. A line, without its end. */
  readonly out: (line: string) => void;
  /** Errors, progress and remarks. A line, without its end. */
  readonly err: (line: string) => void;
  /** A line that the next one replaces; absent where nobody watches. */
  readonly progress?: (line: string) => void;
  /** The terminal that results go to, for what is drawn again and again in one place; absent where it is none. */
  readonly screen?: { readonly write: (text: string) => void; readonly rows: () => number };
  /** Asks a person for one line; absent where nobody can answer. Rejects when the signal fires. */
  readonly ask?: (question: string, signal: AbortSignal) => Promise<string>;
  readonly colour: boolean;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function processIo(): Io {
  const screen = { write: (text: string) => void process.stdout.write(text), rows: () => process.stdout.rows };
  const io = {
    ...(process.stdout.isTTY ? { screen } : {}),
    out: (line: string) => void process.stdout.write(`${line}\n`),
    err: (line: string) => void process.stderr.write(`${line}\n`),
    colour: wantsColour(process.stdout, process.env),
    cwd: process.cwd(),
    env: process.env,
  };
  if (!process.stderr.isTTY) return io;
  const watched = { ...io, progress: (line: string) => void process.stderr.write(`\r\u001B[K${line}`) };
  return process.stdin.isTTY ? { ...watched, ask: askOnTerminal } : watched;
}

async function askOnTerminal(question: string, signal: AbortSignal): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question, { signal });
  } finally {
    terminal.close();
  }
}
