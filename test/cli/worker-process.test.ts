import { createServer } from 'node:net';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { runWorkerProcess, type StartWorker, type WorkerProcessOptions } from '../../src/cli/worker-process.ts';
import { workerConfigSchema, type WorkerConfigInput } from '../../src/worker/worker-config.ts';
import { stubService } from '../api/stub-service.ts';

const cluster = { bootstrapServers: ['127.0.0.1:1'] };

function options(
  overrides: Partial<WorkerProcessOptions> = {},
  api: Partial<WorkerConfigInput['api']> = {},
): WorkerProcessOptions {
  const input: WorkerConfigInput = {
    pair: 'stub',
    site: 'a',
    clusters: { a: cluster, b: cluster },
    api: { port: 0, ...api },
  };
  return {
    config: workerConfigSchema.parse(input),
    logger: pino({ level: 'silent' }),
    startWorker: () =>
      Promise.resolve({ service: stubService(), begin: () => undefined, stop: () => Promise.resolve() }),
    signal: AbortSignal.timeout(10_000),
    onListening: () => undefined,
    stopMs: 5_000,
    ...overrides,
  };
}

/** A worker that notes what happens to it. */
function noting(notes: string[], stop: () => Promise<void> = () => Promise.resolve()): StartWorker {
  return () => {
    notes.push('started');
    return Promise.resolve({
      service: stubService(),
      begin: () => undefined,
      stop: () => {
        notes.push('stopped');
        return stop();
      },
    });
  };
}

describe('the process of a worker', () => {
  test('serves while it runs, and stops API and worker when asked', async () => {
    const notes: string[] = [];
    const stopping = new AbortController();
    const listening = Promise.withResolvers<string>();
    const running = runWorkerProcess(
      options({ startWorker: noting(notes), signal: stopping.signal, onListening: listening.resolve }),
    );
    const url = await listening.promise;
    expect((await fetch(`${url}/v1/pair`)).status).toBe(200);
    expect(notes).toEqual(['started']);
    stopping.abort();
    await running;
    expect(notes).toEqual(['started', 'stopped']);
    await expect(fetch(`${url}/v1/pair`)).rejects.toThrow();
  });

  test('a token in the configuration is asked for', async () => {
    const stopping = new AbortController();
    const listening = Promise.withResolvers<string>();
    const running = runWorkerProcess(
      options({ signal: stopping.signal, onListening: listening.resolve }, { token: '0123456789abcdef' }),
    );
    expect((await fetch(`${await listening.promise}/v1/pair`)).status).toBe(401);
    stopping.abort();
    await running;
  });

  test('a host that is not loopback is refused without a token, before anything starts', async () => {
    const notes: string[] = [];
    await expect(runWorkerProcess(options({ startWorker: noting(notes) }, { host: '0.0.0.0' }))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(notes).toEqual([]);
  });

  test('a port that is taken is named, and the worker is stopped again', async () => {
    await using holder = createServer();
    const port = await new Promise<number>((resolve) => {
      holder.listen(0, '127.0.0.1', () => {
        const address = holder.address();
        if (address !== null && typeof address === 'object') resolve(address.port);
      });
    });
    const notes: string[] = [];
    await expect(runWorkerProcess(options({ startWorker: noting(notes) }, { port }))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: `api: 127.0.0.1:${port} is taken by another process`,
    });
    expect(notes).toEqual(['started', 'stopped']);
  });

  test('a worker that cannot start is the error', async () => {
    const startWorker: StartWorker = () => Promise.reject(new Error('no cluster'));
    await expect(runWorkerProcess(options({ startWorker }))).rejects.toThrow('no cluster');
  });

  test('asked to stop while it starts, the start is given up', async () => {
    const stopping = new AbortController();
    const startWorker: StartWorker = (_config, { signal }) => {
      queueMicrotask(() => {
        stopping.abort(new Error('enough'));
      });
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      });
    };
    await expect(runWorkerProcess(options({ startWorker, signal: stopping.signal }))).rejects.toThrow('enough');
  });

  test('once it runs, the signal ends it in order and does not reach into the worker', async () => {
    const stopping = new AbortController();
    const seen: AbortSignal[] = [];
    const startWorker: StartWorker = (_config, { signal }) => {
      seen.push(signal);
      return Promise.resolve({ service: stubService(), begin: () => undefined, stop: () => Promise.resolve() });
    };
    const onListening = (): void => {
      stopping.abort();
    };
    await runWorkerProcess(options({ startWorker, signal: stopping.signal, onListening }));
    expect(seen.map((signal) => signal.aborted)).toEqual([false]);
  });

  test('a worker that does not stop in time is an error, not a wait without end', async () => {
    const stopping = new AbortController();
    const startWorker = noting([], () => new Promise<void>(() => undefined));
    const onListening = (): void => {
      stopping.abort();
    };
    const running = runWorkerProcess(options({ startWorker, signal: stopping.signal, onListening, stopMs: 50 }));
    await expect(running).rejects.toThrow('not everything stopped within 0.05 s');
  });
});
