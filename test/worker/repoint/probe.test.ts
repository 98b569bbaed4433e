import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type Move, repointSchema } from '../../../src/worker/repoint/repoint-spec.ts';
import { type HookOutcome, runHooks } from '../../../src/worker/repoint/run-hooks.ts';

const move: Move = {
  ...{ operationId: 'op-7', kind: 'failover', topics: ['a_orders', 'a_pay'], from: 'a', to: 'b', term: 3 },
  ...{
    startedAt: '2026-11-22T04:33:00.000Z',
    terms: new Map([
      ['a_orders', 3],
      ['a_pay', 3],
    ]),
  },
  bootstrapServers: ['kafka-1.b.example:9094'],
};
const never = new AbortController().signal;

function run(hooks: unknown, signal: AbortSignal = never): Promise<readonly HookOutcome[]> {
  return runHooks(repointSchema.parse(hooks), { move, env: { PATH: process.env['PATH'] } }, signal);
}

const probe = { kind: 'probe', topic: 'a_orders', attempts: 1, client: {} };

test('a probe of a topic that the operation does not move is skipped', async () => {
  expect((await run([{ ...probe, topic: 'a_probe', attempts: 3 }]))[0]).toMatchObject({
    ...{ hook: '1 (probe a_probe)', kind: 'probe', outcome: 'skipped', attempts: 0 },
    reason: 'the operation does not move a_probe',
  });
});

test('a probe goes before all others, and its failure holds none of them up', async () => {
  const hooks = [
    { kind: 'command', command: ['true'] },
    { ...probe, client: { bootstrapServers: ['127.0.0.1:1'] } },
    { kind: 'command', command: ['true'] },
  ];
  expect((await run(hooks)).map(({ hook, outcome, reason }) => [hook, outcome, reason])).toEqual([
    ['2 (probe a_orders)', 'failed', expect.stringMatching(/^writing a_orders: .*ECONNREFUSED/)],
    ['1 (command true)', 'done', undefined],
    ['3 (command true)', 'done', undefined],
  ]);
});

test('a probe of a site that says nothing, and one that is given up, end in their time', async () => {
  const server = net.createServer((socket) => void socket.resume().on('error', () => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const client = { bootstrapServers: [`127.0.0.1:${(server.address() as AddressInfo).port}`] };
  const [late] = await run([{ ...probe, timeoutMs: 200, client }]);
  expect(late).toMatchObject({ outcome: 'failed', reason: 'writing a_orders: no answer within 200 ms' });
  const [given] = await run([{ ...probe, client }], AbortSignal.timeout(100));
  expect(given).toMatchObject({ outcome: 'given up', reason: 'it was given up' });
});

test('a probe whose certificates cannot be read says so', async () => {
  const [outcome] = await run([{ ...probe, client: { tls: { caFile: '/nowhere/ca.pem' } } }]);
  expect(outcome?.reason).toMatch(/^preparing its client: ENOENT.*\/nowhere\/ca\.pem/);
});

test.each([
  [{ topic: '_schemas' }, 'must be a topic for applications'],
  [{ topic: '__consumer_offsets' }, 'must be a topic for applications'],
  [{ topic: 'a/b' }, 'must be the name of a topic'],
  [{ client: { sasl: { mechanism: 'PLAIN', username: 'u', password: '' } } }, 'must not be empty'],
  [{ client: { bootstrapServers: ['nowhere'] } }, 'must look like host:port'],
])('a probe that cannot be is refused: %j', (changed, message) => {
  expect(JSON.stringify(repointSchema.safeParse([{ ...probe, ...changed }]).error?.issues)).toContain(message);
});
