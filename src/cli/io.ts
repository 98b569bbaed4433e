import { wantsColour } from './colours.ts';

/** Everything a verb may touch of the process it runs in; tests pass their own. */
export interface Io {
  /** Results. A line, without its end. */
  readonly out: (line: string) => void;
  /** Errors, progress and remarks. A line, without its end. */
  readonly err: (line: string) => void;
  /** A line that the next one replaces; absent where nobody watches. */
  readonly progress?: (line: string) => void;
  readonly colour: boolean;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function processIo(): Io {
  const io = {
    out: (line: string) => void process.stdout.write(`${line}\n`),
    err: (line: string) => void process.stderr.write(`${line}\n`),
    colour: wantsColour(process.stdout, process.env),
    cwd: process.cwd(),
    env: process.env,
  };
  if (!process.stderr.isTTY) return io;
  return { ...io, progress: (line) => void process.stderr.write(`\r\u001B[K${line}`) };
}
