import type { Logger } from 'pino';
import { type EmbeddedFrom, embeddedMetricLines, type EmbeddedMetricsConfig } from './embedded-metrics.ts';
import type { Scrape } from './metric.ts';

export interface EmbeddedMetricsPorts {
  /** One look at the worker, as for a scrape. */
  readonly look: () => Promise<Scrape>;
  readonly print: (line: string) => void;
  readonly nowMs: () => number;
  readonly logger: Pick<Logger, 'warn'>;
}

type Of = Pick<EmbeddedFrom, 'pair' | 'site'> & EmbeddedMetricsConfig;

/** Prints the metrics of a worker at each interval, first after one. A look that is not over yet is not followed by another. */
export class EmbeddedMetricsTimer {
  readonly #of: Of;
  readonly #ports: EmbeddedMetricsPorts;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(of: Of, ports: EmbeddedMetricsPorts) {
    this.#of = of;
    this.#ports = ports;
  }

  begin(): void {
    this.#timer ??= setInterval(() => void this.#tick(), this.#of.intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #tick(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const { look, print, nowMs, logger } = this.#ports;
    try {
      const scrape = await look();
      // Stopped meanwhile: what a worker shows while it ends is of no use to an alarm.
      if (this.#timer === undefined) return;
      for (const line of embeddedMetricLines(scrape, { ...this.#of, timestampMs: nowMs() })) print(line);
    } catch (error) {
      logger.warn({ err: error }, 'the embedded metrics were not written this time');
    } finally {
      this.#looking = false;
    }
  }
}
