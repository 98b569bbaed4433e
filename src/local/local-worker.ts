import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type SiteId } from '../pair/site.ts';
import { waitUntil } from './bounded-wait.ts';
import { childEnvironment } from './child-environment.ts';
import { compileCacheDir } from './compile-cache.mjs';
import { freePorts, isPortFree } from './free-port.ts';
import { type LocalOptions } from './local-cluster.ts';
import { LocalProblem } from './local-problems.ts';
import { logTail } from './log-tail.ts';
import {
  inspectProcess,
  launchProcess,
  type LaunchedProcess,
  type ProcessStatus,
  stopProcess,
  type StopBounds,
} from './managed-process.ts';
import { readJson, writePrivateJson } from './private-file.ts';
import { apiUrl, type LocalWorkerSpec, renderWorkerFile } from './worker-file.ts';

/** A worker process of this machine. */
export interface LocalWorker {
  readonly home: string;
  readonly pair: string;
  readonly site: SiteId;
  /** `http://127.0.0.1:21234` */
  readonly apiUrl: string;
}

export type WorkerReport =
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'present';
      readonly worker: LocalWorker;
      readonly status: ProcessStatus;
      /** The last lines it wrote, when it died; else none. */
      readonly logTail: readonly string[];
    };

export type WorkerHome = Pick<LocalWorkerSpec, 'home'>;

/** What this room reads of a worker's own file; everything else in it is the worker's business. */
const workerFileSchema = z.looseObject({
  pair: z.string(),
  site: z.enum(['a', 'b']),
  api: z.looseObject({ host: z.string(), port: z.int() }),
});

const readyTimeoutMs = 60_000;
const readyIntervalMs = 100;
const answerTimeoutMs = 2_000;
const takeBackTimeoutMs = 60_000;
const logTailLines = 20;
/** It finishes the appends that are on their way and leaves its group. */
const stopBounds: StopBounds = { graceMs: 15_000, killMs: 10_000 };

/**
 * Starts the worker with this configuration, or leaves the one that runs with the very same alone, and waits until it
 * says it is ready. A changed configuration restarts it. The port of its API is kept over restarts.
 * @throws {LocalProblem} PORT_TAKEN, WORKER_DIED, NOT_READY_IN_TIME; the worker is then stopped again
 */
export async function startLocalWorker(spec: LocalWorkerSpec, options: LocalOptions): Promise<LocalWorker> {
  const files = workerPaths(spec.home);
  const { signal, env = process.env } = options;
  const old = await readJson(files.config, workerFileSchema);
  const port = spec.apiPort ?? old?.api.port ?? (await onePort());
  const file = renderWorkerFile(spec, port);
  const worker = { home: spec.home, pair: spec.pair, site: spec.site, apiUrl: apiUrl(file.api) };
  const runs = (await inspectProcess(files)).kind === 'running';
  if (runs && isDeepStrictEqual(old, JSON.parse(JSON.stringify(file)))) {
    await waitUntilReady(worker, undefined, signal);
    return worker;
  }
  await stopProcess(files, stopBounds, signal);
  if (!(await isPortFree(port))) {
    throw new LocalProblem(
      'PORT_TAKEN',
      `Port ${port} of worker ${spec.pair}/${spec.site} is used by another program.`,
    );
  }
  await writePrivateJson(files.config, file);
  options.onProgress?.(`start worker ${spec.pair}/${spec.site} (API ${worker.apiUrl})`);
  const launched = await launchProcess({
    command: process.execPath,
    args: nodeArguments(spec.entry ?? defaultEntry, files.config),
    cwd: spec.home,
    env: { NODE_COMPILE_CACHE: compileCacheDir(env), ...childEnvironment(env) },
    files,
  });
  try {
    await waitUntilReady(worker, launched, signal);
  } catch (error) {
    // The caller's signal may be the reason for being here: taking back has a bound of its own.
    await stopProcess(files, stopBounds, AbortSignal.timeout(takeBackTimeoutMs));
    throw error;
  }
  return worker;
}

/** What is there; reads files and looks at the process, changes nothing. */
export async function inspectLocalWorker({ home }: WorkerHome): Promise<WorkerReport> {
  const files = workerPaths(home);
  const file = await readJson(files.config, workerFileSchema);
  if (file === undefined) return { kind: 'absent' };
  const status = await inspectProcess(files);
  const tail = status.kind === 'died' ? await logTail(files.logFile, logTailLines) : [];
  const worker = { home, pair: file.pair, site: file.site, apiUrl: apiUrl(file.api) };
  return { kind: 'present', worker, status, logTail: tail };
}

/** Stops the worker and keeps its files; nothing to do when it does not run. */
export async function stopLocalWorker({ home }: WorkerHome, options: LocalOptions): Promise<void> {
  await stopProcess(workerPaths(home), stopBounds, options.signal);
}

/** Stops the worker and removes its folder. */
export async function deleteLocalWorker({ home }: WorkerHome, options: LocalOptions): Promise<void> {
  await stopLocalWorker({ home }, options);
  await rm(home, { recursive: true, force: true });
}

/** Files of a worker below its home folder. */
export function workerPaths(home: string): {
  readonly config: string;
  readonly pidFile: string;
  readonly logFile: string;
} {
  return { config: join(home, 'worker.json'), pidFile: join(home, 'worker.pid'), logFile: join(home, 'worker.log') };
}

const defaultEntry = join(import.meta.dirname, '..', 'cli', 'umbra.mjs');

/** The sources run as they are: Node takes the types away (and says on stderr, before 24, that it can). */
function nodeArguments(entry: string, config: string): readonly string[] {
  return ['--disable-warning=ExperimentalWarning', entry, 'worker', '--config', config];
}

async function onePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new LocalProblem('PORT_TAKEN', 'No free port for the API of a worker.');
  return port;
}

async function waitUntilReady(
  worker: LocalWorker,
  launched: LaunchedProcess | undefined,
  signal: AbortSignal,
): Promise<void> {
  const files = workerPaths(worker.home);
  const name = `Worker ${worker.pair}/${worker.site}`;
  let last = 'it was never asked';
  const ready = await waitUntil(
    async () => {
      if ((await inspectProcess(files)).kind !== 'running') {
        const how = launched?.exit() ?? 'its process is gone';
        throw new LocalProblem(
          'WORKER_DIED',
          `${name} ended before it was ready: ${how}.\n${await logOf(files.logFile)}\n`,
        );
      }
      last = await askReadiness(worker, signal);
      return last === 'ready';
    },
    { timeoutMs: readyTimeoutMs, intervalMs: readyIntervalMs, signal },
  );
  if (ready) return;
  const detail = `${name} was not ready within ${readyTimeoutMs} ms (last: ${last}).`;
  throw new LocalProblem('NOT_READY_IN_TIME', `${detail}\n${await logOf(files.logFile)}\n`);
}

/** `ready`, or what stands between, for a person. */
async function askReadiness(worker: LocalWorker, signal: AbortSignal): Promise<string> {
  try {
    const answer = await fetch(`${worker.apiUrl}/readyz`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]),
    });
    const text = await answer.text();
    return answer.status === 200 ? 'ready' : `${answer.status} ${text.slice(0, 300)}`;
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof Error ? error.message : String(error);
  }
}

async function logOf(file: string): Promise<string> {
  const lines = await logTail(file, logTailLines);
  return [`Last lines of ${file}:`, ...lines.map((line) => `  ${line}`)].join('\n');
}
