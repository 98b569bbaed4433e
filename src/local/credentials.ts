import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type ClusterConfigInput } from '../kafka/cluster-config.ts';
import { Secret } from '../kafka/secret.ts';
import { clusterPaths } from './cluster-paths.ts';
import { type ClusterState } from './cluster-state.ts';
import { readJson, writePrivateJson } from './private-file.ts';

/** Who may log in: `admin` is a super user, `umbra` the workers, `app` everybody's application. */
export const principals = ['admin', 'umbra', 'app'] as const;
export type Principal = (typeof principals)[number];

/** Passwords are base64url: no quoting is needed in property files, JAAS lines or argument files. */
const password = z.string().regex(/^[A-Za-z0-9_-]{16,}$/);
const credentialsSchema = z.strictObject({ admin: password, umbra: password, app: password, broker: password });

/** `broker` is what brokers and controllers show each other. */
export type Credentials = Readonly<Record<Principal | 'broker', Secret>>;

/** Reads the passwords of a cluster; makes them at the first time. They never change while its data lives. */
export async function ensureCredentials(home: string): Promise<Credentials> {
  const file = clusterPaths(home).credentials;
  let plain = await readJson(file, credentialsSchema);
  if (plain === undefined) {
    plain = { admin: newPassword(), umbra: newPassword(), app: newPassword(), broker: newPassword() };
    await writePrivateJson(file, plain);
  }
  return {
    admin: new Secret(plain.admin),
    umbra: new Secret(plain.umbra),
    app: new Secret(plain.app),
    broker: new Secret(plain.broker),
  };
}

function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

/** `host:port` of every broker. */
export function bootstrapServers(state: ClusterState): string[] {
  return state.brokers.map((broker) => `127.0.0.1:${broker.clientPort}`);
}

/** How a principal connects. Holds the password in clear text: for 0600 files and for the parser, never for a log. */
export function connectionOf(state: ClusterState, credentials: Credentials, principal: Principal): ClusterConfigInput {
  const servers = { bootstrapServers: bootstrapServers(state) };
  if (state.security === 'none') return servers;
  return {
    ...servers,
    sasl: { mechanism: 'SCRAM-SHA-512', username: principal, password: credentials[principal].reveal() },
  };
}
