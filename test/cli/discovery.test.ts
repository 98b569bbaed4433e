import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { foundConfigs, knownWorkers } from '../../src/cli/discovery.ts';
import { pairConfigs } from '../../src/cli/pair-config.ts';
import { readWorkerFile } from '../../src/cli/worker-file.ts';
import type { WorkerConfigInput } from '../../src/worker/worker-config.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-discovery-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const cluster = {
  bootstrapServers: ['127.0.0.1:1'],
  sasl: { mechanism: 'PLAIN', username: 'u', password: 'hush' },
} as const;

function config(overrides: Partial<WorkerConfigInput> = {}): WorkerConfigInput {
  const clusters = { a: { ...cluster, bootstrapServers: ['127.0.0.1:1'] }, b: { bootstrapServers: ['127.0.0.1:2'] } };
  return { pair: 'local', site: 'a', clusters, api: { port: 1001 }, ...overrides };
}

async function put(name: string, content: unknown): Promise<string> {
  await mkdir(join(folder, '.umbra', 'workers', name), { recursive: true });
  const file = join(folder, '.umbra', 'workers', name, 'worker.json');
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

describe('workers are found', () => {
  test('from any folder below the project, by name, with site and pair', async () => {
    await put('local-b', config({ site: 'b', api: { port: 1002 } }));
    await put('local-a', config());
    await mkdir(join(folder, '.umbra', 'workers', 'unfinished'));
    const below = join(folder, 'deep', 'er');
    await mkdir(below, { recursive: true });
    const workers = await knownWorkers({ api: [] }, below);
    expect(workers.map((worker) => [worker.site, worker.pair, worker.client.url])).toEqual([
      ['a', 'local', 'http://127.0.0.1:1001'],
      ['b', 'local', 'http://127.0.0.1:1002'],
    ]);
  });

  test.each([
    ['0.0.0.0', 'http://127.0.0.1:1001'],
    ['::', 'http://[::1]:1001'],
    ['::1', 'http://[::1]:1001'],
    ['umbra.example', 'http://umbra.example:1001'],
  ])('bound to %s they are called at %s', async (host, url) => {
    await put('local-a', config({ api: { host, port: 1001, token: '0123456789abcdef' } }));
    expect((await knownWorkers({ api: [] }, folder)).map((worker) => worker.client.url)).toEqual([url]);
  });

  test('--api names them instead, and needs no project', async () => {
    const workers = await knownWorkers({ api: ['http://one:1', 'http://two:2'] }, '/');
    expect(workers.map((worker) => worker.client.url)).toEqual(['http://one:1', 'http://two:2']);
  });

  test('a token of the environment is for those that are named, and has to be one', async () => {
    const [worker] = await knownWorkers({ api: ['http://one:1'], tokenGiven: 'sixteen-characters' }, '/');
    expect(worker?.client.url).toBe('http://one:1');
    await expect(knownWorkers({ api: ['http://one:1'], tokenGiven: 'short' }, '/')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: 'the variable UMBRA_API_TOKEN: must hold one token of at least 16 characters and nothing else',
    });
  });

  test('without a project there is no pair', async () => {
    await expect(knownWorkers({ api: [] }, folder)).rejects.toMatchObject({ code: 'NO_PAIR' });
    await mkdir(join(folder, '.umbra'));
    await expect(foundConfigs(folder)).rejects.toMatchObject({ code: 'NO_PAIR' });
  });

  test('a port that only the log knows is refused', async () => {
    await put('local-a', config({ api: { port: 0 } }));
    await expect(knownWorkers({ api: [] }, folder)).rejects.toThrow('--api');
  });

  test.each(['short', 'two words of some length', ''])('a token file holding "%s" is refused', async (content) => {
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, content);
    await expect(knownWorkers({ api: ['http://one:1'], tokenFile }, folder)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });
});

describe('the file of a worker', () => {
  test('that is wrong is refused with every field named and no secret shown', async () => {
    const wrong = {
      ...config(),
      site: 'c',
      clusters: { a: { ...cluster, sasl: { ...cluster.sasl, mechanism: 'hush' } } },
      x: 1,
    };
    const file = await put('local-a', wrong);
    const error: unknown = await readWorkerFile(file).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'INVALID_INPUT' });
    const { message } = error as Error;
    for (const field of ['config.site', 'config.clusters.a.sasl.mechanism', 'config.clusters.b', 'config.x']) {
      expect(message).toContain(field);
    }
    expect(message).toContain(file);
    expect(message).not.toContain('hush');
  });

  test('that is not JSON is refused without quoting it', async () => {
    const file = await put('local-a', '{"password": "hush"');
    await expect(readWorkerFile(file)).rejects.toThrow(/worker\.json: is not valid JSON$/);
  });

  test('that is absent or too large is refused', async () => {
    await expect(readWorkerFile(join(folder, 'none.json'))).rejects.toThrow(/none\.json: cannot be read \(ENOENT\)/);
    const large = await put('local-a', 'x'.repeat((1 << 20) + 1));
    await expect(readWorkerFile(large)).rejects.toThrow(/larger than 1048576 bytes/);
  });
});

describe('the pair that verify and doctor look at', () => {
  test('is that of the project, or of the file given', async () => {
    await put('local-a', config());
    const other = await put('local-b', config({ site: 'b' }));
    expect((await pairConfigs(undefined, folder)).map((found) => found.config.site)).toEqual(['a', 'b']);
    expect((await pairConfigs(other, '/')).map((found) => found.config.site)).toEqual(['b']);
  });

  test('must be named when there are several', async () => {
    await put('local-a', config());
    await put('other-a', config({ pair: 'other' }));
    await expect(pairConfigs(undefined, folder)).rejects.toThrow(/several pairs.*local, other.*--config/);
  });
});
