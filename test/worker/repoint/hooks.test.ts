import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { type Move, repointSchema } from '../../../src/worker/repoint/repoint-spec.ts';
import { type HookOutcome, runHooks } from '../../../src/worker/repoint/run-hooks.ts';
import { eventually } from '../../fixtures/wait.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const move: Move = {
  ...{ operationId: 'op-7', kind: 'failover', topics: ['a_orders', 'a_pay'], from: 'a', to: 'b', term: 3 },
  ...{
    startedAt: '2026-11-22T04:33:00.000Z',
    terms: new Map([
      ['a_orders', 3],
      ['a_pay', 3],
    ]),
  },
  bootstrapServers: ['kafka-1.b.example:9094', 'kafka-2.b.example:9094'],
};
/** As JSON has it. */
const told = { ...move, terms: { a_orders: 3, a_pay: 3 } };
const secret = 'do-not-print-me';
const never = new AbortController().signal;

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'umbra-hooks-'));
  closing.push(() => rm(made, { recursive: true, force: true }));
  return made;
}

interface Received {
  readonly headers: http.IncomingHttpHeaders;
  readonly body: unknown;
}

/** Answers with these statuses, one after the other, then with the last one again; `0`: with nothing. */
async function receiver(...statuses: number[]): Promise<{ readonly url: string; readonly received: Received[] }> {
  const received: Received[] = [];
  const server = http.createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      received.push({ headers: request.headers, body: JSON.parse(text) });
      const status = (statuses.length > 1 ? statuses.shift() : statuses[0]) ?? 500;
      if (status === 0) return;
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end(`you sent ${secret}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${secret}`, received };
}

function run(hooks: unknown, signal: AbortSignal = never): Promise<readonly HookOutcome[]> {
  return runHooks(repointSchema.parse(hooks), { move, env: { PATH: process.env['PATH'] } }, signal);
}

const script = (text: string): readonly string[] => ['sh', '-c', text];

describe('a command', () => {
  test('finds the move in its environment and on its input', async () => {
    const out = join(await folder(), 'out');
    const command = script(
      `echo "$UMBRA_OPERATION $UMBRA_TO $UMBRA_TERM $UMBRA_TOPIC_COUNT $UMBRA_BOOTSTRAP_SERVERS" > ${out}; cat >> ${out}`,
    );
    const [outcome] = await run([{ kind: 'command', name: 'alias', command }]);
    expect(outcome).toMatchObject({ hook: 'alias', outcome: 'done', attempts: 1, reason: undefined });
    const [short, json] = (await readFile(out, 'utf8')).split('\n');
    expect(short).toBe('op-7 b 3 2 kafka-1.b.example:9094,kafka-2.b.example:9094');
    expect(JSON.parse(json ?? '')).toEqual(told);
  });

  test('sees nothing else of the worker, and is run without a shell', async () => {
    const out = join(await folder(), 'out');
    await run([{ kind: 'command', command: ['sh', '-c', `env > ${out}; echo "$0"`, '$(touch /nowhere)'] }]);
    const names = (await readFile(out, 'utf8')).split('\n').map((line) => line.split('=')[0]);
    expect(names).not.toContain('HOME');
    expect(names).toContain('UMBRA_KIND');
  });

  test('that fails is tried again, and the last reason is told', async () => {
    const out = join(await folder(), 'out');
    const failing = {
      kind: 'command',
      attempts: 2,
      command: script(`echo x >> ${out}; echo first >&2; echo why >&2; exit 3`),
    };
    const [outcome] = await run([failing]);
    expect(outcome).toMatchObject({ outcome: 'failed', attempts: 2, reason: 'exit code 3: why' });
    expect(await readFile(out, 'utf8')).toBe('x\nx\n');
  });

  test('that is not there says so', async () => {
    const [outcome] = await run([{ kind: 'command', attempts: 1, command: ['umbra-has-no-such-program'] }]);
    expect(outcome).toMatchObject({ outcome: 'failed', reason: 'it cannot be started (ENOENT)' });
  });

  test('that does not end is killed, with what it has started', async () => {
    const out = join(await folder(), 'out');
    const command = script(`(sleep 2; touch ${out}) & wait`);
    const [outcome] = await run([{ kind: 'command', attempts: 1, timeoutMs: 200, command }]);
    expect(outcome).toMatchObject({ outcome: 'failed', reason: 'it did not end within 200 ms and was killed' });
    expect(existsSync(out)).toBe(false);
  });

  test('shows its arguments nowhere', async () => {
    const outcomes = await run([{ kind: 'command', attempts: 1, command: ['sh', '-c', 'exit 1', secret] }]);
    expect(outcomes[0]?.hook).toBe('1 (command sh)');
    expect(inspect(outcomes)).not.toContain(secret);
  });
});

