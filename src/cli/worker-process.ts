import type { FastifyInstance } from 'fastify';
import { networkInterfaces } from 'node:os';
import type { Logger } from 'pino';
import { assertBindable, tokensOf } from '../api/access.ts';
import { createApi } from '../api/server.ts';
import { S3Documents } from '../aws/s3-documents.ts';
import { SpecChannel } from '../channel/spec-channel.ts';
import { Problem } from '../worker/problems.ts';
import type { WorkerService } from '../worker/service.ts';
import type { WorkerConfig } from '../worker/worker-config.ts';
import { chooseReachableUrl, type Interfaces } from './reachable-url.ts';

/** What the composition root of the worker gives; passed in, so that tests run the process without Kafka. */
export type StartWorker = (
  config: WorkerConfig,
  options: { readonly logger: Logger; readonly signal: AbortSignal },
) => Promise<{ readonly service: WorkerService; begin(url: string): void; stop(): Promise<void> }>;

export interface WorkerProcessOptions {
  readonly config: WorkerConfig;
  readonly logger: Logger;
  readonly startWorker: StartWorker;
  /** Fires when the process is asked to stop. */
  readonly signal: AbortSignal;
  /** Called once, with the URL the API listens on. */
  readonly onListening: (url: string) => void;
  /** Time for API and worker together to come to an end. */
  readonly stopMs: number;
}

/**
 * Worker and API from start to end: resolves when both have stopped after `signal` fired. Rejects with a `Problem` when
 * either cannot start (what had started is stopped again) or when they do not stop within `stopMs`.
 */
export async function runWorkerProcess(options: WorkerProcessOptions): Promise<void> {
  const { config, logger, signal } = options;
  const tokens = tokensOf(config.api);
  assertBindable(config.api.host, tokens);
  const worker = await startUnlessStopped(options);
  let api: FastifyInstance | undefined;
  let channel: SpecChannel | undefined;
  try {
    api = createApi({ service: worker.service, tokens, host: config.api.host, logger });
    const url = await listen(api, config);
    worker.begin(urlForPeers(url, options));
    channel = watchedChannel(options, worker.service);
    options.onListening(url);
    await fired(signal);
    logger.info('asked to stop');
  } finally {
    await stopAll([() => channel?.stop(), () => api?.close(), () => worker.stop()], options.stopMs);
  }
  logger.info('stopped');
}

function watchedChannel({ config, logger }: WorkerProcessOptions, service: WorkerService): SpecChannel | undefined {
  if (config.specChannel === undefined) return undefined;
  const { pair, site } = config;
  const { lookIntervalMs, ...place } = config.specChannel;
  const clock = { monotonicMs: () => performance.now(), now: () => new Date() };
  return new SpecChannel({ pair, site, service, documents: new S3Documents(place), lookIntervalMs, clock, logger });
}

/** Once it runs, the end comes in order (API first, then the worker); the signal reaches it only while it starts. */
async function startUnlessStopped(options: WorkerProcessOptions): ReturnType<StartWorker> {
  const starting = new AbortController();
  const abort = (): void => {
    starting.abort(options.signal.reason);
  };
  options.signal.addEventListener('abort', abort);
  try {
    options.signal.throwIfAborted();
    return await options.startWorker(options.config, { logger: options.logger, signal: starting.signal });
  } finally {
    options.signal.removeEventListener('abort', abort);
  }
}

/** A worker that shares its site needs an address that others reach; with several it takes a person to say which. */
function urlForPeers(listening: string, { config, logger }: WorkerProcessOptions): string {
  const chosen = chooseReachableUrl(config.api.host, listening, interfacesHere(logger));
  if (chosen.kind === 'several' && config.api.advertisedUrl === undefined) {
    const { addresses } = chosen;
    logger.warn({ addresses, url: listening }, 'several addresses: other workers need api.advertisedUrl of this one');
  }
  return chosen.kind === 'one' ? chosen.url : listening;
}

/** Sandboxes may forbid to ask: then it is as without an address, and `api.advertisedUrl` says it. */
function interfacesHere(logger: Logger): Interfaces {
  try {
    return networkInterfaces();
  } catch (error) {
    logger.warn({ err: error }, 'the addresses of this machine cannot be read');
    return {};
  }
}

const listenReasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another process',
  EACCES: 'may not be opened by this user',
  EADDRNOTAVAIL: 'is not an address of this machine',
  ENOTFOUND: 'is not the name of this machine',
};

async function listen(api: FastifyInstance, { api: { host, port } }: WorkerConfig): Promise<string> {
  try {
    return await api.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const reason = listenReasons[code];
    if (reason === undefined) throw error;
    throw new Problem('INVALID_INPUT', `api: ${host}:${port} ${reason}`, { cause: error });
  }
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}

/** One after the other, every one of them even if an earlier one fails, within one bound for all. */
async function stopAll(stops: readonly (() => Promise<unknown> | undefined)[], stopMs: number): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new Problem('INTERNAL', `not everything stopped within ${stopMs / 1_000} s; the process ends anyway`));
  }, stopMs);
  const errors: unknown[] = [];
  try {
    for (const stop of stops) {
      await Promise.race([stop(), late.promise]).catch((error: unknown) => errors.push(error));
    }
  } finally {
    clearTimeout(timer);
  }
  if (errors.length > 0) throw errors[0];
}
