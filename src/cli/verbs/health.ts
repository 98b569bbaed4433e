import { get } from 'node:http';
import { apiUrl } from '../../local/worker-file.ts';
import { Problem } from '../../worker/problems.ts';
import { type ConfigSource, configSource, defaultConfigEnv, readConfigJson, sourceName } from '../config-text.ts';
import { answer, type Verb } from '../verb.ts';

const answerMs = 3_000;

/** For a container engine: whether the worker beside it answers. Its readiness is another matter (`/readyz`). */
export const health: Verb = {
  name: 'health',
  summary: 'ask whether the worker of a configuration answers, on this machine or in this container',
  declare: (command) =>
    command
      .option('--config <FILE>', 'the file the worker was started with')
      .option('--config-env <NAME>', `the variable it was started with (without both: ${defaultConfigEnv})`),
  run: async (context, _args, options) => {
    const source = configSource(options) ?? { kind: 'variable', name: defaultConfigEnv };
    const url = `${listeningUrl(await readConfigJson(source, context.io.env), source)}/healthz`;
    const status = await ask(url, context.signal);
    if (status !== 200) throw new Problem('UNREACHABLE', `${url} answered with status ${status}`);
    answer(context, { healthy: url }, () => `${url} answers`);
    return 0;
  },
};

/**
 * Pure. Only the two fields that it takes to ask: whether the rest is sound the worker has said when it started, and a
 * schema costs more to load than the whole question.
 */
export function listeningUrl(config: unknown, source: ConfigSource): string {
  const api = fieldOf(config, 'api');
  const port = fieldOf(api, 'port');
  const host = fieldOf(api, 'host') ?? '127.0.0.1';
  const wrong = (field: string, rule: string): never => {
    throw new Problem('INVALID_INPUT', `${sourceName(source)}: config.api.${field}: ${rule}`);
  };
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    return wrong('port', 'must be the port the worker listens on, 1 to 65535');
  }
  if (typeof host !== 'string' || host === '') return wrong('host', 'must be an address or a name');
  return apiUrl({ host, port });
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** The status of the answer. Rejects with `UNREACHABLE` when none comes in time. */
function ask(url: string, signal: AbortSignal): Promise<number> {
  const bound = AbortSignal.any([signal, AbortSignal.timeout(answerMs)]);
  return new Promise((resolve, reject) => {
    const request = get(url, { signal: bound, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.once('error', (error) => {
      const why = 'code' in error && error.code !== 'ABORT_ERR' ? String(error.code) : `no answer in ${answerMs} ms`;
      reject(signal.aborted ? error : new Problem('UNREACHABLE', `${url} does not answer (${why})`, { cause: error }));
    });
  });
}
