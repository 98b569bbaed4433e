import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { type Repoint, siteHooks } from '../../../src/worker/repoint/site-hooks.ts';
import { type WorkerConfigInput, workerConfigSchema } from '../../../src/worker/worker-config.ts';
import { eventually } from '../../fixtures/wait.ts';

const move: Parameters<Repoint>[0] = {
  ...{ operationId: 'failover-123456', kind: 'failover', topics: ['a_orders'], from: 'a', to: 'b', term: 1 },
  ...{ startedAt: '2026-11-22T04:33:00.000Z', terms: new Map([['a_orders', 1]]) },
};
const never = new AbortController().signal;
const script = (text: string): string[] => ['sh', '-c', text];

function hooksOf(
  repoint: NonNullable<WorkerConfigInput['repoint']>,
  rest: Partial<WorkerConfigInput> = {},
): { readonly run: Repoint; readonly logged: string[] } {
  const clusters = { a: { bootstrapServers: ['a:9092'] }, b: { bootstrapServers: ['b:9092'] } };
  const config = workerConfigSchema.parse({ pair: 'test', site: 'b', clusters, api: { port: 0 }, repoint, ...rest });
  const logged: string[] = [];
  return { run: siteHooks(config, pino({}, { write: (line: string) => void logged.push(line) })), logged };
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'umbra-hooks-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

test.each([
  ['those that umbra connects to', {}, 'b:9092'],
  ['those that applications are told of', { clients: { b: { bootstrapServers: ['apps.b:9094'] } } }, 'apps.b:9094'],
])('a hook is told of the addresses of its own site: %s', async (_, rest, address) => {
  const out = join(await folder(), 'out');
  const { run } = hooksOf([{ kind: 'command', command: script(`cat > ${out}`) }], rest);
  expect(await run(move, never)).toEqual([]);
  expect(JSON.parse(await readFile(out, 'utf8'))).toEqual({
    ...move,
    ...{ terms: { a_orders: 1 }, bootstrapServers: [address] },
  });
});

test('what does not work is remarked and holds nothing up; arguments are shown nowhere', async () => {
  const out = join(await folder(), 'out');
  const { run, logged } = hooksOf([
    { kind: 'command', attempts: 2, command: ['sh', '-c', 'echo no such zone >&2; exit 3', 'do-not-print-me'] },
    { kind: 'command', name: 'alias', command: ['touch', out] },
  ]);
  expect(await run(move, never)).toEqual([
    'the hook 1 (command sh) failed 2 times: exit code 3: no such zone; repoint by hand',
  ]);
  expect(existsSync(out)).toBe(true);
  expect(logged.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { operation: move.operationId, hook: '1 (command sh)', outcome: 'failed', attempts: 2 },
    { operation: move.operationId, hook: 'alias', outcome: 'done', attempts: 1 },
  ]);
  expect(logged.join('')).not.toContain('do-not-print-me');
});

test('a worker that stops does not say that its hooks are done: whoever takes the operation up runs them again', async () => {
  const out = join(await folder(), 'begun');
  const stopping = new AbortController();
  const { run } = hooksOf([{ kind: 'command', command: script(`touch ${out}; sleep 30`) }]);
  const running = run(move, stopping.signal);
  await eventually('it has begun', () => existsSync(out) || undefined);
  stopping.abort();
  await expect(running).rejects.toThrow(/abort/i);
});

test('a hook of other topics than the operation moves is not run, which is no remark', async () => {
  const out = join(await folder(), 'out');
  const { run, logged } = hooksOf([
    { kind: 'command', prefix: 'b_', command: ['touch', out] },
    { kind: 'command', prefix: 'a_', command: ['true'] },
  ]);
  expect(await run(move, never)).toEqual([]);
  expect(existsSync(out)).toBe(false);
  expect(logged.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { outcome: 'not meant', reason: 'the operation moves no topic b_…' },
    { outcome: 'done' },
  ]);
});

test('of a probe people are told in any case: here that it had nothing to prove', async () => {
  const { run, logged } = hooksOf([{ kind: 'probe', topic: 'a_probe', client: {} }]);
  expect(await run(move, never)).toEqual([
    'the hook 1 (probe a_probe) was skipped: the operation does not move a_probe',
  ]);
  expect(JSON.parse(logged[0] ?? '')).toMatchObject({ level: 30, outcome: 'skipped', attempts: 0 });
});

test('a probe that would be umbra itself is refused: umbra may write where applications may not', () => {
  const sasl = { mechanism: 'PLAIN', username: 'umbra', password: 'x' } as const;
  const clusters = { a: { bootstrapServers: ['a:9092'] }, b: { bootstrapServers: ['b:9092'], sasl } };
  const probe = (username: string): unknown => ({
    kind: 'probe',
    topic: 'a_probe',
    client: { sasl: { ...sasl, username } },
  });
  const refusals = (username: string): readonly string[] => {
    const config = { pair: 'test', site: 'b', clusters, api: { port: 0 }, repoint: [probe(username)] };
    return workerConfigSchema.safeParse(config).error?.issues.map(({ message }) => message) ?? [];
  };
  expect([refusals('umbra'), refusals('app')]).toEqual([['is who umbra is: a probe has to be an application'], []]);
});

test('a probe that fails is remarked with what that means', async () => {
  const client = { bootstrapServers: ['127.0.0.1:1'] };
  const { run } = hooksOf([{ kind: 'probe', name: 'proof', topic: 'a_orders', client, attempts: 1 }]);
  expect(await run(move, never)).toEqual([
    expect.stringMatching(/^the hook proof failed 1 time: writing a_orders: .*; applications may fare alike$/),
  ]);
});

test('without hooks there is nothing to remark', async () => {
  expect(await hooksOf([]).run(move, never)).toEqual([]);
});
