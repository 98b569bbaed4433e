import { Counter, Gauge, Registry } from 'prom-client';
import { copyingMetrics, streamMetrics } from './copying-metrics.ts';
import { drillMetrics } from './drill-metrics.ts';
import type { Metric, Scrape } from './metric.ts';
import { processMetrics } from './process-metrics.ts';
import { siteMetrics, standbyMetrics } from './standby-metrics.ts';

/**
 * The one list of metrics: name, type, unit, labels, meaning. docs/metrics.md is held to it by a test. What they show is
 * kept by the core as plain numbers and read when asked for, so measuring costs the data path nothing.
 */
export function metricCatalogue(): readonly Metric[] {
  return [...standbyMetrics, ...siteMetrics, ...drillMetrics, ...copyingMetrics, ...streamMetrics, ...processMetrics()];
}

/** A registry whose values are read at every scrape. */
export function createMetrics(pair: string, site: string, look: () => Scrape): Registry {
  const registry = new Registry();
  const current = oncePerScrape(look);
  registry.setDefaultLabels({ pair, site });
  for (const { name, type, help, labels, read } of metricCatalogue()) {
    const options = { name, help, labelNames: [...labels], registers: [registry] };
    if (type === 'counter') {
      new Counter({
        ...options,
        collect() {
          this.reset();
          for (const { labels: of, value } of read(current())) this.inc(of, value);
        },
      });
      continue;
    }
    new Gauge({
      ...options,
      collect() {
        this.reset();
        // An unlabelled gauge would be 0 where it is to be absent.
        if (labels.length === 0) this.remove();
        for (const { labels: of, value } of read(current())) this.set(of, value);
      },
    });
  }
  return registry;
}

/** Made when a scrape first asks for it: metrics of one scrape are collected in one go. */
function oncePerScrape(look: () => Scrape): () => Scrape {
  let current: Scrape | undefined;
  return () => {
    if (current === undefined) {
      current = look();
      setImmediate(() => (current = undefined));
    }
    return current;
  };
}
