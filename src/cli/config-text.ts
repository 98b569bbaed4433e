import { open } from 'node:fs/promises';
import { Problem } from '../worker/problems.ts';

const bytesMax = 1 << 20;
/** Where the image looks (docs/deploy/image.md). */
export const defaultConfigEnv = 'UMBRA_WORKER_CONFIG';

/** Where a worker's configuration is. An orchestrator hands secrets over as variables; files are for everybody else. */
export type ConfigSource =
  { readonly kind: 'file'; readonly file: string } | { readonly kind: 'variable'; readonly name: string };

type Environment = Readonly<Record<string, string | undefined>>;

/** Pure: what `--config` and `--config-env` say; undefined when neither is given. Throws `INVALID_INPUT` for both. */
export function configSource(options: Readonly<Record<string, unknown>>): ConfigSource | undefined {
  const { config, configEnv } = options;
  if (config !== undefined && configEnv !== undefined) {
    throw new Problem('INVALID_INPUT', '--config and --config-env: give one of them, not both');
  }
  if (typeof config === 'string') return { kind: 'file', file: config };
  return typeof configEnv === 'string' ? { kind: 'variable', name: configEnv } : undefined;
}

/** How messages name it: they never hold a value, which may be a secret. */
export function sourceName(source: ConfigSource): string {
  return source.kind === 'file' ? source.file : `the variable ${source.name}`;
}

/** The JSON behind it, unparsed by any schema. Rejects with `INVALID_INPUT`, which names the source. */
export async function readConfigJson(source: ConfigSource, env: Environment): Promise<unknown> {
  const text = source.kind === 'file' ? await readSmallFile(source.file) : readVariable(source.name, env);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own message quotes the text, which holds passwords.
    throw new Problem('INVALID_INPUT', `${sourceName(source)}: is not valid JSON`);
  }
}

function readVariable(name: string, env: Environment): string {
  const text = env[name];
  if (text === undefined || text.trim() === '') {
    throw new Problem(
      'INVALID_INPUT',
      `the variable ${name}: is ${text === undefined ? 'not set' : 'empty'}; it must hold the JSON of a worker's file`,
    );
  }
  return text;
}

/** The text of a file of at most 1 MiB. Rejects with `INVALID_INPUT` when there is none or it is larger. */
export async function readSmallFile(file: string): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      if (size > bytesMax) throw new Problem('INVALID_INPUT', `${file}: is larger than ${bytesMax} bytes`);
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
