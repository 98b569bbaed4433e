import { parseInput } from '../api/input.ts';
import { Problem } from '../worker/problems.ts';
import { workerConfigSchema, type WorkerConfig, type WorkerConfigInput } from '../worker/worker-config.ts';
import { secretsVariable, tokenVariable } from './io.ts';
import { type ConfigSource, readConfigJson, sourceName } from './config-text.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads and parses the configuration of a worker. Rejects with `INVALID_INPUT`: one line that names the file and every
 * wrong field; never a value, they may be secrets.
 */
export async function readWorkerFile(file: string): Promise<WorkerConfig> {
  return parseInput(workerConfigSchema, await readConfigJson({ kind: 'file', file }, {}), `${file}: config`);
}

/** The same file as it stands, secrets in clear text, checked but without what parsing adds. */
export async function readWorkerInput(file: string): Promise<WorkerConfigInput> {
  const json = await readConfigJson({ kind: 'file', file }, {});
  parseInput(workerConfigSchema, json, `${file}: config`);
  // Sound: the schema accepted it as its input.
  return json as WorkerConfigInput;
}

/**
 * What a worker process starts with: the configuration behind `source`, with {@link secretsVariable} laid over it, and
 * `api.token` from {@link tokenVariable} where the configuration has none. Rejects with `INVALID_INPUT`, which names the source
 * and the field, never a value.
 */
export async function readWorkerConfig(source: ConfigSource, env: Environment): Promise<WorkerConfig> {
  const json = withToken(withSecrets(await readConfigJson(source, env), env), env[tokenVariable]);
  return parseInput(workerConfigSchema, json, `${sourceName(source)}: config`);
}

/** Objects are merged field by field; whatever else the secrets name takes the place of what was there. */
function withSecrets(json: unknown, env: Environment): unknown {
  const text = env[secretsVariable];
  if (text === undefined) return json;
  let secrets: unknown;
  try {
    secrets = JSON.parse(text);
  } catch {
    // Not even the parser's message may be told: it quotes the text.
  }
  if (!isRecord(secrets) || Array.isArray(secrets))
    throw new Problem(
      'INVALID_INPUT',
      `the variable ${secretsVariable}: must be a JSON object, laid over the configuration`,
    );
  return laidOver(json, secrets);
}

/** Pure. */
export function laidOver(below: unknown, above: unknown): unknown {
  if (!isRecord(below) || !isRecord(above) || Array.isArray(below) || Array.isArray(above)) return above;
  const merged = Object.entries(above).map(([name, value]) => [name, laidOver(below[name], value)] as const);
  return { ...below, ...Object.fromEntries(merged) };
}

/** Before the whole is parsed: with a token it may be sound where without one it is not. */
function withToken(json: unknown, token: string | undefined): unknown {
  if (token === undefined || !isRecord(json) || !isRecord(json['api']) || 'token' in json['api']) return json;
  // Parsed alone: an error has to name the variable, for that is what a person has to correct.
  parseInput(workerConfigSchema.shape.api.shape.token.unwrap(), token, `the variable ${tokenVariable}`);
  return { ...json, api: { ...json['api'], token } };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Throws `INVALID_INPUT` when a verb that needs a configuration was given none. */
export function neededSource(source: ConfigSource | undefined): ConfigSource {
  if (source !== undefined) return source;
  throw new Problem('INVALID_INPUT', 'give --config FILE or --config-env NAME: a worker starts from one of them');
}
