import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { metadataV12 } from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type ClusterConfigInput, clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { defaultLimits } from '../../src/kafka/connection.ts';
import { verdictOf } from '../../src/kafka/errors.ts';
import { call } from '../../src/kafka/library-api.ts';
import { copyOverSessions } from '../fixtures/copy-over-sessions.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import {
  type SaslMechanism,
  saslMechanisms,
  type SecureBroker,
  sessionMs,
  startSecureBroker,
  unsecuredToken,
} from '../fixtures/secure-broker.ts';

const sites = sharedSites();
let broker: SecureBroker;

beforeAll(async () => {
  broker = await startSecureBroker();
});

afterAll(async () => {
  await broker.remove();
});

function open(config: ClusterConfigInput, atTheEnd: (close: () => Promise<void>) => void = onTestFinished): Cluster {
  const limits = { ...defaultLimits, requestTimeoutMs: 10_000 };
  const cluster = new Cluster('site a', clusterConfigSchema.parse(config), { clientId: 'umbra-test', limits });
  atTheEnd(() => cluster.close());
  return cluster;
}

describe.each(['plain', 'tls'] as const)('over the listener %s', (listener) => {
  test.each(saslMechanisms)('%s lets the right one in', async (mechanism) => {
    const metadata = await open(broker.connection(listener, mechanism)).metadata([]);
    expect(metadata.brokers).toBe(1);
  });
});

test('mutual TLS lets a client with a certificate in', async () => {
  const { caFile, client } = broker.certificates;
  const metadata = await open({ bootstrapServers: broker.servers('mutual'), tls: { caFile, ...client } }).metadata([]);
  expect(metadata.brokers).toBe(1);
});

test('a certificate is checked against the configured server name instead of the address', async () => {
  const right = broker.connection('tls', 'PLAIN');
  const metadata = await open({ ...right, tls: { ...right.tls, serverName: 'kafka.test' } }).metadata([]);
  expect(metadata.brokers).toBe(1);
});

interface Wrong {
  readonly what: string;
  readonly config: () => ClusterConfigInput;
  readonly says: RegExp;
  readonly verdict: 'denied' | 'moved';
}

const wrongPassword = 'not-the-pass,word=';
const wrongs: readonly Wrong[] = [
  ...saslMechanisms
    .filter((mechanism) => mechanism !== 'OAUTHBEARER')
    .map((mechanism): Wrong => ({
      what: `a wrong password by ${mechanism}`,
      config: () => ({
        bootstrapServers: broker.servers('plain'),
        sasl: { mechanism, username: 'admin', password: wrongPassword },
      }),
      says: new RegExp(`127.0.0.1:\\d+ refuses user "admin" \\(SASL ${mechanism}\\)`),
      verdict: 'denied',
    })),
  {
    what: 'an unknown user by SCRAM-SHA-512',
    config: () => ({
      bootstrapServers: broker.servers('tls'),
      tls: { caFile: broker.certificates.caFile },
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'no,body=', password: wrongPassword },
    }),
    says: /refuses user "no,body=" \(SASL SCRAM-SHA-512\)/,
    verdict: 'denied',
  },
  {
    what: 'an expired token',
    config: () => ({
      bootstrapServers: broker.servers('plain'),
      sasl: { mechanism: 'OAUTHBEARER', token: unsecuredToken('admin', -3_600) },
    }),
    says: /refuses the token \(SASL OAUTHBEARER\)/,
    verdict: 'denied',
  },
  {
    what: 'something that is no token',
    config: () => ({
      bootstrapServers: broker.servers('plain'),
      sasl: { mechanism: 'OAUTHBEARER', token: wrongPassword },
    }),
    says: /refuses the token \(SASL OAUTHBEARER\)/,
    verdict: 'denied',
  },
  {
    what: 'a mechanism that is not offered',
    config: () => ({
      bootstrapServers: broker.servers('narrow'),
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'admin', password: broker.adminPassword },
    }),
    says: /does not offer SASL SCRAM-SHA-512; it offers SCRAM-SHA-256$/,
    verdict: 'denied',
  },
  {
    what: 'no SASL where it is asked for',
    config: () => ({ bootstrapServers: broker.servers('plain') }),
    says: /127.0.0.1:\d+ .*SASL/,
    verdict: 'denied',
  },
  {
    what: 'a certificate of an unknown authority',
    config: () => ({
      ...broker.connection('tls', 'PLAIN'),
      tls: { caFile: broker.certificates.strangerCaFile },
    }),
    says: /certificate of 127.0.0.1:\d+ is not trusted.*caFile/,
    verdict: 'denied',
  },
  {
    what: 'a certificate for another name',
    config: () => ({
      ...broker.connection('tls', 'PLAIN'),
      tls: { caFile: broker.certificates.caFile, serverName: 'elsewhere.test' },
    }),
    says: /certificate of 127.0.0.1:\d+ is for another name.*elsewhere\.test/,
    verdict: 'denied',
  },
  {
    what: 'no client certificate where one is asked for',
    config: () => ({ bootstrapServers: broker.servers('mutual'), tls: { caFile: broker.certificates.caFile } }),
    says: /127.0.0.1:\d+.*client certificate.*certFile/,
    verdict: 'denied',
  },
  {
    what: 'a client certificate of an unknown authority',
    config: () => {
      const { caFile, strangerCaFile } = broker.certificates;
      const tls = { caFile, certFile: strangerCaFile, keyFile: strangerCaFile.replace(/pem$/, 'key') };
      return { bootstrapServers: broker.servers('mutual'), tls };
    },
    says: /127.0.0.1:\d+.*client certificate.*certFile/,
    verdict: 'denied',
  },
  {
    what: 'a file of certificates that is not there',
    config: () => ({ ...broker.connection('tls', 'PLAIN'), tls: { caFile: '/no/such/file.pem' } }),
    says: /127.0.0.1:\d+.*\/no\/such\/file\.pem/,
    verdict: 'denied',
  },
  {
    what: 'TLS to a plain port',
    config: () => ({ ...broker.connection('plain', 'PLAIN'), tls: { caFile: broker.certificates.caFile } }),
    says: /127.0.0.1:\d+.*TLS/,
    verdict: 'moved',
  },
  {
    what: 'plain to a TLS port',
    config: () => ({ ...broker.connection('plain', 'PLAIN'), bootstrapServers: broker.servers('tls') }),
    says: /127.0.0.1:\d+.*TLS or plain/,
    verdict: 'moved',
  },
];

