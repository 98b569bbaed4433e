import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createApi } from '../../src/api/server.ts';
import { configSource, type ConfigSource } from '../../src/cli/config-text.ts';
import type { Io } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/program.ts';
import { quarantineFolderFor } from '../../src/cli/quarantine-folder.ts';
import { readWorkerConfig } from '../../src/cli/worker-file.ts';
import { stubService } from '../api/stub-service.ts';

const password = 'never-to-be-printed';
const variable: ConfigSource = { kind: 'variable', name: 'PAIR_CONFIG' };
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-env-'));
});
afterEach(() => rm(folder, { recursive: true }));

function configJson(api: object = { port: 8080 }, further: object = {}): string {
  const sasl = { mechanism: 'PLAIN', username: 'umbra', password };
  const cluster = { bootstrapServers: ['127.0.0.1:1'], sasl };
  return JSON.stringify({ pair: 'stub', site: 'a', clusters: { a: cluster, b: cluster }, api, ...further });
}

async function umbra(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const said = { out: '', err: '' };
  const io: Io = {
    out: (line) => (said.out += `${line}\n`),
    err: (line) => (said.err += `${line}\n`),
    ...{ colour: false, cwd: folder, env },
  };
  return { code: await runCli(args, io, AbortSignal.timeout(15_000)), ...said };
}

describe('a worker whose configuration is in a variable', () => {
  test('reads what a file would hold', async () => {
    const config = await readWorkerConfig(variable, { PAIR_CONFIG: configJson() });
    expect(config).toMatchObject({ pair: 'stub', api: { host: '127.0.0.1', port: 8080 } });
  });

  test.each([
    [{}, /^umbra: the variable PAIR_CONFIG: is not set; .*\n/],
    [{ PAIR_CONFIG: ' ' }, /^umbra: the variable PAIR_CONFIG: is empty; .*\n/],
    [{ PAIR_CONFIG: `{"x": "${password}"` }, /^umbra: the variable PAIR_CONFIG: is not valid JSON\n/],
    [{ PAIR_CONFIG: configJson({ port: password }) }, /^umbra: the variable PAIR_CONFIG: config\.api\.port: .*\n/],
    [
      { PAIR_CONFIG: configJson(), UMBRA_API_TOKEN: 'short' },
      /^umbra: the variable UMBRA_API_TOKEN: must have at least 16 characters\n/,
    ],
    [
      { PAIR_CONFIG: configJson(undefined, { quarantineFolder: 'beside' }) },
      /^umbra: the variable PAIR_CONFIG: config\.quarantineFolder: must be an absolute path.*\n/,
    ],
  ])('what is wrong is named and never shown (%#)', async (env, text) => {
    const { code, out, err } = await umbra(['worker', '--config-env', 'PAIR_CONFIG'], env);
    expect(err).toMatch(text);
    expect([code, out]).toEqual([2, '']);
    expect(err).not.toContain(password);
  });

  test('a file and a variable are refused together, and so is neither', async () => {
    const both = await umbra(['worker', '--config', 'x', '--config-env', 'Y'], {});
    expect([both.code, both.err]).toEqual([2, expect.stringMatching(/give one of them, not both/)]);
    const neither = await umbra(['worker'], {});
    expect([neither.code, neither.err]).toEqual([2, expect.stringMatching(/give --config FILE or --config-env NAME/)]);
  });

  test('quarantines have a folder of their own where no file is beside them', async () => {
    const config = await readWorkerConfig(variable, { PAIR_CONFIG: configJson() });
    const file = { kind: 'file', file: '/etc/umbra/worker.json' } as const;
    expect(quarantineFolderFor(variable, config, {})).toBe('/var/lib/umbra/quarantine');
    expect(quarantineFolderFor(file, config, {})).toBe('/etc/umbra/quarantine');
    const own = { ...config, quarantineFolder: '/data' };
    expect(quarantineFolderFor(variable, own, {})).toBe('/data');
    const service = { STATE_DIRECTORY: '/var/lib/umbra/a:/var/lib/other' };
    expect(quarantineFolderFor(file, config, service)).toBe('/var/lib/umbra/a/quarantine');
    expect(quarantineFolderFor(file, own, service)).toBe('/data');
  });
});

