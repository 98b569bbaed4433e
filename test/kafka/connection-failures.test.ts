import type net from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { BrokerConnection, type RequestFrame } from '../../src/kafka/connection.ts';
import { ConnectionError, MalformedError } from '../../src/kafka/errors.ts';
import { FramePool } from '../../src/kafka/frame-pool.ts';
import { anyBytes, damaged } from './hostile.ts';
import { answerTo, connectTo, frame, listen, type Loopback, loopbackLimits, mute, serveFrames } from './loopback.ts';
import { soon } from './soon.ts';

let server: Loopback | undefined;
let connection: BrokerConnection | undefined;

afterEach(async () => {
  await connection?.close();
  await server?.close();
  connection = server = undefined;
});

const never = new AbortController().signal;

function ask(pool?: FramePool): RequestFrame {
  const body = [Buffer.from('question')];
  return { apiKey: 60, apiVersion: 1, flexible: true, body, ...(pool === undefined ? {} : { pool }) };
}

/** Sends `count` requests and, when the last is there, `bytesOf` the correlation ids; the outcome of each request. */
async function outcomes(
  count: number,
  bytesOf: (ids: readonly number[]) => Buffer,
  then: (socket: net.Socket) => void = () => undefined,
): Promise<{ readonly results: readonly PromiseSettledResult<unknown>[]; readonly heldBytes: number }> {
  const ids: number[] = [];
  server = await serveFrames(({ correlationId, socket }) => {
    ids.push(correlationId);
    if (ids.length === count) socket.write(bytesOf(ids), () => then(socket));
  });
  connection = await connectTo(server);
  const pool = new FramePool(1 << 20);
  const results = await Promise.allSettled(
    Array.from({ length: count }, async () => (await connection!.request(ask(pool))).release()),
  );
  return { results, heldBytes: pool.heldBytes };
}

function reasons(results: readonly PromiseSettledResult<unknown>[]): unknown[] {
  return results.map((result) => (result.status === 'rejected' ? (result.reason as unknown) : 'answered'));
}

describe('a connection that fails', () => {
  it.each([0, 3, 8, 12, 40])('rejects all requests when it closes after %i bytes of an answer', async (sent) => {
    const whole = (ids: readonly number[]): Buffer => answerTo({ correlationId: ids[0]! }, Buffer.alloc(40));
    const { results, heldBytes } = await outcomes(
      3,
      (ids) => whole(ids).subarray(0, sent),
      (socket) => socket.destroy(),
    );
    for (const reason of reasons(results)) expect(reason).toBeInstanceOf(ConnectionError);
    expect(reasons(results).map(String)[0]).toMatch(/connection to 127\.0\.0\.1:\d+ ended/);
    expect(heldBytes).toBe(0);
    expect(connection!.closed).toBe(true);
    await expect(connection!.request(ask())).rejects.toThrow(ConnectionError);
  });

  it.each([
    ['of negative size', Buffer.from('ffffffff00000001', 'hex')],
    ['smaller than its header', Buffer.from('0000000300000001', 'hex')],
    ['larger than what is allowed', Buffer.from('7fffffff00000001', 'hex')],
    ['to no request', frame(0x0bad, Buffer.alloc(10))],
    ['of another protocol', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ])('rejects all requests at an answer %s', async (_what, bytes) => {
    const { results, heldBytes } = await outcomes(2, () => bytes);
    for (const reason of reasons(results)) expect(reason).toBeInstanceOf(MalformedError);
    expect(heldBytes).toBe(0);
  });

  it('gives back the memory of an answer whose header is broken', async () => {
    const { results, heldBytes } = await outcomes(2, (ids) =>
      Buffer.concat([frame(ids[0]!, Buffer.from('ffffffff0f', 'hex')), frame(ids[1]!, Buffer.of())]),
    );
    for (const reason of reasons(results)) expect(reason).toBeInstanceOf(MalformedError);
    expect(heldBytes).toBe(0);
  });

  it('settles every request and gives back all memory, whatever bytes come', async () => {
    const ids = [1, 2, 3, 4]; // a connection counts from 1
    const answers = Buffer.concat(
      ids.map((correlationId) => answerTo({ correlationId }, Buffer.alloc(correlationId * 9))),
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 4, arbitrary: damaged(answers) }, anyBytes), async (bytes) => {
        const { results, heldBytes } = await outcomes(
          ids.length,
          () => bytes,
          (socket) => socket.end(),
        );
        for (const reason of reasons(results)) {
          if (reason === 'answered' || reason instanceof MalformedError) continue;
          expect(reason).toBeInstanceOf(ConnectionError);
        }
        expect(heldBytes).toBe(0);
        await connection!.close();
        await server!.close();
      }),
      { numRuns: 100 },
    );
  });

  it('is destroyed when an answer does not come in time, and all its requests with it', async () => {
    server = await listen(mute);
    connection = await connectTo(server);
    const patient = connection.request(ask());
    const hasty = connection.request(ask(), { timeoutMs: 30 });
    await expect(hasty).rejects.toThrow(/no answer from 127\.0\.0\.1:\d+ within 30 ms/);
    await expect(patient).rejects.toThrow(ConnectionError);
    expect(connection.closed).toBe(true);
    await soon('the socket at the other side', () => (server!.connections[0]!.destroyed ? true : undefined));
  });

  it('rejects requests with the reason it was closed for', async () => {
    server = await listen(mute);
    connection = await connectTo(server);
    const waiting = connection.request(ask());
    const reason = new ConnectionError('the credentials ran out', { verdict: 'denied' });
    await Promise.all([connection.close(reason), expect(waiting).rejects.toBe(reason)]);
  });
});