describe('a webhook', () => {
  test('gets the move as JSON, with its headers and a key by which a repetition is known', async () => {
    const { url, received } = await receiver(204);
    const [outcome] = await run([{ kind: 'webhook', url, headers: { Authorization: `Bearer ${secret}` } }]);
    expect(outcome).toMatchObject({ outcome: 'done', attempts: 1 });
    expect(received[0]?.body).toEqual(told);
    expect(received[0]?.headers).toMatchObject({
      authorization: `Bearer ${secret}`,
      'content-type': 'application/json',
      'idempotency-key': 'op-7',
    });
  });

  test('that fails is tried again', async () => {
    const { url, received } = await receiver(503, 200);
    expect((await run([{ kind: 'webhook', url }]))[0]).toMatchObject({ outcome: 'done', attempts: 2 });
    expect(received).toHaveLength(2);
  });

  test('is not sent on to another place', async () => {
    const { url, received } = await receiver(302);
    const [outcome] = await run([{ kind: 'webhook', url, attempts: 1 }]);
    expect(outcome).toMatchObject({ outcome: 'failed', reason: 'it answered with status 302' });
    expect(received).toHaveLength(1);
  });

  test('that says nothing, or is not there, fails in its time', async () => {
    const { url } = await receiver(0);
    const hooks = [
      { kind: 'webhook', url, attempts: 1, timeoutMs: 150 },
      { kind: 'webhook', url: `http://127.0.0.1:1/${secret}`, attempts: 1 },
    ];
    const outcomes = await run(hooks);
    expect(outcomes.map(({ reason }) => reason)).toEqual([
      'it did not answer within 150 ms',
      expect.stringMatching(/^it cannot be reached \(.+\)$/),
    ]);
  });

  test('shows no secret, whatever becomes of it', async () => {
    const { url } = await receiver(500);
    const headers = { 'X-Token': secret };
    const hooks = repointSchema.parse([{ kind: 'webhook', url, attempts: 1, headers }]);
    const outcomes = await runHooks(hooks, { move, env: {} }, never);
    expect(outcomes[0]?.hook).toMatch(/^1 \(webhook 127\.0\.0\.1:\d+\)$/);
    expect(inspect([hooks, outcomes], { depth: 10 }) + JSON.stringify([hooks, outcomes])).not.toContain(secret);
  });
});

test('one that fails does not keep the next from being run, and each is told when it is over', async () => {
  const { url, received } = await receiver(200);
  const told: string[] = [];
  const hooks = repointSchema.parse([
    { kind: 'command', attempts: 1, command: ['false'] },
    { kind: 'webhook', url },
  ]);
  const onOutcome = ({ outcome }: HookOutcome): void => void told.push(outcome);
  await runHooks(hooks, { move, env: { PATH: process.env['PATH'] }, onOutcome }, never);
  expect([told, received.length]).toEqual([['failed', 'done'], 1]);
});

test('an abort ends the one under way, and the others are given up', async () => {
  const out = join(await folder(), 'begun');
  const giveUp = new AbortController();
  const running = run(
    [
      { kind: 'command', command: script(`touch ${out}; sleep 30`) },
      { kind: 'command', command: ['true'] },
    ],
    giveUp.signal,
  );
  await eventually('it has begun', () => existsSync(out) || undefined);
  giveUp.abort();
  expect((await running).map(({ outcome, attempts, reason }) => [outcome, attempts, reason])).toEqual([
    ['given up', 1, 'it was given up'],
    ['given up', 0, 'it was not tried'],
  ]);
});

test.each([
  [{ kind: 'command', command: [] }, 'must name a program'],
  [{ kind: 'webhook', url: 'ftp://somewhere' }, 'must be an http or https URL'],
  [{ kind: 'webhook', url: 'http://x', headers: { a: 'line\nbreak' } }, 'must be printable ASCII'],
  [{ kind: 'fax', name: 'kafka' }, 'Invalid'],
  [{ kind: 'command', command: ['true'], timeoutMs: 1 }, '>=100'],
])('a hook that cannot be is refused: %j', (hook, message) => {
  expect(JSON.stringify(repointSchema.safeParse([hook]).error?.issues)).toContain(message);
});
