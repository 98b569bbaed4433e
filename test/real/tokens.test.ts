import { writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { metadataV12 } from '@platformatic/kafka';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { type ClusterConfigInput, clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { type BrokerConnection, defaultLimits } from '../../src/kafka/connection.ts';
import { verdictOf } from '../../src/kafka/errors.ts';
import { call } from '../../src/kafka/library-api.ts';
import { ordinaryClient } from '../../src/kafka/ordinary-client.ts';
import { checkCluster } from '../../src/worker/cluster-check.ts';
import { copyOverSessions } from '../fixtures/copy-over-sessions.ts';
import {
  mskIdentity,
  mskRegion,
  type SecureBroker,
  sessionMs,
  startSecureBroker,
  unsecuredToken,
} from '../fixtures/secure-broker.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { eventually } from '../fixtures/wait.ts';

const sites = sharedSites();
let broker: SecureBroker;

beforeAll(async () => {
  broker = await startSecureBroker();
});

afterAll(async () => {
  await broker.remove();
});

/** The identity that the broker knows is in the environment, and nothing else that could be one. */
beforeEach(() => {
  for (const [name, value] of Object.entries(mskIdentity)) vi.stubEnv(name, value);
  for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, '/no/such/file');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
});

function open(config: ClusterConfigInput, atTheEnd: (close: () => Promise<void>) => void = onTestFinished): Cluster {
  const limits = { ...defaultLimits, requestTimeoutMs: 10_000 };
  const cluster = new Cluster('site a', clusterConfigSchema.parse(config), { clientId: 'umbra-test', limits });
  atTheEnd(() => cluster.close());
  return cluster;
}

const iam = (region = mskRegion): ClusterConfigInput => ({
  bootstrapServers: broker.servers('msk'),
  tls: { caFile: broker.certificates.caFile },
  sasl: { mechanism: 'AWS_MSK_IAM', region },
});

async function answersUntil(connection: BrokerConnection, untilMs: number): Promise<number> {
  let answers = 0;
  for (; performance.now() < untilMs; answers++) await call(connection, metadataV12.api, [], false, false);
  return answers;
}

async function refusal(config: ClusterConfigInput, atTheEnd = onTestFinished): Promise<unknown> {
  return open(config, atTheEnd)
    .metadata([])
    .then(
      () => new Error('it was let in'),
      (caught: unknown) => caught,
    );
}

// They wait for ends of sessions: at the same time.
test.concurrent(
  'a connection outlives the tokens of a file that is renewed, and ends with the last of them',
  async (context) => {
    const { onTestFinished: atTheEnd } = context;
    const tokenS = 6;
    const tokenFile = join(testFolder('token-file'), 'token');
    const write = async (): Promise<void> => {
      writeFileSync(`${tokenFile}.new`, unsecuredToken('admin', tokenS));
      await rename(`${tokenFile}.new`, tokenFile);
    };
    await write();
    const config: ClusterConfigInput = {
      bootstrapServers: broker.servers('tls'),
      tls: { caFile: broker.certificates.caFile },
      sasl: { mechanism: 'OAUTHBEARER', tokenFile },
    };
    const { connection } = await open(config, atTheEnd).any();
    const renewing = setInterval(() => void write(), 500);
    atTheEnd(() => clearInterval(renewing));
    expect(await answersUntil(connection, performance.now() + 2.5 * tokenS * 1_000)).toBeGreaterThan(10);
    expect(connection.closed).toBe(false);

    clearInterval(renewing);
    await eventually('the broker cuts the session', async () => {
      await call(connection, metadataV12.api, [], false, false).catch(() => undefined);
      return connection.closed || undefined;
    });
    const error = await refusal(config, atTheEnd);
    expect(String(error)).toMatch(
      new RegExp(
        `127.0.0.1:\\d+ refuses the token \\(SASL OAUTHBEARER\\): it expired at 20\\S+Z; ` +
          `check the credentials: write a token that is good to ${tokenFile}; the broker says "invalid_token"$`,
      ),
    );
    expect(verdictOf(error)).toBe('denied');
  },
);

test.concurrent('a connection with IAM tokens outlives its sessions while requests stream over it', async (context) => {
  const { connection } = await open(iam(), context.onTestFinished).any();
  const untilMs = performance.now() + 3.5 * sessionMs;
  await Promise.all([answersUntil(connection, untilMs), answersUntil(connection, untilMs)]);
  expect(connection.closed).toBe(false);
});

test.concurrent('a link copies from a cluster that asks for IAM tokens, over ends of sessions', async () => {
  const outside = broker.connection('plain', 'PLAIN');
  await copyOverSessions({ source: iam(), target: sites.b.umbra, app: outside, topic: 'a_out_of_iam' });
});

test('a broker that verifies IAM tokens lets in who signed them with the right key', async () => {
  expect((await open(iam()).metadata([])).brokers).toBe(1);
});

test('an application that is a probe authenticates with IAM tokens as well', async () => {
  const { Admin } = await import('@platformatic/kafka');
  const admin = new Admin(ordinaryClient(clusterConfigSchema.parse(iam()), { clientId: 'probe', timeoutMs: 10_000 }));
  onTestFinished(() => admin.close());
  expect(await admin.listTopics()).toBeInstanceOf(Array);
});

interface Wrong {
  readonly what: string;
  readonly region?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How far the clock of this process is wrong while the token is signed. */
  readonly clockOffMs?: number;
  readonly says: RegExp;
}

const refused = (why: string): RegExp =>
  new RegExp(
    `127.0.0.1:\\d+ refuses the token \\(SASL OAUTHBEARER\\): check that the cluster is in .*this machine's clock; the broker says "${why}"$`,
  );

const wrongs: readonly Wrong[] = [
  {
    what: 'another secret key',
    environment: { AWS_SECRET_ACCESS_KEY: 'umbra/other+secret/key' },
    says: refused('signature'),
  },
  { what: 'another identity', environment: { AWS_ACCESS_KEY_ID: 'AKIDSTRANGER' }, says: refused('another identity') },
  { what: 'another session', environment: { AWS_SESSION_TOKEN: 'session/old' }, says: refused('another session') },
  { what: 'another region', region: 'eu-central-1', environment: {}, says: refused('another region') },
  { what: 'a clock an hour behind', environment: {}, clockOffMs: -3_600_000, says: refused('expired') },
  { what: 'a clock an hour ahead', environment: {}, clockOffMs: 3_600_000, says: refused('signed in the future') },
  {
    what: 'no credentials at all',
    environment: { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_SESSION_TOKEN: undefined },
    says: /no AWS credentials to sign a token for eu-west-1 \(.*\): give this process a role/,
  },
];

test.each(wrongs)('IAM with $what is one clear line without a secret', async (wrong) => {
  const { region, environment, clockOffMs = 0, says } = wrong;
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  if (clockOffMs !== 0) {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + clockOffMs });
    onTestFinished(() => void vi.useRealTimers());
  }
  const error = await refusal(iam(region));
  expect(String(error)).toMatch(says);
  expect(String(error)).not.toContain('\n');
  expect(verdictOf(error)).toBe('denied');
  const shown = inspect(error, { depth: 8 });
  for (const secret of ['secret/key', 'session/', 'aws4_request']) expect(shown).not.toContain(secret);
});

test('whether a cluster can be a site is found out with IAM tokens, too', async () => {
  const checked = await checkCluster(clusterConfigSchema.parse(iam()), AbortSignal.timeout(30_000));
  expect(checked).toMatchObject({ brokers: 1, authorizer: true });
});
