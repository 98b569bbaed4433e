import { deleteGroupsV2 } from '@platformatic/kafka';
import { afterEach, describe, expect, it } from 'vitest';
import type { BrokerConnection, RequestFrame } from '../../src/kafka/connection.ts';
import { FramePool } from '../../src/kafka/frame-pool.ts';
import { NotSentError } from '../../src/kafka/errors.ts';
import { call } from '../../src/kafka/library-api.ts';
import {
  answerTo,
  connectTo,
  frame,
  listen,
  type Loopback,
  type LoopbackRequest,
  mute,
  serveFrames,
} from './loopback.ts';
import { soon } from './soon.ts';

let server: Loopback | undefined;
let connection: BrokerConnection | undefined;

afterEach(async () => {
  await connection?.close();
  await server?.close();
  connection = server = undefined;
});

/** Requests are gathered; the test answers when it likes. */
async function gather(): Promise<{ readonly open: BrokerConnection; readonly requests: LoopbackRequest[] }> {
  const requests: LoopbackRequest[] = [];
  server = await serveFrames((request) => requests.push(request));
  connection = await connectTo(server);
  return { open: connection, requests };
}

async function arrived(requests: readonly LoopbackRequest[], count: number): Promise<void> {
  await soon(`${count} requests`, () => (requests.length >= count ? true : undefined));
}

function ask(text: string, more: Partial<RequestFrame> = {}): RequestFrame {
  return { apiKey: 60, apiVersion: 1, flexible: true, body: [Buffer.from(text)], ...more };
}

function bodyOf(answer: { readonly bytes: Buffer; readonly bodyStart: number }): string {
  return answer.bytes.toString('utf8', answer.bodyStart);
}