test.each(wrongs)('$what is one clear line without a secret', async ({ config, says, verdict }) => {
  const input = config();
  const error = await open(input)
    .metadata([])
    .then(
      () => new Error('it was let in'),
      (caught: unknown) => caught as Error,
    );
  expect(error.message).toMatch(says);
  expect(error.message).not.toContain('\n');
  expect(verdictOf(error)).toBe(verdict);
  const { sasl } = input;
  const secret =
    sasl === undefined ? wrongPassword : 'password' in sasl ? sasl.password : 'token' in sasl && sasl.token;
  expect(inspect(error, { depth: 8 })).not.toContain(secret);
});

test('a port where something else than Kafka listens is named', async () => {
  const server = createServer((_request, response) => response.end()).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const asked = open({ bootstrapServers: [`127.0.0.1:${port}`] }).metadata([]);
  await expect(asked).rejects.toThrow(new RegExp(`127.0.0.1:${port} accepts connections but does not speak Kafka`));
});

// Both wait for ends of sessions: at the same time.
test.concurrent('connections outlive their sessions, idle or under a steady stream of requests', async (context) => {
  const idle = await open(broker.connection('brief', 'SCRAM-SHA-512'), context.onTestFinished).any();
  const untilMs = performance.now() + 2.5 * sessionMs;
  const outlive = async (mechanism: SaslMechanism): Promise<void> => {
    const { connection } = await open(broker.connection('brief', mechanism), context.onTestFinished).any();
    const answersMin = 30;
    let answers = 0;
    const stream = async (): Promise<void> => {
      for (; performance.now() < untilMs || answers < answersMin; answers++)
        await call(connection, metadataV12.api, [], false, false);
    };
    await Promise.all([stream(), stream(), stream()]);
    expect(connection.closed, mechanism).toBe(false);
  };
  await Promise.all(saslMechanisms.map(outlive));
  await call(idle.connection, metadataV12.api, [], false, false);
});

test.concurrent('links copy from and to a cluster behind SASL_SSL, over ends of sessions', async () => {
  const secured = broker.connection('brief', 'SCRAM-SHA-512');
  const outside = broker.connection('plain', 'PLAIN');
  await Promise.all([
    copyOverSessions({ source: secured, target: sites.b.umbra, app: outside, topic: 'a_out_of_tls' }),
    copyOverSessions({ source: sites.b.umbra, target: secured, app: sites.b.admin, topic: 'b_into_tls' }),
  ]);
});
