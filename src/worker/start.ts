import type { Logger } from 'pino';
import { PairWorker } from './pair-worker.ts';
import type { WorkerService } from './service.ts';
import type { WorkerConfig } from './worker-config.ts';

export interface RunningWorker {
  readonly service: WorkerService;
  /** Joins the workers of the site, which reach its API at `url`. Once, when the API listens. */
  begin(url: string): void;
  stop(): Promise<void>;
}

/** Makes a worker. It becomes ready when it has begun and the group of its site has given it its part. */
export function startWorker(
  config: WorkerConfig,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<RunningWorker> {
  signal.throwIfAborted();
  const worker = new PairWorker(config, logger);
  return Promise.resolve({ service: worker, begin: (url) => worker.begin(url), stop: () => worker.stop() });
}
