import { open, rename } from 'node:fs/promises';
import { isMissing } from './private-file.ts';

const tailBytesMax = 64 << 10;
const lineCharsMax = 400;

/** The last lines of a text, each cut to a readable length; blank lines are dropped. */
export function lastLines(text: string, lines: number): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-lines)
    .map((line) => (line.length > lineCharsMax ? `${line.slice(0, lineCharsMax)}…` : line));
}

/** The last lines of a file, of which at most 64 KiB are read; none when there is no such file. */
export async function logTail(file: string, lines: number): Promise<readonly string[]> {
  let handle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - tailBytesMax);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
    return lastLines(buffer.toString('utf8', 0, bytesRead), lines);
  } finally {
    await handle.close();
  }
}

/** Keeps one log of the past: `x.log` becomes `x.log.1`, so that every start writes to a fresh file. */
export async function rotateLog(file: string): Promise<void> {
  try {
    await rename(file, `${file}.1`);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