describe('a connection', () => {
  it('writes the header of a request: key, version, correlation id, client id, no tagged fields', async () => {
    const { open, requests } = await gather();
    void open.request(ask('body', { apiKey: 1, apiVersion: 13 })).catch(() => undefined);
    void open.request(ask('old', { apiKey: 17, flexible: false })).catch(() => undefined);
    await arrived(requests, 2);
    const [flexible, old] = requests;
    expect(flexible).toMatchObject({ apiKey: 1, apiVersion: 13, clientId: 'test', body: Buffer.from('body') });
    expect(old).toMatchObject({ apiKey: 17, body: Buffer.from('old') });
    expect(old!.correlationId).not.toBe(flexible!.correlationId);
  });

  it('says of a library request that became too late that nothing of it was sent', async () => {
    const { open, requests } = await gather();
    const late = call(open.withOptions({ maySend: () => false }), deleteGroupsV2.api, ['a_group']);
    await expect(late).rejects.toBeInstanceOf(NotSentError);
    expect(requests).toEqual([]);
  });

  it('sends nothing of a request that has become too late, and goes on', async () => {
    const { open, requests } = await gather();
    let mayStill = true;
    let release: (() => void) | undefined;
    // While credentials are renewed nothing is sent: time passes between the call and the bytes.
    const renewing = open.exclusively(() => new Promise((resolve) => (release = resolve)));
    const late = open.request(ask('late'), { maySend: () => mayStill });
    const refused = expect(late).rejects.toThrow('was not sent: it had become too late');
    await soon('the renewal', () => release);
    mayStill = false;
    release?.();
    await renewing;
    await refused;
    const next = open.request(ask('next'));
    await arrived(requests, 1);
    requests[0]!.socket.write(answerTo(requests[0]!, requests[0]!.body));
    expect(bodyOf(await next)).toBe('next');
    expect(open.inFlight).toBe(0);
  });

  it('sends nothing of a request that becomes too late while it is written, and closes', async () => {
    const { open, requests } = await gather();
    let asked = 0;
    const late = open.request(ask('late'), { maySend: () => (asked += 1) < 2 });
    await expect(late).rejects.toThrow(NotSentError);
    expect([open.closed, open.inFlight, requests]).toEqual([true, 0, []]);
  });

  it('carries a client id of any length', async () => {
    const requests: LoopbackRequest[] = [];
    server = await serveFrames((request) => requests.push(request));
    const clientId = `umbra-${'x'.repeat(300)}`;
    connection = await connectTo(server, {}, clientId);
    void connection.request(ask('body')).catch(() => undefined);
    await arrived(requests, 1);
    expect(requests[0]).toMatchObject({ clientId, body: Buffer.from('body') });
  });

  it('gives each request its own answer, in whatever order they come', async () => {
    const { open, requests } = await gather();
    const texts = Array.from({ length: 20 }, (_, index) => `question ${index}`);
    const answers = texts.map((text) => open.request(ask(text)));
    await arrived(requests, texts.length);
    expect(open.inFlight).toBe(texts.length);
    for (const request of requests.toReversed()) request.socket.write(answerTo(request, request.body));
    expect((await Promise.all(answers)).map(bodyOf)).toEqual(texts);
    expect(open.inFlight).toBe(0);
  });

  it('takes several answers out of one segment', async () => {
    const { open, requests } = await gather();
    const answers = ['one', 'two', 'three'].map((text) => open.request(ask(text)));
    await arrived(requests, 3);
    requests[0]!.socket.write(Buffer.concat(requests.map((request) => answerTo(request, request.body))));
    expect((await Promise.all(answers)).map(bodyOf)).toEqual(['one', 'two', 'three']);
  });

  it('puts together answers that come byte by byte', async () => {
    const { open, requests } = await gather();
    const answers = ['one', 'two'].map((text) => open.request(ask(text)));
    await arrived(requests, 2);
    const { socket } = requests[0]!;
    socket.setNoDelay(true);
    for (const byte of Buffer.concat(requests.map((request) => answerTo(request, request.body)))) {
      await new Promise((written) => socket.write(Buffer.of(byte), written));
    }
    expect((await Promise.all(answers)).map(bodyOf)).toEqual(['one', 'two']);
  });

  it('sends the pieces of bodies in order, many requests at once', async () => {
    const { open, requests } = await gather();
    const bodies = Array.from({ length: 50 }, (_, index) =>
      [0, 1, 2].map((piece) => Buffer.alloc(1 + ((index * 7919 + piece * 104_729) % 30_000), index * 3 + piece)),
    );
    const answers = bodies.map((body) => open.request(ask('', { body })));
    await arrived(requests, bodies.length);
    for (const [index, request] of requests.entries()) {
      expect(request.body.equals(Buffer.concat(bodies[index]!))).toBe(true);
      request.socket.write(answerTo(request, Buffer.of()));
    }
    await Promise.all(answers);
  });

  it('takes an answer without a body', async () => {
    const { open, requests } = await gather();
    const pool = new FramePool(1 << 20);
    const answer = open.request(ask('', { flexible: false, body: [], pool }));
    await arrived(requests, 1);
    requests[0]!.socket.write(frame(requests[0]!.correlationId, Buffer.of()));
    const taken = await answer;
    expect(taken).toMatchObject({ bodyStart: 4, bytes: { length: 4 } });
    taken.release();
    expect(pool.heldBytes).toBe(0);
  });

  it('keeps a large answer whole and in the memory of its pool', async () => {
    const { open, requests } = await gather();
    const pool = new FramePool(1 << 20);
    const answer = open.request(ask('', { pool }));
    await arrived(requests, 1);
    const body = Buffer.from(Array.from({ length: 700_000 }, (_, index) => (index * 31) & 0xff));
    requests[0]!.socket.write(answerTo(requests[0]!, body));
    const taken = await answer;
    expect(pool.heldBytes).toBe(3 << 18);
    expect(taken.bytes.subarray(taken.bodyStart).equals(body)).toBe(true);
    taken.release();
    expect(pool.heldBytes).toBe(0);
  });

  it('holds requests back during exclusive work, and sends them in order afterwards', async () => {
    const { open, requests } = await gather();
    const { promise: done, resolve: finish } = Promise.withResolvers<undefined>();
    const before = open.request(ask('before'));
    const first = open.exclusively(() => done);
    const second = open.exclusively(async () => {
      expect(open.inFlight).toBe(1); // `before`: the held ones have not overtaken us
      return Promise.resolve();
    });
    const held = ['held 1', 'held 2'].map((text) => open.request(ask(text)));
    await arrived(requests, 1);
    finish(undefined);
    await Promise.all([first, second]);
    await arrived(requests, 3);
    expect(requests.map(({ body }) => body.toString())).toEqual(['before', 'held 1', 'held 2']);
    for (const request of requests) request.socket.write(answerTo(request, request.body));
    expect((await Promise.all([before, ...held])).map(bodyOf)).toEqual(['before', 'held 1', 'held 2']);
  });

  it('lets the requests through again when exclusive work fails', async () => {
    const { open, requests } = await gather();
    const failed = open.exclusively(() => Promise.reject(new Error('refused')));
    await expect(failed).rejects.toThrow('refused');
    const answer = open.request(ask('after'));
    await arrived(requests, 1);
    requests[0]!.socket.write(answerTo(requests[0]!, requests[0]!.body));
    expect(bodyOf(await answer)).toBe('after');
  });

  it('tells who listens that it closed, once, however it closed', async () => {
    server = await listen(mute);
    connection = await connectTo(server);
    let told = 0;
    connection.onClosed(() => (told += 1));
    await connection.close();
    await connection.close();
    await soon('the listener', () => (told > 0 ? true : undefined));
    expect(connection.closed).toBe(true);
    expect(told).toBe(1);
  });
});
