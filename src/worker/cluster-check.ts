import type { ClusterConfig } from '../kafka/cluster-config.ts';
import { Cluster } from '../kafka/cluster.ts';
import { ConnectionError } from '../kafka/errors.ts';
import { authorizerOf } from '../kafka/topic-admin.ts';
import type { SiteId } from '../pair/site.ts';
import { siteOfCluster } from './own-site.ts';
import { Problem } from './problems.ts';

export interface ClusterFacts {
  readonly clusterId: string;
  readonly brokers: number;
  /** Whether rights are checked there at all; without an authorizer copies are unfenced. */
  readonly authorizer: boolean;
  /** Which site of a pair it is, if it is one already. */
  readonly site?: SiteId;
}

/**
 * Connects, authenticates and asks a cluster who it is. Throws Problem UNREACHABLE with one line that names the
 * server and what is wrong with it; never a secret.
 */
export async function checkCluster(config: ClusterConfig, signal: AbortSignal): Promise<ClusterFacts> {
  const cluster = new Cluster('the cluster', config, { clientId: 'umbra-check' });
  const close = (): void => void cluster.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    signal.throwIfAborted();
    const metadata = await cluster.metadata([]);
    const authorizer = await authorizerOf(cluster);
    const { clusterId } = metadata;
    if (clusterId === undefined) throw new ConnectionError('the cluster does not say its cluster id');
    const site = await siteOfCluster(cluster, signal);
    const facts = { clusterId, brokers: metadata.brokers, authorizer: authorizer !== 'absent' };
    return site === undefined ? facts : { ...facts, site };
  } catch (error) {
    throw new Problem('UNREACHABLE', error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    signal.removeEventListener('abort', close);
    await cluster.close();
  }
}
