import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type LocalOptions } from '../../src/local/local-cluster.ts';
import {
  deleteLocalWorker,
  inspectLocalWorker,
  startLocalWorker,
  stopLocalWorker,
  workerPaths,
} from '../../src/local/local-worker.ts';
import { killProcess } from '../../src/local/managed-process.ts';
import { deleteEverything, listLocal, stopEverything, workerHome } from '../../src/local/registry.ts';
import { apiUrl, type LocalWorkerSpec, renderWorkerFile } from '../../src/local/worker-file.ts';
import { workerConfigSchema } from '../../src/worker/worker-config.ts';
import { temporaryFolder } from './temporary-folder.ts';

const options: LocalOptions = { signal: AbortSignal.timeout(60_000) };
const sasl = { mechanism: 'SCRAM-SHA-512' as const, username: 'umbra', password: 'a-secret-password' };

function newSpec(root = temporaryFolder()): LocalWorkerSpec {
  const home = workerHome(root, { pair: 'demo', site: 'a' });
  onTestFinished(() => deleteLocalWorker({ home }, options));
  return {
    home,
    pair: 'demo',
    site: 'a',
    clusters: {
      a: { bootstrapServers: ['127.0.0.1:9092'], sasl },
      b: { bootstrapServers: ['127.0.0.1:9093'], sasl },
    },
    entry: join(import.meta.dirname, 'stub-worker.mjs'),
  };
}

async function pidOf(spec: LocalWorkerSpec): Promise<number> {
  const report = await inspectLocalWorker(spec);
  if (report.kind !== 'present' || report.status.kind !== 'running') throw new Error(JSON.stringify(report));
  return report.status.pid;
}

test('the file written for a worker is what a worker reads', () => {
  const spec = {
    ...newSpec(),
    apiToken: 'a-token-of-16-and-more',
    logLevel: 'warn' as const,
    tuning: { discoveryIntervalMs: 500 },
  };
  const config = workerConfigSchema.parse(JSON.parse(JSON.stringify(renderWorkerFile(spec, 8080))));
  expect(config).toMatchObject({ pair: 'demo', site: 'a', logLevel: 'warn', api: { host: '127.0.0.1', port: 8080 } });
  expect(config.tuning.discoveryIntervalMs).toBe(500);
});

test('a worker is started, is ready, and keeps its port when it is stopped and started again', async () => {
  const spec = newSpec();
  const first = await startLocalWorker(spec, options);
  expect((await fetch(`${first.apiUrl}/readyz`)).status).toBe(200);
  await stopLocalWorker(spec, options);
  await expect(fetch(`${first.apiUrl}/readyz`)).rejects.toThrow();
  const second = await startLocalWorker(spec, options);
  expect(second.apiUrl).toBe(first.apiUrl);
});

test('a worker that runs with the same configuration is left alone, with another one it is restarted', async () => {
  const spec = newSpec();
  await startLocalWorker(spec, options);
  const pid = await pidOf(spec);
  await startLocalWorker(spec, options);
  expect(await pidOf(spec)).toBe(pid);
  await startLocalWorker({ ...spec, logLevel: 'debug' }, options);
  expect(await pidOf(spec)).not.toBe(pid);
});

test('its file holds the credentials and is private; its command line holds none', async () => {
  const spec = newSpec();
  await startLocalWorker(spec, options);
  const { config } = workerPaths(spec.home);
  expect(readFileSync(config, 'utf8')).toContain(sasl.password);
  expect(statSync(config).mode & 0o777).toBe(0o600);
  if (process.platform !== 'linux') return;
  const pid = await pidOf(spec);
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(sasl.password);
  expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain(sasl.password);
});

test('a worker that ends before it is ready is reported with its exit code and its last words', async () => {
  const spec = { ...newSpec(), logLevel: 'error' as const };
  await expect(startLocalWorker(spec, options)).rejects.toThrow(
    /demo\/a ended before it was ready: exit code 5[^]*cannot go on like this/,
  );
  expect(await inspectLocalWorker(spec)).toMatchObject({ status: { kind: 'absent' } });
});

test('a worker that was killed is reported as died', async () => {
  const spec = newSpec();
  await startLocalWorker(spec, options);
  await killProcess(workerPaths(spec.home), options.signal);
  expect(await inspectLocalWorker(spec)).toMatchObject({ kind: 'present', status: { kind: 'died' } });
});

test('a configured port that another program uses is named', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  const apiPort = typeof address === 'object' ? address?.port : undefined;
  await expect(startLocalWorker({ ...newSpec(), apiPort }, options)).rejects.toThrow(
    `Port ${apiPort} of worker demo/a is used`,
  );
});

test('an API bound to every address is called by loopback', () => {
  expect(apiUrl({ host: '0.0.0.0', port: 1 })).toBe('http://127.0.0.1:1');
  expect(apiUrl({ host: '::', port: 1 })).toBe('http://[::1]:1');
  expect(apiUrl({ host: '10.0.0.1', port: 1 })).toBe('http://10.0.0.1:1');
});

test('everything below a project’s folder is listed, stopped and removed, damaged state included', async () => {
  const root = temporaryFolder();
  const spec = newSpec(root);
  await startLocalWorker(spec, options);
  const damaged = join(root, 'clusters', 'x');
  mkdirSync(damaged, { recursive: true });
  writeFileSync(join(damaged, 'cluster.json'), '{"half":');
  expect(await listLocal(root, options)).toMatchObject([
    { kind: 'unreadable', home: damaged },
    { kind: 'worker', report: { status: { kind: 'running' } } },
  ]);
  const pid = await pidOf(spec);
  const { stopped, failures } = await stopEverything(root, options);
  expect({ stopped, failures }).toEqual({ stopped: [`pid ${pid} (${workerPaths(spec.home).pidFile})`], failures: [] });
  await deleteEverything(root, options);
  expect(await listLocal(root, options)).toEqual([]);
});

test('a pid file that cannot be read is reported and does not keep the others alive', async () => {
  const root = temporaryFolder();
  const spec = newSpec(root);
  await startLocalWorker(spec, options);
  const other = workerHome(root, { pair: 'demo', site: 'b' });
  mkdirSync(other);
  writeFileSync(join(other, 'worker.pid'), 'not json');
  const { stopped, failures } = await deleteEverything(root, options);
  expect(stopped).toHaveLength(1);
  expect(failures).toEqual([expect.stringContaining(join(other, 'worker.pid'))]);
  expect(await listLocal(root, options)).not.toEqual([]);
});
