import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createApiClient, type ApiClient } from '../api/client.ts';
import { Secret } from '../worker/secret.ts';
import { apiUrl } from '../local/worker-file.ts';
import type { SiteId } from '../pair/site.ts';
import { Problem } from '../worker/problems.ts';
import type { WorkerConfig } from '../worker/worker-config.ts';
import { readSmallFile } from './config-text.ts';
import { tokenVariable } from './io.ts';
import { readWorkerFile } from './worker-file.ts';

/** A status is asked by a person who waits. */
const askTimeoutMs = 5_000;
const workersMax = 64;

/** Where the options of every verb say the workers are. */
export interface WorkerOptions {
  readonly api: readonly string[];
  readonly tokenFile?: string | undefined;
  /** Of the environment, for workers that are named by their URLs; a file goes before. */
  readonly tokenGiven?: string | undefined;
}

/** A worker that may be asked; whether it answers is another matter. Site and pair are known when its file was found. */
export interface KnownWorker {
  readonly client: ApiClient;
  readonly site?: SiteId | undefined;
  readonly pair?: string | undefined;
}

/** The configuration of a worker, found on this machine. */
export interface FoundConfig {
  readonly file: string;
  readonly config: WorkerConfig;
}

/**
 * The workers to ask: those named by `--api`, else those of the project that `cwd` lies in.
 * Rejects with `NO_PAIR` when there are none, `INVALID_INPUT` for a bad URL, token or worker file.
 */
export async function knownWorkers(options: WorkerOptions, cwd: string): Promise<readonly KnownWorker[]> {
  const given = options.tokenFile === undefined ? undefined : await readToken(options.tokenFile);
  if (options.api.length > 0) {
    const token = given ?? tokenIn(options.tokenGiven, `the variable ${tokenVariable}`);
    return options.api.map((url) => ({ client: createApiClient({ url, token, timeoutMs: askTimeoutMs }) }));
  }
  const configs = await foundConfigs(cwd);
  return configs.map(({ file, config }) => {
    const { pair, site, api } = config;
    const token = given ?? (api.token === undefined ? undefined : new Secret(api.token));
    return { client: createApiClient({ url: urlOf(file, config), token, timeoutMs: askTimeoutMs }), pair, site };
  });
}

/** Every `workers/<name>/worker.json` of the nearest `.umbra` at or above `cwd`, by name. Rejects with `NO_PAIR`. */
export async function foundConfigs(cwd: string): Promise<readonly [FoundConfig, ...FoundConfig[]]> {
  const folder = await projectFolder(cwd);
  const files = folder === undefined ? [] : await workerFiles(join(folder, 'workers'));
  const [first, ...rest] = files.sort();
  if (first === undefined) {
    throw new Problem('NO_PAIR', `no pair found: there is no .umbra/workers/*/worker.json in ${cwd} or above it`);
  }
  if (files.length > workersMax) {
    throw new Problem(
      'INVALID_INPUT',
      `${folder ?? cwd} holds ${files.length} workers; at most ${workersMax} are asked`,
    );
  }
  return [await found(first), ...(await Promise.all(rest.map(found)))];
}

async function found(file: string): Promise<FoundConfig> {
  return { file, config: await readWorkerFile(file) };
}

/** A folder without a file is a worker that was never finished or is gone. */
async function workerFiles(folder: string): Promise<string[]> {
  if (!(await isDirectory(folder))) return [];
  const files = (await readdir(folder)).map((name) => join(folder, name, 'worker.json'));
  const kinds = await Promise.all(files.map((file) => stat(file).catch(() => undefined)));
  return files.filter((_, index) => kinds[index]?.isFile() === true);
}

/** The nearest `.umbra` at or above this folder: where a project keeps what it runs on this machine. */
export async function projectFolder(from: string): Promise<string | undefined> {
  for (let at = from; ; at = dirname(at)) {
    const folder = join(at, '.umbra');
    if (await isDirectory(folder)) return folder;
    if (dirname(at) === at) return undefined;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  const entry = await stat(path).catch(() => undefined);
  return entry?.isDirectory() === true;
}

function urlOf(file: string, { api }: WorkerConfig): string {
  if (api.port !== 0) return apiUrl(api);
  throw new Problem('INVALID_INPUT', `${file}: config.api.port is 0, so only its log knows the port; use --api`);
}

/** The one token in a file. Rejects with `INVALID_INPUT`. */
export async function readToken(file: string): Promise<Secret> {
  const text = await readSmallFile(file);
  return parseToken(text, file);
}

function tokenIn(text: string | undefined, where: string): Secret | undefined {
  return text === undefined ? undefined : parseToken(text, where);
}

function parseToken(text: string, where: string): Secret {
  const token = text.trim();
  if (!/^\S{16,4096}$/.test(token)) {
    throw new Problem('INVALID_INPUT', `${where}: must hold one token of at least 16 characters and nothing else`);
  }
  return new Secret(token);
}
