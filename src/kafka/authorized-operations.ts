/**
 * What our own principal may do, as brokers say it (KIP-430): Metadata (3) version 12, DescribeCluster (60) version 0,
 * DescribeGroups (15) version 5; and EndTxn (26) version 3 for transactional ids, which no request tells of. Judges by the
 * authorizer itself: super users, DENYs, wildcards and mapped principals included. Changes nothing.
 */
import {
  AclOperations,
  DescribeClusterEndpointTypes,
  describeClusterV0,
  describeGroupsV5,
  endTxnV3,
  metadataV12,
} from '@platformatic/kafka';
import { type KnownOperation, knownOperations } from './acl-words.ts';
import type { Cluster } from './cluster.ts';
import { KafkaError, MalformedError } from './errors.ts';
import { findCoordinator } from './find-coordinator.ts';
import { call } from './library-api.ts';

export type Operations = ReadonlySet<KnownOperation>;

const topicAuthorizationFailed = 29;
const groupAuthorizationFailed = 30;
const transactionalIdAuthorizationFailed = 53;
/** An authorizer's answer, not the absence of one. */
const notAsked = -(2 ** 31);
const none: Operations = new Set();

/**
 * By topic. A name that does not exist is judged as well: by what is granted on prefixes. `none` where not even DESCRIBE is
 * granted: what else is granted does not show then. Asks for names in one request. Creates no topic.
 */
export async function topicOperations(
  cluster: Cluster,
  topics: readonly string[],
): Promise<ReadonlyMap<string, Operations>> {
  if (topics.length === 0) return new Map();
  const broker = await cluster.any();
  const answer = await call(broker.connection, broker.negotiate(metadataV12.api), [...topics], false, true);
  return new Map(
    answer.topics.flatMap(({ name, errorCode, topicAuthorizedOperations }) => {
      if (name === null || name === undefined) return [];
      return [[name, errorCode === topicAuthorizationFailed ? none : operationsIn(topicAuthorizedOperations)] as const];
    }),
  );
}

/** On the cluster. Takes no right. */
export async function clusterOperations(cluster: Cluster): Promise<Operations> {
  const broker = await cluster.any();
  const api = broker.negotiate(describeClusterV0.api);
  const answer = await call(broker.connection, api, true, DescribeClusterEndpointTypes.BROKERS);
  if (answer.errorCode !== 0) throw new KafkaError(answer.errorCode, `DescribeCluster at ${cluster.name}`);
  return operationsIn(answer.clusterAuthorizedOperations);
}

/** On a group, which need not exist. Throws {@link KafkaError} 14 to 16 where its coordinator is to be asked again. */
export async function groupOperations(cluster: Cluster, group: string): Promise<Operations> {
  try {
    const broker = await findCoordinator(cluster, 'group', group, 'groups');
    const answer = await call(broker.connection, broker.negotiate(describeGroupsV5.api), [group], true);
    const found = answer.groups[0];
    if (found === undefined) throw new MalformedError(`DescribeGroups(${group}) without a result`);
    if (found.errorCode !== 0) throw new KafkaError(found.errorCode, `group ${group} at ${cluster.name}`);
    return operationsIn(found.authorizedOperations);
  } catch (error) {
    if (error instanceof KafkaError && error.code === groupAuthorizationFailed) return none;
    throw error;
  }
}

/**
 * Whether a transactional id that nobody uses may be written: asked by ending a transaction that was never begun, which
 * changes nothing. Brokers look at the right before they look for the id.
 */
export async function mayWriteTransactions(cluster: Cluster, unusedId: string): Promise<boolean> {
  const broker = await cluster.any();
  const answer = await call(broker.connection, broker.negotiate(endTxnV3.api), unusedId, 0n, 0, false);
  return answer.errorCode !== transactionalIdAuthorizationFailed;
}

/** Each operation is the bit of its code. */
function operationsIn(bits: number): Operations {
  if (bits === notAsked) return none;
  return new Set(knownOperations.filter((operation) => (bits & (1 << AclOperations[operation])) !== 0));
}
