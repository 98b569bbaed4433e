import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metric, Scrape } from './metric.ts';

const delayEveryMs = 20;

/** Of the process, whatever its links do. */
export function processMetrics(): readonly Metric[] {
  return [
    ofProcess('umbra_worker_ready', '1', '1 when the worker has its part and has taken it up.', ({ ready }) =>
      ready ? 1 : 0,
    ),
    ofProcess('umbra_worker_leads', '1', '1 on the worker that leads its site: the one that decides.', ({ control }) =>
      control === undefined ? 0 : 1,
    ),
    ofProcess('umbra_process_resident_bytes', 'bytes', 'Resident memory of the worker process.', () =>
      process.memoryUsage.rss(),
    ),
    ofProcess(
      'umbra_process_resident_bytes_max',
      'bytes',
      'Most resident memory the worker process has had.',
      () => process.resourceUsage().maxRSS * 1024,
    ),
    {
      ...ofProcess('umbra_process_cpu_seconds_total', 'seconds', 'CPU time of the worker process, all threads.', () => {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1e6;
      }),
      type: 'counter',
    },
    ofProcess(
      'umbra_event_loop_delay_seconds_max',
      'seconds',
      'Longest time the event loop was held up since the last scrape.',
      eventLoopDelay(),
    ),
  ];
}

function ofProcess(name: string, unit: Metric['unit'], help: string, value: (scrape: Scrape) => number): Metric {
  const read: Metric['read'] = (scrape) => [{ labels: {}, value: value(scrape) }];
  return { name, type: 'gauge', unit, labels: [], from: 'worker', help, read };
}

/** How long the event loop was held up at most since the last call. The runtime's timer measures, and holds nothing up. */
function eventLoopDelay(): () => number {
  const intervals = monitorEventLoopDelay({ resolution: delayEveryMs });
  intervals.enable();
  return () => {
    const longestMs = intervals.max / 1e6;
    intervals.reset();
    return Math.max(0, longestMs - delayEveryMs) / 1000;
  };
}
