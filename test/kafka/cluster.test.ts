import { Writer } from '@platformatic/kafka';
import { afterEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/kafka/cluster.ts';
import { ConnectionError } from '../../src/kafka/errors.ts';
import {
  answerTo,
  clusterOf,
  frame,
  listen,
  type Loopback,
  loopbackLimits,
  mute,
  serveBroker,
  serveFrames,
} from './loopback.ts';
import { type AnsweredTopic, metadataAnswer } from './metadata-answer.ts';
import { soon } from './soon.ts';

let server: Loopback | undefined;
let cluster: Cluster | undefined;

afterEach(async () => {
  await cluster?.close();
  await server?.close();
  cluster = server = undefined;
});

/** One broker, number 1, that answers every further request with this metadata. */
async function serve(topics: readonly AnsweredTopic[] = [], port?: number): Promise<Cluster> {
  server = await serveBroker((request) => {
    const broker = { nodeId: 1, host: '127.0.0.1', port: port ?? server!.address.port };
    request.socket.write(answerTo(request, metadataAnswer([broker], topics)));
  });
  cluster = clusterOf(server);
  return cluster;
}

const topicId = '00112233445566778899aabbccddeeff';

describe('a cluster', () => {
  it('opens one connection for each broker and purpose, however many ask at once', async () => {
    const open = await serve();
    await open.metadata('all');
    const before = server!.connections.length;
    const asked = ['fetch', 'fetch', 'fetch', 'produce-0'].map((purpose) => open.broker(1, purpose));
    const [first, second, third, other] = await Promise.all(asked);
    expect(second!.connection).toBe(first!.connection);
    expect(third!.connection).toBe(first!.connection);
    expect(other!.connection).not.toBe(first!.connection);
    expect(server!.connections).toHaveLength(before + 2);
  });

  it('opens a connection anew after it closed', async () => {
    const open = await serve();
    await open.metadata('all');
    const first = await open.broker(1, 'fetch');
    for (const socket of server!.connections) socket.destroy();
    await soon('the close', () => (first.connection.closed ? true : undefined));
    const second = await open.broker(1, 'fetch');
    expect(second.connection).not.toBe(first.connection);
    expect(second.connection.closed).toBe(false);
  });

  it('knows only the brokers that metadata named', async () => {
    const open = await serve();
    await expect(open.broker(1, 'fetch')).rejects.toThrow('site t knows no broker 1');
    await open.metadata('all');
    await open.broker(1, 'fetch');
    await expect(open.broker(2, 'fetch')).rejects.toThrow(ConnectionError);
  });

  it.each([-7, 0, 70_000])('cannot connect to a broker at port %i, and says which', async (port) => {
    const open = await serve([], port);
    await open.metadata('all');
    await expect(open.broker(1, 'fetch')).rejects.toThrow(ConnectionError);
    await expect(open.broker(1, 'fetch')).rejects.toThrow(`127.0.0.1:${port}`);
    await open.metadata('all'); // the bootstrap servers still answer
  });

  it('asks for a usable version, the highest that both sides know', async () => {
    const broker = await (await serve()).any();
    const produce = (version: number): { key: number; version: number } => ({ key: 0, version });
    expect(broker.negotiate(produce(9), produce(11), produce(10))).toEqual(produce(11));
    expect(broker.negotiate(produce(11), produce(99))).toEqual(produce(11));
    expect(broker.supports(0, 9)).toBe(true);
    expect(broker.supports(0, 99)).toBe(false);
    const refused = (): unknown => broker.negotiate(produce(98), produce(99));
    expect(refused).toThrow(
      /too old or too new: umbra needs API 0 version 98 or API 0 version 99, the broker has versions 0 to 13/,
    );
    expect(() => broker.negotiate({ key: 9999, version: 0 })).toThrow(/the broker does not have that API/);
  });

  it('takes a topic without leaders as it is, and refuses one that it may not describe', async () => {
    const partitions = [{ leader: 1, leaderEpoch: 7 }, { leader: undefined }];
    const open = await serve([{ name: 'half', topicId, partitions, errorCode: 0 }]);
    const topic = (await open.metadata(['half'])).topics.get('half');
    expect(topic?.topicId).toBe(topicId);
    expect(topic?.partitions.map(({ leader, leaderEpoch }) => [leader, leaderEpoch])).toEqual([
      [1, 7],
      [undefined, 0],
    ]);
    await open.close();
    await server!.close();
    const hidden = await serve([{ name: 'hidden', topicId, partitions: [], errorCode: 29 }]);
    const refused = hidden.metadata(['hidden']);
    await expect(refused).rejects.toThrow(/topic hidden at site t: TOPIC_AUTHORIZATION_FAILED \(29\)/);
    await expect(refused).rejects.toMatchObject({ verdict: 'denied' });
  });

  it('fails with a connection error after it was closed, and while it closes', async () => {
    const open = await serve();
    await open.metadata('all');
    const broker = await open.broker(1, 'fetch');
    const connecting = open.broker(1, 'produce-0');
    const refused = expect(connecting).rejects.toThrow(ConnectionError);
    await open.close();
    await refused;
    expect(broker.connection.closed).toBe(true);
    await expect(open.any()).rejects.toThrow(ConnectionError);
  });
});

describe('a server that is no broker', () => {
  it('is named with what may be wrong when it speaks another protocol', async () => {
    server = await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'));
    cluster = clusterOf(server);
    await expect(cluster.any()).rejects.toThrow(
      `no broker of site t answers: 127.0.0.1:${server.address.port} accepts connections but does not speak Kafka`,
    );
  });

  it('is named when it hangs up', async () => {
    server = await listen((socket) => socket.destroy());
    cluster = clusterOf(server);
    await expect(cluster.any()).rejects.toThrow(/does not speak Kafka with these settings \(TLS or plain\?\)/);
  });

  it('is named with its code when it is too old to tell its versions', async () => {
    // UNSUPPORTED_VERSION in the form of version 0, with a legacy array behind it.
    server = await serveFrames(({ correlationId, socket }) => {
      const body = Writer.create().appendInt16(35).appendInt32(1).appendInt16(18).appendInt16(0).appendInt16(0).buffer;
      socket.write(frame(correlationId, body));
    });
    cluster = clusterOf(server);
    await expect(cluster.any()).rejects.toThrow(/UNSUPPORTED_VERSION \(35\)/);
  });

  it('does not keep a cluster from closing while it says nothing', async () => {
    server = await listen(mute);
    cluster = clusterOf(server);
    const waiting = expect(cluster.any()).rejects.toThrow(Error);
    await soon('the connection', () => (server!.connections.length > 0 ? true : undefined));
    const startedMs = performance.now();
    await cluster.close();
    await waiting;
    expect(performance.now() - startedMs).toBeLessThan(loopbackLimits.requestTimeoutMs / 2);
  });
});
