import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApi } from '../../src/api/server.ts';
import { statusReportSchema } from '../../src/cli/pair-status.ts';
import type { Io } from '../../src/cli/io.ts';
import { runCli, verbs } from '../../src/cli/program.ts';
import { topicReportSchema, topicsReportSchema } from '../../src/cli/verbs/topics.ts';
import { Secret } from '../../src/kafka/secret.ts';
import type { WorkerService } from '../../src/worker/service.ts';
import { Problem } from '../../src/worker/problems.ts';
import { pauseReportSchema } from '../../src/cli/verbs/pause.ts';
import { stubService, stubTopicDetail } from '../api/stub-service.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
const token = '0123456789abcdef';
const closing: (() => Promise<unknown>)[] = [];
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-cli-'));
});
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
  await rm(folder, { recursive: true });
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One command line in this process: everything but `main.ts`. */
async function umbra(...args: readonly string[]): Promise<Ended> {
  const said = { out: '', err: '' };
  const io: Io = {
    out: (line) => (said.out += `${line}\n`),
    err: (line) => (said.err += `${line}\n`),
    colour: false,
    cwd: folder,
    env: {},
  };
  return { code: await runCli(args, io, AbortSignal.timeout(15_000)), ...said };
}

/** The same as a process of its own. */
function umbraProcess(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const env = { ...process.env, UMBRA_DEBUG: '', NO_COLOR: '' };
    execFile(process.execPath, [main, ...args], { cwd: folder, env, timeout: 15_000 }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err });
    });
  });
}

/** A worker's API over a stub, and its file in the project. Returns its URL. */
async function stubWorker(site: 'a' | 'b', overrides: Partial<WorkerService> = {}): Promise<string> {
  const logger = pino({ level: 'silent' });
  const tokens = [{ name: 'operator', role: 'operator', token: new Secret(token) }] as const;
  const api = createApi({ service: stubService(overrides), tokens, host: '127.0.0.1', logger });
  closing.push(() => api.close());
  const url = await api.listen({ host: '127.0.0.1', port: 0 });
  await workerFile(site, Number(new URL(url).port));
  return url;
}

async function workerFile(site: 'a' | 'b', port: number): Promise<string> {
  const clusters = { a: { bootstrapServers: ['127.0.0.1:1'] }, b: { bootstrapServers: ['127.0.0.1:1'] } };
  const home = join(folder, '.umbra', 'workers', `stub-${site}`);
  await mkdir(home, { recursive: true });
  await writeFile(join(home, 'worker.json'), JSON.stringify({ pair: 'stub', site, clusters, api: { port, token } }));
  return join(home, 'worker.json');
}

async function tokenFile(): Promise<string> {
  const file = join(folder, 'token');
  await writeFile(file, token);
  return file;
}