describe('the secrets in UMBRA_WORKER_SECRETS', () => {
  test('are laid over the configuration, field by field, in a file as in a variable', async () => {
    const file = join(folder, 'worker.json');
    await writeFile(file, configJson());
    const UMBRA_WORKER_SECRETS = JSON.stringify({ clusters: { b: { sasl: { password: 'another' } } } });
    for (const source of [variable, { kind: 'file', file } as const]) {
      const { clusters } = await readWorkerConfig(source, { PAIR_CONFIG: configJson(), UMBRA_WORKER_SECRETS });
      const passwords = [clusters.a.sasl, clusters.b.sasl].map((sasl) =>
        sasl?.mechanism === 'PLAIN' ? sasl.password.reveal() : undefined,
      );
      expect(passwords).toEqual([password, 'another']);
    }
  });

  test.each([
    [`{"x": "${password}"`, 'the variable UMBRA_WORKER_SECRETS: must be a JSON object, laid over the configuration'],
    [`["${password}"]`, 'the variable UMBRA_WORKER_SECRETS: must be a JSON object, laid over the configuration'],
    [JSON.stringify({ api: { port: password } }), 'the variable PAIR_CONFIG: config.api.port: '],
  ])('what is wrong is named and never shown (%#)', async (UMBRA_WORKER_SECRETS, says) => {
    const env = { PAIR_CONFIG: configJson(), UMBRA_WORKER_SECRETS };
    const { code, err } = await umbra(['worker', '--config-env', 'PAIR_CONFIG'], env);
    expect([code, err]).toEqual([2, expect.stringContaining(says)]);
    expect(err).not.toContain(password);
  });
});

describe('the token in UMBRA_API_TOKEN', () => {
  const token = 'sixteen-characters-at-least';

  test('is api.token where the configuration has none, in a file as in a variable', async () => {
    const file = join(folder, 'worker.json');
    await writeFile(file, configJson());
    for (const source of [variable, { kind: 'file', file } as const]) {
      const config = await readWorkerConfig(source, { PAIR_CONFIG: configJson(), UMBRA_API_TOKEN: token });
      expect(config.api.token).toBe(token);
    }
  });

  test('gives way to the one that the configuration has', async () => {
    const own = 'the-configuration-has-one';
    const env = { PAIR_CONFIG: configJson({ port: 1, token: own }), UMBRA_API_TOKEN: token };
    expect((await readWorkerConfig(variable, env)).api.token).toBe(own);
  });

  test('is the operator that a list of viewers lacks', async () => {
    const tokens = [{ name: 'reader', role: 'viewer', token: 'another-sixteen-characters' }];
    const env = { PAIR_CONFIG: configJson({ port: 1, tokens }) };
    await expect(readWorkerConfig(variable, env)).rejects.toThrow(/need one of the role "operator"/);
    expect((await readWorkerConfig(variable, { ...env, UMBRA_API_TOKEN: token })).api.token).toBe(token);
  });
});

describe('umbra health', () => {
  test('ends with 0 when the worker of that configuration answers, by file and by variable', async () => {
    const api = createApi({ service: stubService(), host: '127.0.0.1', logger: pino({ level: 'silent' }) });
    onTestFinished(() => api.close());
    const url = await api.listen({ host: '127.0.0.1', port: 0 });
    const config = configJson({ host: '0.0.0.0', port: Number(new URL(url).port) });
    const file = join(folder, 'worker.json');
    await writeFile(file, config);
    const healthy = { code: 0, out: `${url}/healthz answers\n`, err: '' };
    expect(await umbra(['health'], { UMBRA_WORKER_CONFIG: config })).toEqual(healthy);
    expect(await umbra(['health', '--config-env', 'PAIR_CONFIG'], { PAIR_CONFIG: config })).toEqual(healthy);
    expect(await umbra(['health', '--config', file], {})).toEqual(healthy);
  });

  test('ends with 6 when it says that it is not well', async () => {
    const api = createApi({
      service: stubService({ healthy: () => false }),
      host: '127.0.0.1',
      logger: pino({ level: 'silent' }),
    });
    onTestFinished(() => api.close());
    const port = Number(new URL(await api.listen({ host: '127.0.0.1', port: 0 })).port);
    const { code, err } = await umbra(['health'], { UMBRA_WORKER_CONFIG: configJson({ port }) });
    expect([code, err]).toEqual([6, expect.stringMatching(/answered with status 503/)]);
  });

  test('ends with 6 when nobody listens, and with 2 when the configuration is wrong', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await server[Symbol.asyncDispose]();
    const nobody = await umbra(['health'], { UMBRA_WORKER_CONFIG: configJson({ port }) });
    expect([nobody.code, nobody.err]).toEqual([6, expect.stringMatching(/does not answer \(ECONNREFUSED\)/)]);
    const wrong = await umbra(['health'], { UMBRA_WORKER_CONFIG: configJson({ port: password }) });
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringMatching(/config\.api\.port: must be the port/)]);
    expect(wrong.err).not.toContain(password);
  });
});

test('a variable is chosen by its name, a file by its path', () => {
  expect(configSource({ configEnv: 'X' })).toEqual({ kind: 'variable', name: 'X' });
  expect(configSource({ config: 'y.json' })).toEqual({ kind: 'file', file: 'y.json' });
  expect(configSource({})).toBeUndefined();
});
