import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterConfig } from '../../src/kafka/cluster-config.ts';
import { BrokerConnection, type RequestFrame } from '../../src/kafka/connection.ts';
import { ConnectionError } from '../../src/kafka/errors.ts';
import { type Certificates, makeCertificates } from '../fixtures/certificates.ts';
import { answerTo, clusterOf, listen, type Loopback, loopbackLimits, serveFrames } from './loopback.ts';

let folder: string;
let files: Certificates;
let security: TlsOptions;
let server: Loopback | undefined;
let connection: BrokerConnection | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-tls-'));
  files = await makeCertificates(folder);
  const store = await readFile(files.brokerFile);
  security = { key: store, cert: store };
});

afterAll(() => rm(folder, { recursive: true, force: true }));

afterEach(async () => {
  await connection?.close();
  await server?.close();
  connection = server = undefined;
});

type TlsConfig = NonNullable<ClusterConfig['tls']>;

async function open(tls: TlsConfig, port = server!.address.port): Promise<BrokerConnection> {
  const options = { clientId: 'test', tls, limits: loopbackLimits };
  connection = await BrokerConnection.open({ host: '127.0.0.1', port }, options, AbortSignal.timeout(10_000));
  return connection;
}

async function echoServer(options: TlsOptions = security): Promise<void> {
  server = await serveFrames((request) => request.socket.write(answerTo(request, request.body)), options);
}

const large = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 37) & 0xff));
const question: RequestFrame = { apiKey: 60, apiVersion: 1, flexible: true, body: [large] };

describe('a TLS connection', () => {
  it('carries requests and answers when the certificate is trusted by caFile', async () => {
    await echoServer();
    const { bytes, bodyStart } = await (await open({ caFile: files.caFile })).request(question);
    expect(bytes.subarray(bodyStart).equals(large)).toBe(true);
  });

  it('checks the certificate against serverName when one is given', async () => {
    await echoServer();
    await (await open({ caFile: files.caFile, serverName: 'kafka.test' })).request(question);
  });

  it('shows its own certificate to a broker that asks for one', async () => {
    await echoServer({ ...security, requestCert: true, rejectUnauthorized: true, ca: await readFile(files.caFile) });
    await (await open({ caFile: files.caFile, ...files.client })).request(question);
    await connection!.close();
    const bare = await open({ caFile: files.caFile });
    await expect(bare.request(question)).rejects.toThrow(/asks for a client certificate.*tls\.certFile/);
  });

  it('is refused, for a person to put right, when the certificate is not trusted', async () => {
    await echoServer();
    const refused = open({ caFile: files.strangerCaFile });
    await expect(refused).rejects.toThrow(/certificate of 127\.0\.0\.1:\d+ is not trusted .*tls\.caFile/);
    await expect(refused).rejects.toMatchObject({ name: 'ConnectionError', verdict: 'denied' });
    await expect(open({})).rejects.toThrow(/is not trusted/);
  });

  it('is refused, for a person to put right, when the certificate is for another name', async () => {
    await echoServer();
    const refused = open({ caFile: files.caFile, serverName: 'other.test' });
    await expect(refused).rejects.toThrow(/certificate of 127\.0\.0\.1:\d+ is for another name .*other\.test/);
    await expect(refused).rejects.toMatchObject({ verdict: 'denied' });
  });

  it('names the file that cannot be used', async () => {
    await echoServer();
    const caFile = join(folder, 'missing.pem');
    await expect(open({ caFile })).rejects.toThrow(
      /TLS files configured for 127\.0\.0\.1:\d+ cannot be used: .*missing\.pem/,
    );
    const keyFile = join(folder, 'empty.pem');
    await writeFile(keyFile, 'nothing');
    const broken = open({ caFile: files.caFile, certFile: files.client.certFile, keyFile });
    await expect(broken).rejects.toThrow(/TLS files configured for 127\.0\.0\.1:\d+ cannot be used/);
    expect(server!.connections).toHaveLength(0);
  });

  it('to a port that speaks no TLS says so', async () => {
    server = await listen((socket) => socket.end(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')));
    await expect(open({ caFile: files.caFile })).rejects.toThrow(/does that port speak TLS\?/);
    await server.close();
    server = await listen((socket) => socket.destroy());
    const ended = open({ caFile: files.caFile });
    await expect(ended).rejects.toThrow(ConnectionError);
    await expect(ended).rejects.toThrow(/127\.0\.0\.1:\d+/);
  });
});

describe('a connection without TLS', () => {
  it('to a port that speaks TLS says so', async () => {
    await echoServer();
    const cluster = clusterOf(server!);
    try {
      await expect(cluster.any()).rejects.toThrow(/does not speak Kafka with these settings \(TLS or plain\?\)/);
    } finally {
      await cluster.close();
    }
  });
});