describe('connecting', () => {
  const open = (port: number, more: { signal?: AbortSignal; tls?: object; connectTimeoutMs?: number } = {}) =>
    BrokerConnection.open(
      { host: '127.0.0.1', port },
      {
        clientId: 'test',
        tls: more.tls,
        limits: { ...loopbackLimits, connectTimeoutMs: more.connectTimeoutMs ?? loopbackLimits.connectTimeoutMs },
      },
      more.signal ?? never,
    );

  it('to a port where nobody listens says so', async () => {
    server = await listen(mute);
    const { port } = server.address;
    await server.close();
    await expect(open(port)).rejects.toThrow(
      new ConnectionError(`127.0.0.1:${port} refuses connections: no broker listens there`),
    );
  });

  it('to a host that nobody knows says so', async () => {
    const address = { host: 'no-such-host.invalid', port: 9092 };
    const options = { clientId: 'test', tls: undefined, limits: loopbackLimits };
    const connecting = BrokerConnection.open(address, options, never);
    await expect(connecting).rejects.toThrow('the host name in no-such-host.invalid:9092 is not known');
  });

  it.each([-1, 65_536, 1_000_000])('to port %i, which is none, fails as any other connection', async (port) => {
    await expect(open(port)).rejects.toThrow(ConnectionError);
  });

  it('ends when it is given up', async () => {
    server = await listen(mute); // never answers the TLS handshake
    const giveUp = new AbortController();
    const connecting = open(server.address.port, { tls: {}, signal: giveUp.signal });
    await soon('the connection', () => (server!.connections.length > 0 ? true : undefined));
    giveUp.abort();
    await expect(connecting).rejects.toThrow(
      new ConnectionError(`connecting to 127.0.0.1:${server.address.port} was given up`),
    );
    await soon('the socket', () => (server!.connections[0]!.destroyed ? true : undefined));
  });

  it('is not begun when it has been given up before', async () => {
    server = await listen(mute);
    await expect(open(server.address.port, { signal: AbortSignal.abort() })).rejects.toThrow(ConnectionError);
    expect(server.connections).toHaveLength(0);
  });

  it('ends after its time', async () => {
    server = await listen(mute);
    await expect(open(server.address.port, { tls: {}, connectTimeoutMs: 40 })).rejects.toThrow(
      new ConnectionError(`no connection to 127.0.0.1:${server.address.port} within 40 ms`),
    );
    await soon('the socket', () => (server!.connections[0]!.destroyed ? true : undefined));
  });
});
