import { Connection, metadataV12 } from '@platformatic/kafka';
import { type ClusterConfigInput } from '../kafka/cluster-config.ts';
import { type ClusterState } from './cluster-state.ts';
import { connectionOf, type Credentials } from './credentials.ts';

const attemptTimeoutMs = 5_000;

/**
 * Whether the cluster serves: on every broker `admin` and `app` log in (without security: anybody connects), and the
 * broker knows of all the others. Rejects with what did not work; the caller looks again.
 */
export async function probeCluster(state: ClusterState, credentials: Credentials): Promise<void> {
  const everybody = state.security === 'scram' ? (['admin', 'app'] as const) : (['admin'] as const);
  for (const broker of state.brokers) {
    for (const principal of everybody) {
      const known = await countBrokers(connectionOf(state, credentials, principal), broker.clientPort);
      if (known !== state.brokers.length) {
        throw new Error(`broker ${broker.nodeId} knows ${known} of ${state.brokers.length} brokers`);
      }
    }
  }
}

async function countBrokers(config: ClusterConfigInput, port: number): Promise<number> {
  const { sasl } = config;
  if (sasl !== undefined && !('username' in sasl)) throw new Error(`a local cluster has no ${sasl.mechanism}`);
  const connection = new Connection('umbra-local', {
    connectTimeout: attemptTimeoutMs,
    requestTimeout: attemptTimeoutMs,
    ...(sasl === undefined ? {} : { sasl }),
  });
  // The error of a broken socket also rejects the call that waits for it; unheard it would end the process.
  connection.on('error', () => undefined);
  try {
    await connection.connect('127.0.0.1', port);
    const metadata = await metadataV12.api.async(connection, [], false, false);
    return metadata.brokers.length;
  } finally {
    await connection.close();
  }
}
