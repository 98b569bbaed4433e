import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { Kafka, logLevel, type SASLOptions } from 'kafkajs';
import type { ClusterConfig } from '../kafka/cluster-config.ts';
import { tokenSourceOf } from '../kafka/token-source.ts';

export const connectMsMax = 2_000;
export const requestMsMax = 3_000;

export interface KafkajsClient {
  readonly kafka: Kafka;
  /** Ends whatever connection is still there, or comes later: kafkajs waits for answers that may never come. */
  end(): void;
}

/** kafkajs as an application of this cluster, silent. `turn`: which of the bootstrap servers is asked first. Throws when a TLS file cannot be read. */
export function kafkajsClient(cluster: ClusterConfig, clientId: string, turn: number): KafkajsClient {
  const { bootstrapServers, tls: security, sasl } = cluster;
  const sockets = new Set<net.Socket>();
  let ended = false;
  const first = turn % bootstrapServers.length;
  const kafka = new Kafka({
    clientId,
    brokers: [...bootstrapServers.slice(first), ...bootstrapServers.slice(0, first)],
    logLevel: logLevel.NOTHING,
    connectionTimeout: connectMsMax,
    authenticationTimeout: requestMsMax,
    requestTimeout: requestMsMax,
    // A connection is looked for at each server once, at the most.
    retry: { retries: Math.min(bootstrapServers.length, 5), initialRetryTime: 50, maxRetryTime: 200 },
    socketFactory: (request) => {
      const socket = remembered(sockets, openSocket(request));
      // What is still under way would connect anew.
      if (ended) socket.destroy(givenUp());
      return socket;
    },
    ...(security === undefined ? {} : { ssl: tlsOf(security) }),
    ...(sasl === undefined ? {} : { sasl: saslOf(sasl) }),
  });
  return {
    kafka,
    end() {
      ended = true;
      for (const socket of sockets) socket.destroy(givenUp());
    },
  };
}

/** Without an error kafkajs would go on waiting for it. */
function givenUp(): Error {
  return Object.assign(new Error('given up'), { code: 'ECONNRESET' });
}

/** As kafkajs hands it over; without `ssl` in its configuration there is none. */
interface SocketRequest {
  readonly host: string;
  readonly port: number;
  readonly ssl?: tls.ConnectionOptions | undefined;
  readonly onConnect: () => void;
}

function openSocket({ host, port, ssl, onConnect }: SocketRequest): net.Socket {
  // An address is no name to ask for (RFC 6066, 3).
  const name = net.isIP(host) === 0 ? { servername: host } : {};
  return ssl ? tls.connect({ host, port, ...name, ...ssl }, onConnect) : net.connect({ host, port }, onConnect);
}

function remembered(sockets: Set<net.Socket>, socket: net.Socket): net.Socket {
  sockets.add(socket);
  return socket.setKeepAlive(true, 60_000).once('close', () => sockets.delete(socket));
}

function tlsOf({ caFile, certFile, keyFile, serverName }: NonNullable<ClusterConfig['tls']>): tls.ConnectionOptions {
  return {
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
    ...(certFile === undefined ? {} : { cert: readFileSync(certFile) }),
    ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

function saslOf(sasl: NonNullable<ClusterConfig['sasl']>): SASLOptions {
  switch (sasl.mechanism) {
    case 'PLAIN':
      return { mechanism: 'plain', username: sasl.username, password: sasl.password.reveal() };
    case 'SCRAM-SHA-256':
      return { mechanism: 'scram-sha-256', username: sasl.username, password: sasl.password.reveal() };
    case 'SCRAM-SHA-512':
      return { mechanism: 'scram-sha-512', username: sasl.username, password: sasl.password.reveal() };
    case 'OAUTHBEARER':
    case 'AWS_MSK_IAM': {
      const tokens = tokenSourceOf(sasl);
      const oauthBearerProvider = async (): Promise<{ value: string }> => {
        return { value: (await tokens?.token())?.value.reveal() ?? '' };
      };
      return { mechanism: 'oauthbearer', oauthBearerProvider };
    }
  }
}
