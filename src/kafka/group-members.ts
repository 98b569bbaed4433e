/** Who is in a group of the classic protocol: DescribeGroups (15) version 5, asked at the group's coordinator. */
import { describeGroupsV5 } from '@platformatic/kafka';
import type { Cluster } from './cluster.ts';
import { ConnectionError, KafkaError } from './errors.ts';
import { findCoordinator } from './find-coordinator.ts';
import { call } from './library-api.ts';

export interface GroupMember {
  readonly memberId: string;
  readonly clientHost: string;
  /** What the member said of itself when it joined, in the form of its protocol; empty while the group rebalances. */
  readonly metadata: Buffer;
  readonly assignment: Buffer;
}

export interface GroupMembers {
  /** Empty for a group that does not exist. */
  readonly protocolType: string;
  /** `Stable`, `Empty`, `Dead`, … */
  readonly state: string;
  readonly members: readonly GroupMember[];
}

/** Needs DESCRIBE on the group. Throws {@link KafkaError} and {@link ConnectionError}; does not retry. */
export async function groupMembers(cluster: Cluster, group: string): Promise<GroupMembers> {
  const broker = await findCoordinator(cluster, 'group', group, 'groups');
  const answer = await call(broker.connection, broker.negotiate(describeGroupsV5.api), [group], false);
  const found = answer.groups[0];
  if (found === undefined) throw new ConnectionError(`DescribeGroups(${group}) without a result`);
  if (found.errorCode !== 0) throw new KafkaError(found.errorCode, `group ${group} at ${cluster.name}`);
  return {
    protocolType: found.protocolType,
    state: found.groupState,
    members: found.members.map(({ memberId, clientHost, memberMetadata, memberAssignment }) => ({
      memberId,
      clientHost,
      metadata: memberMetadata,
      assignment: memberAssignment,
    })),
  };
}