/** A port that was free a moment ago. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  await server[Symbol.asyncDispose]();
  return address.port;
}

describe('called wrongly', () => {
  test('help names every verb and ends with 0', async () => {
    const { code, out, err } = await umbraProcess('--help');
    expect([code, err]).toEqual([0, '']);
    for (const verb of verbs) expect(out).toMatch(new RegExp(`^ {2}${verb.name}\\b`, 'm'));
  });

  test.each([
    [['frobnicate'], /^umbra: unknown command 'frobnicate'\n {2}→ .*\n$/],
    [['statsu'], /^umbra: unknown command 'statsu' \(Did you mean status\?\)\n {2}→ .*\n$/],
    [['status', '--nonsense'], /^umbra: unknown option '--nonsense'\n {2}→ .*\n$/],
    [['worker'], /^umbra: give --config FILE or --config-env NAME: .*\n {2}→ .*\n$/],
    [['worker', '--config', 'none.json'], /^umbra: none\.json: cannot be read \(ENOENT\)\n {2}→ .*\n$/],
    [['status', '--api', 'nonsense'], /^umbra: the URL of a worker must look like .*\n {2}→ .*\n$/],
  ])('%j is one line, the remedy, and exit code 2', async (args, text) => {
    const { code, out, err } = await umbra(...args);
    expect(err).toMatch(text);
    expect([code, out]).toEqual([2, '']);
  });

  test('it is the same as a process of its own', async () => {
    const { code, out, err } = await umbraProcess('frobnicate');
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^umbra: unknown command 'frobnicate'\n {2}→ .*\n$/);
    expect((await umbraProcess('status')).code).toBe(4);
  });

  test('without a verb it shows its help and fails', async () => {
    const { code, out, err } = await umbra();
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('Usage: umbra');
  });
});

describe('without a pair', () => {
  test.each(['status', 'topics', 'verify', 'doctor', 'local'])('%s says so and ends with 4', async (verb) => {
    const { code, out, err } = await umbra(verb);
    expect(err).toMatch(/^umbra: (no pair found|nothing is set up here): .*\n {2}→ Run "npm run up".*\n$/);
    expect([code, out]).toEqual([4, '']);
  });

  test('as JSON too', async () => {
    const { code, err } = await umbra('status', '--json');
    expect(code).toBe(4);
    expect(JSON.parse(err)).toMatchObject({ problem: { code: 'NO_PAIR' } });
  });
});

describe('with workers', () => {
  test('status shows the pair, with the tokens from their files', async () => {
    await stubWorker('b');
    const { code, out, err } = await umbra('status');
    expect(out).toMatch(
      /^If a died now: 1.5 s, 3 records, of 1 topic; .*\n\nPair stub: link a-b follows, 3 records behind\.\n/,
    );
    expect([code, err]).toEqual([0, '']);
    expect(out).not.toContain(token);
  });

  test('a dead worker is a row, not a crash, and the exit code says so', async () => {
    await stubWorker('b');
    await workerFile('a', await deadPort());
    const text = await umbraProcess('status');
    expect([text.code, text.err]).toEqual([6, '']);
    expect(text.out).toMatch(/^a {5}http:\/\/127\.0\.0\.1:\d+ {2}silent {2}.*ECONNREFUSED.*$/m);
    const json = await umbra('status', '--json');
    expect(json.code).toBe(6);
    const report = statusReportSchema.parse(JSON.parse(json.out));
    expect(report.pairs[0]?.workers.map((worker) => worker.state)).toEqual(['silent', 'ready']);
  });

  test('topics lists, and shows one with its partitions', async () => {
    await stubWorker('b');
    const list = await umbra('topics', '--json');
    expect(topicsReportSchema.parse(JSON.parse(list.out)).topics.map((topic) => topic.name)).toEqual(['a_orders']);
    const one = await umbra('--json', 'topics', 'a_orders');
    expect(topicReportSchema.parse(JSON.parse(one.out)).topic.partitionViews).toHaveLength(2);
    expect((await umbra('topics', 'a_orders')).out).toMatch(/^PARTITION/m);
    const none = await umbra('topics', 'a_none');
    expect([none.code, none.err]).toEqual([4, expect.stringMatching(/no link copies a topic named a_none/)]);
  });

  test('a worker named by --api needs its token from a file', async () => {
    const url = await stubWorker('b');
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, `${token}\n`);
    expect((await umbra('status', '--api', url, '--token-file', tokenFile)).code).toBe(0);
    const without = await umbra('topics', 'a_orders', '--api', url);
    expect([without.code, without.err]).toEqual([3, expect.stringMatching(/no valid bearer token/)]);
  });

  test('an end that the reader causes is no error', async () => {
    await stubWorker('b');
    const child = spawn(process.execPath, [main, 'status'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    const [code] = (await once(child, 'close')) as [number];
    expect([code, err]).toEqual([0, '']);
  });
});

test('Ctrl-C ends a verb that waits for an answer, with 130', async () => {
  const asked = Promise.withResolvers<undefined>();
  const mute = createServer((socket) => {
    socket.resume();
    socket.on('error', () => undefined);
    asked.resolve(undefined);
  }).listen(0, '127.0.0.1');
  closing.push(() => mute[Symbol.asyncDispose]());
  await once(mute, 'listening');
  const { port } = mute.address() as AddressInfo;
  const child = spawn(process.execPath, [main, 'status', '--api', `http://127.0.0.1:${port}`], { cwd: folder });
  closing.push(() => Promise.resolve(child.kill('SIGKILL')));
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const ended = once(child, 'close');
  await asked.promise;
  child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
  expect(err).toMatch(/^umbra: interrupted\n/);
});

describe('the worker', () => {
  test('says where it listens, serves although no cluster answers, and ends with 0 when asked to', async () => {
    const port = await deadPort();
    const file = await workerFile('a', port);
    const child = spawn(process.execPath, [main, 'worker', '--config', file], { cwd: folder });
    closing.push(() => Promise.resolve(child.kill('SIGKILL')));
    const log: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => log.push(chunk.toString()));
    const ended = once(child, 'close');
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    expect(line.toString()).toBe(`umbra worker of site a, pair stub, listens on http://127.0.0.1:${port}\n`);
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${port}/v1/pair`)).status).toBe(401);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(log.join('')).toContain('"msg":"stopped"');
    expect(log.join('')).not.toContain(token);
  });

  test('is refused a host that is not loopback without a token', async () => {
    const file = await workerFile('a', 1);
    const config = JSON.parse(await readFile(file, 'utf8')) as { api: object };
    await writeFile(file, JSON.stringify({ ...config, api: { host: '0.0.0.0', port: 1 } }));
    const { code, out, err } = await umbraProcess('worker', '--config', file);
    expect(err).toMatch(/umbra: api\.host: "0\.0\.0\.0" is not loopback.*\n {2}→ /);
    expect([code, out]).toEqual([2, '']);
  });
});

test('local lists nothing where nothing was set up', async () => {
  await mkdir(join(folder, '.umbra'));
  expect(await umbra('local')).toEqual({ code: 0, out: expect.stringMatching(/^Nothing/) as string, err: '' });
  const unknown = await umbra('local', 'start', 'x');
  expect([unknown.code, unknown.err]).toEqual([4, expect.stringMatching(/nothing here is named x/)]);
  expect((await umbra('local', 'restart')).code).toBe(2);
});

describe('pause and resume', () => {
  test('a topic is asked for at the worker that copies it, a link by its id', async () => {
    const url = await stubWorker('b');
    const view = stubTopicDetail.name;
    const paused = { since: '2026-01-02T03:04:05.000Z', by: 'topic' } as const;
    await stubWorker('b', { pauseTopic: () => Promise.resolve({ ...stubTopicDetail, state: 'paused', paused }) });
    const { code, out } = await umbra('pause', view);
    expect([code, out]).toEqual([
      0,
      `Topic ${view} is paused since ${paused.since}: its copy stays as it is until "npx umbra resume ${view}".\n`,
    ]);
    const resumed = await umbra('--api', url, '--json', 'resume', view, '--token-file', await tokenFile());
    expect(pauseReportSchema.parse(JSON.parse(resumed.out))).toHaveProperty('topic.name', view);
  });

  test('what is neither is not found, and why a topic is refused is said', async () => {
    await stubWorker('b', {
      pauseTopic: () => Promise.reject(new Problem('PAUSE_REFUSED', 'it is faulted (DIVERGED)')),
    });
    expect(await umbra('pause', 'a_unheard')).toMatchObject({ code: 4 });
    const { code, err } = await umbra('pause', stubTopicDetail.name);
    expect(code).toBe(5);
    expect(err).toMatch(/^umbra: it is faulted \(DIVERGED\)\n {2}→ .*\n$/);
  });
});

test.each(['groups', 'acls', 'configs', 'schemas'])(
  '%s says when no link is there, and names who is silent',
  async (verb) => {
    await stubWorker('b');
    expect(await umbra(verb)).toMatchObject({ code: 0, out: expect.stringMatching(/^No link/) as unknown });
    await workerFile('a', await deadPort());
    const { code, out } = await umbra('--json', verb);
    expect([code, JSON.parse(out)]).toMatchObject([6, { links: [], silent: [{ site: 'a', state: 'silent' }] }]);
  },
);

test('status --watch shows one look after the other until it is ended', async () => {
  await stubWorker('b');
  const ending = new AbortController();
  const shown: string[] = [];
  const io: Io = {
    out: (line) => {
      shown.push(line);
      if (shown.length === 2) ending.abort();
    },
    err: () => undefined,
    ...{ colour: false, cwd: folder, env: {} },
  };
  expect(await runCli(['status', '--watch', '1'], io, ending.signal)).toBe(130);
  expect(shown).toHaveLength(2);
  expect(await umbra('status', '--watch', '0')).toMatchObject({ code: 2 });
});
