import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { type Broker, Cluster } from '../../src/kafka/cluster.ts';
import { BrokerConnection, type ConnectionLimits } from '../../src/kafka/connection.ts';
import { golden, type GoldenVersion } from './golden-frames.ts';

/** One request as it arrived. `body` begins after the request header. */
export interface LoopbackRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string;
  readonly body: Buffer;
  readonly socket: net.Socket;
}

export interface Loopback {
  readonly address: { readonly host: string; readonly port: number };
  /** Connections that were ever made. */
  readonly connections: readonly net.Socket[];
  close(): Promise<void>;
}

export const loopbackLimits: ConnectionLimits = {
  connectTimeoutMs: 5_000,
  requestTimeoutMs: 5_000,
  frameBytesMax: 1024 * 1024,
};

/** A server on the loopback that hands out its connections: what it says is up to the test. */
export async function listen(onConnection: (socket: net.Socket) => void, security?: tls.TlsOptions): Promise<Loopback> {
  const connections: net.Socket[] = [];
  const accept = (socket: net.Socket): void => {
    connections.push(socket);
    socket.on('error', () => undefined); // the other side hangs up in these tests, on purpose
    onConnection(socket);
  };
  const server = security === undefined ? net.createServer(accept) : tls.createServer(security, accept);
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port }, // not a pipe
    connections,
    async close() {
      for (const socket of connections) socket.destroy();
      server.close();
      if (server.listening) await once(server, 'close');
    },
  };
}

/** For {@link listen}: takes everything and says nothing. */
export function mute(socket: net.Socket): void {
  socket.resume();
}

/** A server that speaks frames: every request goes to the script as it comes. */
export function serveFrames(
  onRequest: (request: LoopbackRequest) => void,
  security?: tls.TlsOptions,
): Promise<Loopback> {
  return listen((socket) => {
    let bytes: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
        const end = 4 + bytes.readInt32BE(0);
        onRequest(parseRequest(bytes.subarray(4, end), socket));
        bytes = bytes.subarray(end);
      }
    });
  }, security);
}

/** A whole answer on the wire: size, correlation id, the flexible header's empty tagged fields, the body. */
export function answerTo({ correlationId }: { readonly correlationId: number }, body: Buffer): Buffer {
  return frame(correlationId, Buffer.concat([Buffer.of(0), body]));
}

/** Size, correlation id and whatever comes behind. */
export function frame(correlationId: number, rest: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt32BE(4 + rest.length, 0);
  head.writeInt32BE(correlationId, 4);
  return Buffer.concat([head, rest]);
}

/** What a broker said at the capture, as the answer to this request. */
export function goldenAnswer(request: LoopbackRequest, name: string, version: GoldenVersion = '4.3.1'): Buffer {
  return frame(request.correlationId, golden(version, name).subarray(4));
}

const apiVersions = 18;
const saslHandshake = 17;
/** ILLEGAL_SASL_STATE and no mechanisms: what a listener without SASL answers to a handshake. */
const noSaslHere = Buffer.from('002200000000', 'hex');

/** A broker without SASL that knows its versions and leaves the rest to the script. */
export function serveBroker(
  script: (request: LoopbackRequest) => void,
  version: GoldenVersion = '4.3.1',
): Promise<Loopback> {
  return serveFrames((request) => {
    if (request.apiKey === apiVersions) request.socket.write(goldenAnswer(request, 'api-versions', version));
    else if (request.apiKey === saslHandshake) request.socket.write(frame(request.correlationId, noSaslHere));
    else script(request);
  });
}

export async function connectTo(
  server: Loopback,
  limits: Partial<ConnectionLimits> = {},
  clientId = 'test',
): Promise<BrokerConnection> {
  const options = { clientId, tls: undefined, limits: { ...loopbackLimits, ...limits } };
  return BrokerConnection.open(server.address, options, AbortSignal.timeout(10_000));
}

export function clusterOf(server: Loopback): Cluster {
  const bootstrapServers = [`${server.address.host}:${server.address.port}`];
  return new Cluster('site t', { bootstrapServers }, { clientId: 'test', limits: loopbackLimits });
}

/** Runs `work` with a cluster of one scripted broker and closes both. */
export async function withBroker(
  script: (request: LoopbackRequest) => void,
  work: (broker: Broker, cluster: Cluster) => Promise<void>,
  version: GoldenVersion = '4.3.1',
): Promise<void> {
  const server = await serveBroker(script, version);
  const cluster = clusterOf(server);
  try {
    await work(await cluster.any(), cluster);
  } finally {
    await cluster.close();
    await server.close();
  }
}

function parseRequest(bytes: Buffer, socket: net.Socket): LoopbackRequest {
  const idBytes = bytes.readInt16BE(8);
  const bodyStart = 10 + idBytes;
  const flexible = bytes[bodyStart] === 0; // of the requests in these tests only SASL handshakes are not flexible
  return {
    apiKey: bytes.readInt16BE(0),
    apiVersion: bytes.readInt16BE(2),
    correlationId: bytes.readInt32BE(4),
    clientId: bytes.toString('utf8', 10, bodyStart),
    body: bytes.subarray(flexible ? bodyStart + 1 : bodyStart),
    socket,
  };
}
