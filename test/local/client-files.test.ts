import { statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { clientFiles, renderClientProperties, writeClientFiles } from '../../src/local/client-files.ts';
import { parseClusterSpec } from '../../src/local/cluster-spec.ts';
import { type ClusterState, newClusterState } from '../../src/local/cluster-state.ts';
import { connectionOf, type Credentials, ensureCredentials, principals } from '../../src/local/credentials.ts';
import { temporaryFolder } from './temporary-folder.ts';

interface Made {
  readonly home: string;
  readonly state: ClusterState;
  readonly credentials: Credentials;
}

async function make(security: 'scram' | 'none' = 'scram'): Promise<Made> {
  const home = temporaryFolder();
  const state = await newClusterState(parseClusterSpec({ name: 'a', home, clientPort: 9092, security }));
  return { home, state, credentials: await ensureCredentials(home) };
}

test('passwords are made once, differ, and are never shown by accident', async () => {
  const { home, credentials } = await make();
  const revealed = [...principals, 'broker' as const].map((name) => credentials[name].reveal());
  expect(new Set(revealed).size).toBe(4);
  expect((await ensureCredentials(home)).app.reveal()).toBe(credentials.app.reveal());
  expect(inspect(credentials) + JSON.stringify(credentials)).not.toContain(credentials.app.reveal());
});

test('every client file can be read by its owner only', async () => {
  const { home, state, credentials } = await make();
  await writeClientFiles(home, state, credentials);
  for (const file of Object.values(clientFiles(home))) expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('the kafkajs module is a configuration for the principal app', async () => {
  const { home, state, credentials } = await make();
  await writeClientFiles(home, state, credentials);
  const module: unknown = await import(pathToFileURL(clientFiles(home).appKafkajs).href);
  expect(module).toMatchObject({
    config: {
      clientId: 'app',
      brokers: ['127.0.0.1:9092'],
      sasl: { mechanism: 'scram-sha-512', username: 'app', password: credentials.app.reveal() },
    },
  });
});

test('Java properties name the user they are for', async () => {
  const { state, credentials } = await make();
  const text = renderClientProperties(state, credentials, 'umbra');
  expect(text).toContain('bootstrap.servers=127.0.0.1:9092\n');
  expect(text).toContain(`username="umbra" password="${credentials.umbra.reveal()}";`);
});

test('without security no file holds a user', async () => {
  const { state, credentials } = await make('none');
  expect(renderClientProperties(state, credentials, 'app')).toBe('bootstrap.servers=127.0.0.1:9092\n');
  expect(connectionOf(state, credentials, 'app')).toEqual({ bootstrapServers: ['127.0.0.1:9092'] });
});

test('a connection is what the schema of clusters accepts', async () => {
  const { state, credentials } = await make();
  for (const principal of principals) {
    expect(clusterConfigSchema.parse(connectionOf(state, credentials, principal)).sasl).toMatchObject({
      username: principal,
    });
  }
});
