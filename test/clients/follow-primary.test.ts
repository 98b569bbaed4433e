import { once } from 'node:events';
import net from 'node:net';
import type { KafkaConfig } from 'kafkajs';
import { afterEach, expect, test } from 'vitest';
import { type FollowOptions, followPrimary, type PrimaryFollower } from '../../src/clients/kafkajs/follow-primary.ts';
import { pointing, type PointerAnswer, type PointerServer, startPointer } from '../fixtures/pointer-server.ts';
import { eventually } from '../fixtures/wait.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const places = { a: { bootstrapServers: ['127.0.0.1:1'] }, b: { bootstrapServers: ['127.0.0.1:2'] } };
const atA = pointing({ site: 'a', term: 0 }, places);
const atB = pointing({ site: 'b', term: 1 }, places);
const quick = { topic: 'a_orders', pollMs: 10, answerMs: 100, readyMs: 2_000 } as const;

async function pointer(answer: PointerAnswer): Promise<PointerServer> {
  const server = await startPointer(answer);
  closing.push(() => server.close());
  return server;
}

function follow(workers: readonly PointerServer[], options: Partial<FollowOptions> = {}): PrimaryFollower {
  // Of a topic and a prefix the options have one.
  const follower = followPrimary({ ...quick, ...options, workers: workers.map(({ url }) => url) } as FollowOptions);
  closing.push(follower.stop);
  return follower;
}

/** A server that keeps what connects to it. */
async function listener(): Promise<{ readonly port: number; readonly server: string; readonly taken: net.Socket[] }> {
  const taken: net.Socket[] = [];
  const server = net.createServer((socket) => {
    taken.push(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of taken) socket.destroy();
    server.close();
  });
  const { port } = server.address() as net.AddressInfo;
  return { port, server: `127.0.0.1:${port}`, taken };
}

function open(
  { socketFactory }: PrimaryFollower,
  port: number,
): { readonly connected: Promise<unknown>; readonly ended: Promise<NodeJS.ErrnoException> } {
  const connected = Promise.withResolvers<undefined>();
  const socket = socketFactory({ host: '127.0.0.1', port, onConnect: () => connected.resolve(undefined) });
  const ended = new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve));
  return { connected: connected.promise, ended };
}

test('what it gives is what kafkajs takes', async () => {
  const follower = follow([await pointer(atA)]);
  const { brokers, socketFactory } = follower;
  const config: KafkaConfig = { brokers, socketFactory, clientId: 'app' };
  expect(typeof config.brokers === 'function' && (await config.brokers())).toEqual(['127.0.0.1:1']);
});

test('it asks for the topic or the prefix, with the token', async () => {
  const worker = await pointer(atA);
  await follow([worker], { token: 'the-token-of-a-viewer' }).ready();
  await follow([worker], { topic: undefined, prefix: 'a_' }).ready();
  expect(worker.asked).toContainEqual({
    path: '/v1/bootstrap?topic=a_orders',
    authorization: 'Bearer the-token-of-a-viewer',
  });
  expect(worker.asked).toContainEqual({ path: '/v1/bootstrap?prefix=a_', authorization: undefined });
});

test('a site that says nothing does not hold up what the other one says', async () => {
  const silent = await pointer('silence');
  const follower = follow([silent, await pointer(atA)], { answerMs: 60_000, readyMs: 5_000 });
  expect(await follower.ready()).toMatchObject({ site: 'a', term: 0 });
});

test('an answer that proves nothing is taken when the other site was given up', async () => {
  const unproven = await pointer(pointing({ site: 'a', term: 0, proven: false }, places));
  expect(await follow([await pointer('silence'), unproven]).ready()).toMatchObject({ site: 'a', proven: false });
});

test('a move is followed whichever worker tells it, and an older answer changes nothing', async () => {
  const [old, fresh] = [await pointer(atA), await pointer(atA)];
  const follower = follow([old, fresh]);
  const moves: number[] = [];
  follower.onMove(({ term }) => moves.push(term));
  await follower.ready();
  fresh.say(atB);
  await eventually('the move is seen', () => follower.current()?.site === 'b' || undefined);
  const asked = old.asked.length;
  await eventually('the old worker was asked again', () => old.asked.length > asked + 3 || undefined);
  expect([follower.current()?.site, moves]).toEqual(['b', [1]]);
  expect(await follower.brokers()).toEqual(['127.0.0.1:2']);
});

test('while no worker answers the last answer stays', async () => {
  const worker = await pointer(atA);
  const troubles: Error[] = [];
  const follower = follow([worker], { onTrouble: (error) => troubles.push(error) });
  await follower.ready();
  worker.say({ status: 503, body: { code: 'NOT_READY' } });
  await eventually('the worker fails', () => troubles.length > 1 || undefined);
  expect(follower.current()).toMatchObject({ site: 'a', term: 0 });
  expect(troubles[0]?.message).toMatch(/does not say who is primary: status 503: .*NOT_READY/);
});

