import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import type { BaseOptions } from '@platformatic/kafka';
import { parseAddress } from './address.ts';
import type { ClusterConfig } from './cluster-config.ts';
import { tokenSourceOf } from './token-source.ts';

/** Fewer, and the library takes an idempotent producer's for "without end". */
const retries = 2;
const retryDelayMs = 100;

/**
 * How a whole client of @platformatic/kafka reaches a cluster, for what has to be seen as an application sees it: nothing of our
 * own connections and codecs is in the way then. Throws when a TLS file cannot be read.
 */
export function ordinaryClient(
  { bootstrapServers, tls: security, sasl }: ClusterConfig,
  options: { readonly clientId: string; readonly timeoutMs: number },
): BaseOptions {
  const { clientId, timeoutMs } = options;
  return {
    clientId,
    bootstrapBrokers: [...bootstrapServers],
    ...{ timeout: timeoutMs, connectTimeout: timeoutMs, retries, retryDelay: retryDelayMs },
    ...(security === undefined ? {} : tlsOf(security, bootstrapServers)),
    ...(sasl === undefined ? {} : { sasl: saslOf(sasl) }),
  };
}

function tlsOf(
  { caFile, certFile, keyFile, serverName }: NonNullable<ClusterConfig['tls']>,
  servers: readonly string[],
): Partial<BaseOptions> {
  // An address is no name to ask for (RFC 6066, 3).
  const byAddress = servers.some((server) => net.isIP(parseAddress(server).host) !== 0);
  return {
    tls: {
      ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
      ...(certFile === undefined ? {} : { cert: readFileSync(certFile) }),
      ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
      ...(serverName === undefined
        ? {}
        : { checkServerIdentity: (_host, cert) => tls.checkServerIdentity(serverName, cert) }),
    },
    tlsServerName: serverName ?? !byAddress,
  };
}

function saslOf(sasl: NonNullable<ClusterConfig['sasl']>): NonNullable<BaseOptions['sasl']> {
  if ('username' in sasl) {
    return { mechanism: sasl.mechanism, username: sasl.username, password: sasl.password.reveal() };
  }
  const tokens = tokenSourceOf(sasl);
  return { mechanism: 'OAUTHBEARER', token: async () => (await tokens?.token())?.value.reveal() ?? '' };
}
