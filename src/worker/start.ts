import type { Logger } from 'pino';
import { PairWorker } from './pair-worker.ts';
import type { WorkerService } from './service.ts';
import type { WorkerConfig } from './worker-config.ts';

export interface RunningWorker {
  readonly service: WorkerService;
  stop(): Promise<void>;
}

/** Starts a worker. It is there at once and becomes ready when its own cluster answers (`service.readiness`). */
export function startWorker(
  config: WorkerConfig,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<RunningWorker> {
  signal.throwIfAborted();
  const worker = new PairWorker(config, logger);
  return Promise.resolve({ service: worker, stop: () => worker.stop() });
}