test('a state without one primary changes nothing', async () => {
  const worker = await pointer(atA);
  const follower = follow([worker]);
  await follower.ready();
  worker.say({ status: 200, body: { topic: 'a_orders', term: 7, proven: true, state: 'split' } });
  const asked = worker.asked.length;
  await eventually('it was asked again', () => worker.asked.length > asked + 2 || undefined);
  expect(follower.current()).toMatchObject({ site: 'a', term: 0 });
});

test('before anybody has answered nothing is ready, and the error says who was asked and why', async () => {
  const workers = [await pointer('silence'), await pointer({ status: 200, body: { state: 'settled' } })];
  const follower = follow(workers, { readyMs: 300 });
  const message = `was not known within 300 ms \\(asked ${workers.map(({ url }) => url).join(', ')}\\): the worker at`;
  await expect(follower.ready()).rejects.toThrow(new RegExp(message));
  await expect(follower.brokers()).rejects.toThrow(/was not known/);
  expect(follower.current()).toBeUndefined();
  workers[1]?.say(atB);
  expect(await follower.ready()).toMatchObject({ site: 'b' });
});

test.each([
  [{ workers: [] }, 'at least one worker'],
  [{ workers: ['10.0.0.1:8080'] }, 'must look like http://host:port'],
  [{ prefix: 'a_' }, 'either a topic or a prefix'],
  [{ pollMs: 0 }, 'pollMs must be 1 to 3600000, not 0'],
])('options that cannot be are refused: %j', (options, message) => {
  const wrong = { topic: 'a_orders', workers: ['http://127.0.0.1:1'], ...options } as FollowOptions;
  expect(() => followPrimary(wrong)).toThrow(message);
});

test('on a move every connection ends with an error that kafkajs hears, and the new primary can be reached', async () => {
  const [a, b] = [await listener(), await listener()];
  const real = { a: { bootstrapServers: [a.server] }, b: { bootstrapServers: [b.server] } };
  const worker = await pointer(pointing({ site: 'a', term: 0 }, real));
  const follower = follow([worker]);
  await follower.ready();
  const before = open(follower, a.port);
  await before.connected;
  worker.say(pointing({ site: 'b', term: 1 }, real));
  expect(await before.ended).toMatchObject({
    code: 'ECONNRESET',
    message: expect.stringContaining('term 1') as string,
  });
  await open(follower, b.port).connected;
  expect(await open(follower, a.port).ended).toMatchObject({ code: 'ECONNREFUSED' });
  expect([a.taken.length, b.taken.length]).toEqual([1, 1]);
});

test('a broker that no worker names belongs to the site that was primary when a client went there', async () => {
  const [a, b] = [await listener(), await listener()];
  const worker = await pointer(atA);
  const follower = follow([worker]);
  await follower.ready();
  await open(follower, a.port).connected;
  worker.say(atB);
  await eventually('the move is seen', () => follower.current()?.site === 'b' || undefined);
  expect(await open(follower, a.port).ended).toMatchObject({ code: 'ECONNREFUSED' });
  await open(follower, b.port).connected;
  worker.say(pointing({ site: 'a', term: 2 }, places));
  await eventually('it is home again', () => follower.current()?.site === 'a' || undefined);
  await open(follower, a.port).connected;
  expect(await open(follower, b.port).ended).toMatchObject({ code: 'ECONNREFUSED' });
});

test('a connection to a broker that turns out to be the other site’s ends', async () => {
  const [a, b] = [await listener(), await listener()];
  const worker = await pointer(atA);
  const follower = follow([worker]);
  await follower.ready();
  const astray = open(follower, b.port);
  await astray.connected;
  const told = { a: { bootstrapServers: [a.server] }, b: { bootstrapServers: [b.server] } };
  worker.say(pointing({ site: 'a', term: 0 }, told));
  expect(await astray.ended).toMatchObject({ code: 'ECONNRESET' });
});

test('connections by an alias that both sites share end at a move and may be made again', async () => {
  const alias = await listener();
  const shared = { a: { bootstrapServers: [alias.server] }, b: { bootstrapServers: [alias.server] } };
  const worker = await pointer(pointing({ site: 'a', term: 0 }, shared));
  const follower = follow([worker]);
  await follower.ready();
  const before = open(follower, alias.port);
  await before.connected;
  worker.say(pointing({ site: 'b', term: 1 }, shared));
  expect(await before.ended).toMatchObject({ code: 'ECONNRESET' });
  await open(follower, alias.port).connected;
});

test('stopped, it asks nobody any more and ends what is open', async () => {
  const a = await listener();
  const worker = await pointer(pointing({ site: 'a', term: 0 }, { ...places, a: { bootstrapServers: [a.server] } }));
  const follower = follow([worker]);
  await follower.ready();
  const live = open(follower, a.port);
  await live.connected;
  follower.stop();
  expect(await live.ended).toMatchObject({ code: 'ECONNRESET' });
  expect(follower.current()).toMatchObject({ site: 'a' });
});
