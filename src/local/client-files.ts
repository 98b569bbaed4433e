import { join } from 'node:path';
import { renderProperties } from './java-properties.ts';
import { bootstrapServers, type Credentials, type Principal, principals } from './credentials.ts';
import { type ClusterState } from './cluster-state.ts';
import { writePrivateFile } from './private-file.ts';

/** Pure: client properties for Kafka's own tools (`--command-config`) and Java clients. Holds a password. */
export function renderClientProperties(state: ClusterState, credentials: Credentials, principal: Principal): string {
  const servers = ['bootstrap.servers', bootstrapServers(state).join(',')] as const;
  if (state.security === 'none') return renderProperties([servers]);
  const login =
    'org.apache.kafka.common.security.scram.ScramLoginModule required ' +
    `username="${principal}" password="${credentials[principal].reveal()}";`;
  return renderProperties([
    servers,
    ['security.protocol', 'SASL_PLAINTEXT'],
    ['sasl.mechanism', 'SCRAM-SHA-512'],
    ['sasl.jaas.config', login],
  ]);
}

/** Pure: a module for kafkajs: `import { config } from '…/app.kafkajs.mjs'; new Kafka(config)`. Holds a password. */
export function renderKafkajsModule(state: ClusterState, credentials: Credentials): string {
  const sasl = { mechanism: 'scram-sha-512', username: 'app', password: credentials.app.reveal() };
  const config = {
    clientId: 'app',
    brokers: bootstrapServers(state),
    ...(state.security === 'scram' ? { ssl: false, sasl } : {}),
  };
  return `// Site ${state.name} as the principal "app". Written by umbra; changes are lost at the next start.
export const config = ${JSON.stringify(config, undefined, 2)};
`;
}

/** Where the client files of a cluster are. */
export function clientFiles(home: string): Readonly<Record<Principal | 'appKafkajs', string>> {
  return {
    admin: join(home, 'admin.properties'),
    umbra: join(home, 'umbra.properties'),
    app: join(home, 'app.properties'),
    appKafkajs: join(home, 'app.kafkajs.mjs'),
  };
}

export async function writeClientFiles(home: string, state: ClusterState, credentials: Credentials): Promise<void> {
  const files = clientFiles(home);
  for (const principal of principals) {
    await writePrivateFile(files[principal], renderClientProperties(state, credentials, principal));
  }
  await writePrivateFile(files.appKafkajs, renderKafkajsModule(state, credentials));
}
