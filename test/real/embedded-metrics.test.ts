import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { startWorker } from '../../src/worker/start.ts';
import { workerConfigSchema } from '../../src/worker/worker-config.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { eventually } from '../fixtures/wait.ts';

const sites = sharedSites();

test('a worker that is told to prints its metrics for CloudWatch, and that it is ready once it has its part', async () => {
  const config = workerConfigSchema.parse({
    ...{ pair: 'test', site: 'b', clusters: { a: sites.a.umbra, b: sites.b.umbra }, api: { port: 0 } },
    embeddedMetrics: { namespace: 'Umbra', intervalMs: 1_000 },
  });
  const lines: string[] = [];
  const logger = pino({ level: 'silent' });
  const signal = new AbortController().signal;
  const worker = await startWorker(config, { logger, signal, print: (line) => lines.push(line) });
  onTestFinished(() => worker.stop());
  // Nobody calls it: it is the only worker of its site.
  worker.begin('http://127.0.0.1:1');
  const line = await eventually('a line of a worker that is ready', () =>
    lines.find((each) => each.includes('"Ready":1')),
  );
  expect(JSON.parse(line)).toEqual({
    _aws: {
      Timestamp: expect.any(Number) as number,
      CloudWatchMetrics: [
        { Namespace: 'Umbra', Dimensions: [['Pair', 'Site']], Metrics: [{ Name: 'Ready', Unit: 'Count' }] },
      ],
    },
    ...{ Pair: 'test', Site: 'b', Ready: 1 },
  });
  await worker.stop();
  const printed = lines.length;
  expect(await worker.service.metrics()).toContain('umbra_worker_ready');
  expect(lines).toHaveLength(printed);
});
