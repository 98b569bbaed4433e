import { describeAcls } from '../../kafka/acl-admin.ts';
import {
  clusterOperations,
  groupOperations,
  mayWriteTransactions,
  type Operations,
  topicOperations,
} from '../../kafka/authorized-operations.ts';
import { describeBroker } from '../../kafka/broker-configs.ts';
import { brokerCertificate, certificateInFile } from '../../kafka/certificate-dates.ts';
import { describeClientQuotas } from '../../kafka/client-quotas.ts';
import { Cluster, type ClusterMetadata } from '../../kafka/cluster.ts';
import type { ClusterConfig } from '../../kafka/cluster-config.ts';
import { describeConfigs } from '../../kafka/config-admin.ts';
import type { ConnectionLimits } from '../../kafka/connection.ts';
import { verdictOf } from '../../kafka/errors.ts';
import { groupMembers } from '../../kafka/group-members.ts';
import { authorizerOf } from '../../kafka/topic-admin.ts';
import type { SiteId } from '../../pair/site.ts';
import { stateTopic } from '../../prefix-policy/internal-names.ts';
import { schemasTopic } from '../../schema-primary/schema-primary.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { Wakeup } from '../../replication/waiting/wakeup.ts';
import { workerGroup } from '../group/worker-group.ts';
import { movedNamesOf } from '../moves/moved-roles.ts';
import { returnedSection } from '../reconcile/returned-record.ts';
import { SiteState } from '../state/state.ts';
import { type Attempts, textOf } from './attempts.ts';
import { namesToAsk } from './check-rights.ts';
import { lookAtClock } from './look-at-clock.ts';
import { neededRequests } from './needed-requests.ts';
import type {
  BootstrapSight,
  BrokerSight,
  CertificateSight,
  PairSight,
  RightsSight,
  SiteSight,
  StateSight,
} from './site-sight.ts';

export const doctorClientId = 'umbra-doctor';
/** A person waits for the answer. */
export const doctorLimits = (limits: ConnectionLimits): ConnectionLimits => ({
  ...limits,
  connectTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
});
const certificateTimeoutMs = 5_000;

export interface Entered {
  readonly site: SiteId;
  readonly cluster: Cluster;
  readonly config: ClusterConfig;
  readonly metadata: ClusterMetadata;
  readonly state: StateSight;
}

/** What its `_umbra` says; `absent` also where umbra may not see it. */
export async function readState(cluster: Cluster, metadata: ClusterMetadata, signal: AbortSignal): Promise<StateSight> {
  if (!metadata.topics.has(stateTopic)) return { kind: 'absent' };
  const state = new SiteState(cluster);
  try {
    await state.catchUp(signal);
    const { prefixPolicy: policy, schemaPrimary } = state;
    const roles = state.roles();
    return {
      kind: 'read',
      spec: {
        ...{ policy, owners: policy?.owners, schemaPrimary, links: state.links() },
        ...{ shadows: state.shadows(), pauses: state.pauses(), moved: movedNamesOf(roles) },
        schemasRole: roles.kind === 'read' ? roles.records.get(schemasTopic) : undefined,
        returned: returnedSection(state).all(),
      },
    };
  } catch (error) {
    return { kind: 'unread', why: textOf(error) };
  }
}

/** Everything that is to be seen at one site. What cannot be had is noted in `attempts` and left out. */
export async function lookAtSite(
  { site, cluster, config, metadata, state }: Entered,
  pair: PairSight,
  { attempts, signal, limits }: { attempts: Attempts; signal: AbortSignal; limits: ConnectionLimits },
): Promise<SiteSight> {
  const attempt = attempts.at(site);
  const { sasl, tls } = config;
  const [authorizer, bootstrap, brokers, certificates, described, rights, acls, quotas, workers, clock] =
    await Promise.all([
      attempt('whether there is an authorizer', () => authorizerOf(cluster)),
      lookAtBootstrap(config, limits),
      Promise.all(cluster.nodeIds().map((nodeId) => lookAtBroker(cluster, nodeId))),
      lookAtCertificates(cluster, config),
      attempt('the configs of topics', () => describeConfigs(cluster, [...metadata.topics.keys()])),
      attempt('rights', () => lookAtRights(cluster, { site, metadata }, pair, signal)),
      // A missing right to read them is found with the other rights.
      attempt('ACLs', () => unlessDenied(() => describeAcls(cluster))),
      attempt('quotas', () => unlessDenied(() => describeClientQuotas(cluster))),
      attempt('the group of the workers', () =>
        repeated(() => unlessDenied(() => groupMembers(cluster, workerGroup)), signal),
      ),
      state.kind === 'read' ? attempt('clocks', () => lookAtClock(cluster, signal)) : undefined,
    ]);
  return {
    site,
    bootstrapServers: config.bootstrapServers,
    principal: sasl !== undefined && 'username' in sasl ? `User:${sasl.username}` : undefined,
    secured: sasl !== undefined || tls !== undefined,
    ...{ metadata, state, bootstrap, brokers, certificates, rights, quotas, workers, clock },
    authorizer: authorizer ?? 'unknown',
    configs: described?.configs ?? new Map(),
    acls: acls?.kind === 'seen' ? acls.acls : undefined,
  };
}

