import { open } from 'node:fs/promises';
import { parseInput } from '../api/input.ts';
import { Problem } from '../worker/problems.ts';
import { workerConfigSchema, type WorkerConfig, type WorkerConfigInput } from '../worker/worker-config.ts';

const fileBytesMax = 1 << 20;

/**
 * Reads and parses the configuration of a worker. Rejects with `INVALID_INPUT`: one line that names the file and every
 * wrong field; never a value, they may be secrets.
 */
export async function readWorkerFile(file: string): Promise<WorkerConfig> {
  return parseInput(workerConfigSchema, await readJsonFile(file), `${file}: config`);
}

/** The same file as it stands, secrets in clear text, checked but without what parsing adds. */
export async function readWorkerInput(file: string): Promise<WorkerConfigInput> {
  const json = await readJsonFile(file);
  parseInput(workerConfigSchema, json, `${file}: config`);
  // Sound: the schema accepted it as its input.
  return json as WorkerConfigInput;
}

async function readJsonFile(file: string): Promise<unknown> {
  const text = await readSmallFile(file);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own message quotes the text, which holds passwords.
    throw new Problem('INVALID_INPUT', `${file}: is not valid JSON`);
  }
}

/** The text of a file of at most 1 MiB. Rejects with `INVALID_INPUT` when there is none or it is larger. */
export async function readSmallFile(file: string): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      if (size > fileBytesMax) throw new Problem('INVALID_INPUT', `${file}: is larger than ${fileBytesMax} bytes`);
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new Problem('INVALID_INPUT', `${file}: cannot be read (${reason})`, { cause: error });
  }
}
