/**
 * Kafka's classic group protocol, for members that share work of their own instead of topics: JoinGroup (11) version 9,
 * SyncGroup (14) version 5, Heartbeat (12) version 4, LeaveGroup (13) version 5. Takes READ on the group. Error codes are part of the answers: what they mean depends on where a member stands.
 */
import { heartbeatV4, joinGroupV9, leaveGroupV5, syncGroupV5 } from '@platformatic/kafka';
import type { Broker } from './cluster.ts';
import { call } from './library-api.ts';

export const groupErrors = {
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  illegalGeneration: 22,
  unknownMemberId: 25,
  rebalanceInProgress: 27,
  memberIdRequired: 79,
  fencedInstanceId: 82,
} as const;

/** Who we are in a group. `memberId` is empty before the first answer; `instanceId` makes the member static (KIP-345). */
export interface GroupIdentity {
  readonly groupId: string;
  readonly memberId: string;
  readonly instanceId: string | undefined;
}

export interface JoinRequest {
  readonly protocolType: string;
  readonly protocolName: string;
  /** What the leader shall know of us. */
  readonly data: Buffer;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** For the coordinator's log (KIP-800). */
  readonly reason: string;
}

export interface JoinAnswer {
  readonly errorCode: number;
  readonly memberId: string;
  readonly generation: number;
  readonly leads: boolean;
  /** The leader came back to a generation that has its assignments already (KIP-814): it cannot give others. */
  readonly skipAssignment: boolean;
  /** What each member said of itself; filled for the leader only. */
  readonly members: ReadonlyMap<string, Buffer>;
}

/** Answers when every member has joined, or the rebalance timeout is over. */
export async function joinGroup(broker: Broker, who: GroupIdentity, request: JoinRequest): Promise<JoinAnswer> {
  const answer = await call(
    broker.connection.withOptions({ timeoutMs: request.rebalanceTimeoutMs + request.sessionTimeoutMs }),
    broker.negotiate(joinGroupV9.api),
    who.groupId,
    request.sessionTimeoutMs,
    request.rebalanceTimeoutMs,
    who.memberId,
    who.instanceId ?? null,
    request.protocolType,
    [{ name: request.protocolName, metadata: request.data }],
    request.reason,
  );
  return {
    errorCode: answer.errorCode,
    memberId: answer.memberId,
    generation: answer.generationId,
    leads: answer.errorCode === 0 && answer.leader === answer.memberId,
    skipAssignment: answer.skipAssignment,
    members: new Map(answer.members.map(({ memberId, metadata }) => [memberId, metadata])),
  };
}

/** Answers when the leader has sent the assignments. Only the leader hands any over. */
export async function syncGroup(
  broker: Broker,
  who: GroupIdentity & { readonly generation: number },
  request: Pick<JoinRequest, 'protocolType' | 'protocolName' | 'rebalanceTimeoutMs'> & {
    readonly assignments: ReadonlyMap<string, Buffer>;
  },
): Promise<{ readonly errorCode: number; readonly assignment: Buffer }> {
  const answer = await call(
    broker.connection.withOptions({ timeoutMs: request.rebalanceTimeoutMs * 2 }),
    broker.negotiate(syncGroupV5.api),
    who.groupId,
    who.generation,
    who.memberId,
    who.instanceId ?? null,
    request.protocolType,
    request.protocolName,
    [...request.assignments].map(([memberId, assignment]) => ({ memberId, assignment })),
  );
  return { errorCode: answer.errorCode, assignment: answer.assignment };
}

/** Returns the coordinator's error code. */
export async function heartbeat(broker: Broker, who: GroupIdentity & { readonly generation: number }): Promise<number> {
  const answer = await call(
    broker.connection,
    broker.negotiate(heartbeatV4.api),
    who.groupId,
    who.generation,
    who.memberId,
    who.instanceId ?? null,
  );
  return answer.errorCode;
}

/** Tells the others at once; without it they learn after the session timeout. Returns the coordinator's error code. */
export async function leaveGroup(broker: Broker, who: GroupIdentity, reason: string): Promise<number> {
  const member = { memberId: who.memberId, groupInstanceId: who.instanceId ?? null, reason };
  const answer = await call(broker.connection, broker.negotiate(leaveGroupV5.api), who.groupId, [member]);
  return answer.errorCode === 0 ? (answer.members[0]?.errorCode ?? 0) : answer.errorCode;
}