/** Each server by itself: a list hides which of them are gone, or belong to others. */
async function lookAtBootstrap(config: ClusterConfig, limits: ConnectionLimits): Promise<readonly BootstrapSight[]> {
  if (config.bootstrapServers.length < 2) return [];
  return Promise.all(
    config.bootstrapServers.map(async (server): Promise<BootstrapSight> => {
      const alone = new Cluster(
        server,
        { ...config, bootstrapServers: [server] },
        { clientId: doctorClientId, limits },
      );
      try {
        return { server, clusterId: (await alone.metadata([])).clusterId };
      } catch (error) {
        return { server, clusterId: undefined, why: textOf(error) };
      } finally {
        await alone.close();
      }
    }),
  );
}

async function lookAtBroker(cluster: Cluster, nodeId: number): Promise<BrokerSight> {
  const { host, port } = cluster.addressOf(nodeId) ?? { host: '?', port: 0 };
  const address = `${host}:${port}`;
  try {
    const broker = await cluster.broker(nodeId, 'control');
    const lacks = neededRequests.flatMap(({ name, key, version }) =>
      broker.supports(key, version) ? [] : [`${name} version ${version}`],
    );
    const settings = await unlessDenied(() => describeBroker(cluster, nodeId));
    return { nodeId, address, lacks, ...(settings === undefined ? {} : { settings }) };
  } catch (error) {
    return { nodeId, address, unreachable: textOf(error), lacks: [] };
  }
}

async function lookAtCertificates(cluster: Cluster, config: ClusterConfig): Promise<readonly CertificateSight[]> {
  if (config.tls === undefined) return [];
  const { certFile } = config.tls;
  const own = certFile === undefined ? undefined : await certificateInFile(certFile);
  const theirs = await Promise.all(
    cluster.nodeIds().map(async (nodeId) => {
      const address = cluster.addressOf(nodeId);
      const dates = address === undefined ? undefined : await brokerCertificate(address, config, certificateTimeoutMs);
      if (address === undefined || dates === undefined) return [];
      return [{ ...dates, where: `the broker ${address.host}:${address.port}` }];
    }),
  );
  return [...(own === undefined || certFile === undefined ? [] : [{ ...own, where: certFile }]), ...theirs.flat()];
}

async function lookAtRights(
  cluster: Cluster,
  sight: Pick<SiteSight, 'site' | 'metadata'>,
  pair: PairSight,
  signal: AbortSignal,
): Promise<RightsSight> {
  const ask = namesToAsk(sight, pair);
  const groups = await Promise.all(
    ask.groups.map(async (group): Promise<readonly [string, Operations]> => [
      group,
      await repeated(() => groupOperations(cluster, group), signal),
    ]),
  );
  return {
    topics: await topicOperations(cluster, ask.topics),
    groups: new Map(groups),
    cluster: await clusterOperations(cluster),
    transactions: await mayWriteTransactions(cluster, ask.transactionalId),
  };
}

async function unlessDenied<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (verdictOf(error) === 'denied') return undefined;
    throw error;
  }
}

const attemptsMax = 6;

/** A coordinator that loads, or moves, or is asked for the first time, needs a moment. */
async function repeated<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const pause = new Wakeup();
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const verdict = verdictOf(error);
      if (attempt >= attemptsMax || (verdict !== 'moved' && verdict !== 'later')) throw error;
      await pause.wait(signal, retryDelays.after(attempt));
      signal.throwIfAborted();
    }
  }
}
