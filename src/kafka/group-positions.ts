/**
 * Committed positions of consumer groups on one topic: ListGroups (16) version 4, OffsetFetch (9) version 8,
 * OffsetCommit (8) version 8. Only groups of the "consumer" kind: share groups keep
 * theirs elsewhere. Brokers forget the positions on a topic when it is deleted.
 */
import { listGroupsV4, offsetCommitV8, offsetFetchV8 } from '@platformatic/kafka';
import type { Broker, Cluster } from './cluster.ts';
import { KafkaError } from './errors.ts';
import { findCoordinator } from './find-coordinator.ts';
import { call } from './library-api.ts';

export interface CommittedPosition {
  readonly group: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly metadata: string | undefined;
}

export interface TopicPositions {
  readonly positions: readonly CommittedPosition[];
  /** Groups whose positions may not be read (DESCRIBE on the group is missing). */
  readonly hidden: readonly string[];
}

const purpose = 'groups';
const groupAuthorizationFailed = 30;
const noEpoch = -1;

/** Every position that any group of the cluster has committed on the topic. Throws {@link KafkaError}. */
export async function committedPositions(cluster: Cluster, topic: string, partitions: number): Promise<TopicPositions> {
  await cluster.metadata([]);
  const positions: CommittedPosition[] = [];
  const hidden: string[] = [];
  const wanted = [{ name: topic, partitionIndexes: Array.from({ length: partitions }, (_, index) => index) }];
  for (const nodeId of cluster.nodeIds()) {
    // A broker lists the groups it coordinates, so it is also the one to ask for their positions.
    const broker = await cluster.broker(nodeId, purpose);
    for (const groupId of await consumerGroups(broker)) {
      const asked = [{ groupId, memberId: null, memberEpoch: noEpoch, topics: wanted }];
      const answer = await call(broker.connection, broker.negotiate(offsetFetchV8.api), asked, false);
      const found = answer.groups[0];
      if (found?.errorCode === groupAuthorizationFailed) hidden.push(groupId);
      else if (found === undefined || found.errorCode !== 0)
        throw new KafkaError(found?.errorCode ?? -1, `positions of group ${groupId} at ${cluster.name}`);
      else positions.push(...positionsIn(groupId, found.topics[0]?.partitions ?? []));
    }
  }
  return { positions, hidden };
}

async function consumerGroups(broker: Broker): Promise<readonly string[]> {
  const answer = await call(broker.connection, broker.negotiate(listGroupsV4.api), [], []);
  if (answer.errorCode !== 0) throw new KafkaError(answer.errorCode, 'ListGroups');
  return answer.groups
    .filter(({ protocolType }) => protocolType === 'consumer' || protocolType === '')
    .map(({ groupId }) => groupId);
}

interface FetchedPosition {
  readonly partitionIndex: number;
  readonly committedOffset: bigint;
  readonly metadata: string | null | undefined;
  readonly errorCode: number;
}

function positionsIn(group: string, partitions: readonly FetchedPosition[]): readonly CommittedPosition[] {
  return partitions
    .filter(({ committedOffset, errorCode }) => errorCode === 0 && committedOffset >= 0n)
    .map(({ partitionIndex, committedOffset, metadata }) => ({
      group,
      partition: partitionIndex,
      offset: committedOffset,
      metadata: metadata ?? undefined,
    }));
}

/**
 * Commits positions for a group without members. The broker's code for the first one that was refused: 25 when the
 * group has members, 30 when READ on the group is missing; undefined when all were taken.
 */
export async function commitPositions(
  cluster: Cluster,
  group: string,
  topic: string,
  positions: readonly CommittedPosition[],
): Promise<number | undefined> {
  const broker = await findCoordinator(cluster, 'group', group, purpose);
  const partitions = positions.map(({ partition, offset, metadata }) => ({
    partitionIndex: partition,
    committedOffset: offset,
    committedLeaderEpoch: noEpoch,
    committedMetadata: metadata ?? null,
  }));
  const topics = [{ name: topic, partitions }];
  const answer = await call(broker.connection, broker.negotiate(offsetCommitV8.api), group, noEpoch, '', null, topics);
  return answer.topics.flatMap((each) => each.partitions).find(({ errorCode }) => errorCode !== 0)?.errorCode;
}
