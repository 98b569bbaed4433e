import type { Logger } from 'pino';
import { EmbeddedMetricsTimer } from './metrics/embedded-metrics-timer.ts';
import type { Scrape } from './metrics/metric.ts';
import { PairWorker } from './pair-worker.ts';
import type { WorkerService } from './service.ts';
import type { WorkerConfig } from './worker-config.ts';

export interface RunningWorker {
  readonly service: WorkerService;
  /** Joins the workers of the site, which reach its API at `url`. Once, when the API listens. */
  begin(url: string): void;
  stop(): Promise<void>;
}

export interface WorkerPorts {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Takes the lines that are for whoever collects this process's output, beside its log. */
  readonly print?: (line: string) => void;
}

/** Makes a worker. It becomes ready when it has begun and the group of its site has given it its part. */
export function startWorker(config: WorkerConfig, { logger, signal, print }: WorkerPorts): Promise<RunningWorker> {
  signal.throwIfAborted();
  const worker = new PairWorker(config, logger);
  const { embeddedMetrics, pair, site } = config;
  const look = (): Promise<Scrape> => worker.scraped();
  const ports = { look, print: print ?? toStandardOutput, nowMs: Date.now, logger };
  const embedded = embeddedMetrics && new EmbeddedMetricsTimer({ ...embeddedMetrics, pair, site }, ports);
  return Promise.resolve({
    service: worker,
    begin: (url) => {
      worker.begin(url);
      embedded?.begin();
    },
    stop: () => {
      embedded?.stop();
      return worker.stop();
    },
  });
}

function toStandardOutput(line: string): void {
  process.stdout.write(`${line}\n`);
}
