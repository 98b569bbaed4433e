/**
 * Committed offsets of whole groups, each call to one broker about groups that it coordinates: ListGroups (16)
 * versions 4 and 5, FindCoordinator (10) version 4, OffsetFetch (9) version 8, OffsetCommit (8) versions 8 and 9,
 * OffsetDelete (47) version 0, DeleteGroups (42) version 2. Brokers from 3.0 on have all of them.
 *
 * Takes DESCRIBE on the group and its topics to read; READ on both to commit; DELETE on the group and READ on the
 * topics to remove. Offsets on topics that may not be described are left out of an OffsetFetch without a word.
 */
import {
  deleteGroupsV2,
  findCoordinatorV4,
  listGroupsV4,
  listGroupsV5,
  offsetCommitV8,
  offsetCommitV9,
  offsetDeleteV0,
  offsetFetchV8,
} from '@platformatic/kafka';
import type { Broker } from './cluster.ts';
import { KafkaError } from './errors.ts';
import { call } from './library-api.ts';
import { type Answer, partitionKey, type PartitionRef } from './log-queries.ts';

export interface ListedGroup {
  readonly group: string;
  /** `classic`, `consumer` (KIP-848), `share`, `streams`; undefined at brokers before 3.8, which know only classic ones. */
  readonly type: string | undefined;
  /** As the broker names it: `Empty`, `Stable`, `PreparingRebalance`, `Assigning`, `Dead`, … */
  readonly state: string;
}

export interface GroupOffset extends PartitionRef {
  readonly offset: bigint;
  /** Undefined when none was committed. */
  readonly leaderEpoch: number | undefined;
  /** Empty when none was committed: the broker stores no difference. */
  readonly metadata: string;
}

/** A position to commit. It has no leader epoch: one of another cluster stalls or rewinds Java and franz-go consumers. */
export interface OffsetToCommit extends PartitionRef {
  readonly offset: bigint;
  readonly metadata: string;
}

const groupKey = 0;
const none = -1;
const adminOptions = { noMember: '', noInstance: null };

/** The groups that this broker coordinates and we may describe. Throws {@link KafkaError}: 14 while it loads them. */
export async function listGroups(broker: Broker): Promise<readonly ListedGroup[]> {
  const answer = await call(broker.connection, broker.negotiate(listGroupsV4.api, listGroupsV5.api), [], []);
  if (answer.errorCode !== 0) throw new KafkaError(answer.errorCode, 'ListGroups');
  return answer.groups.map(({ groupId, groupType, groupState }) => ({
    group: groupId,
    type: groupType === undefined || groupType === '' ? undefined : groupType.toLowerCase(),
    state: groupState,
  }));
}

/** The node that coordinates each group. Codes 14, 15: ask again; 30: the group may not be described. */
export async function findGroupCoordinators(
  broker: Broker,
  groups: readonly string[],
): Promise<ReadonlyMap<string, Answer<number>>> {
  const answer = await call(broker.connection, broker.negotiate(findCoordinatorV4.api), groupKey, [...groups]);
  return new Map(
    answer.coordinators.map(({ key, nodeId, errorCode }): [string, Answer<number>] => [
      key,
      errorCode === 0 ? { ok: true, value: nodeId } : { ok: false, code: errorCode },
    ]),
  );
}

/**
 * Everything that each group has committed; nothing for one that does not exist, which is no error. Offsets inside an
 * open transaction are not in it, the ones before them are: they are what is committed.
 */
export async function fetchGroupOffsets(
  broker: Broker,
  groups: readonly string[],
): Promise<ReadonlyMap<string, Answer<readonly GroupOffset[]>>> {
  const asked = groups.map((groupId) => ({ groupId, memberId: null, memberEpoch: none, topics: null }));
  const answer = await call(broker.connection, broker.negotiate(offsetFetchV8.api), asked, false);
  return new Map(
    answer.groups.map((entry): [string, Answer<readonly GroupOffset[]>] => {
      const partitions = entry.topics.flatMap(({ name, partitions: list }) =>
        list.map((partition) => ({ topic: name, ...partition })),
      );
      const code = [entry, ...partitions].find(({ errorCode }) => errorCode !== 0)?.errorCode;
      if (code !== undefined) return [entry.groupId, { ok: false, code }];
      return [entry.groupId, { ok: true, value: partitions.filter(isCommitted).map(groupOffset) }];
    }),
  );
}

interface FetchedOffset {
  readonly topic: string;
  readonly partitionIndex: number;
  readonly committedOffset: bigint;
  readonly committedLeaderEpoch: number;
  readonly metadata?: string | null | undefined;
}

function isCommitted({ committedOffset }: FetchedOffset): boolean {
  return committedOffset >= 0n;
}

function groupOffset({ topic, partitionIndex, committedOffset, ...rest }: FetchedOffset): GroupOffset {
  return {
    topic,
    partition: partitionIndex,
    offset: committedOffset,
    leaderEpoch: rest.committedLeaderEpoch < 0 ? undefined : rest.committedLeaderEpoch,
    metadata: rest.metadata ?? '',
  };
}

export interface WriteGuard {
  /** Asked when the bytes are about to go out; when it says no, nothing was sent and {@link NotSentError} is thrown. */
  readonly maySend: () => boolean;
}

/**
 * Commits for a group without members, without leader epochs. The partitions that were refused, by `topic/partition`:
 * 25 for all of them when the group has members, 3 for a topic that is not there, 12 when the metadata is too long.
 */
export async function commitGroupOffsets(
  broker: Broker,
  group: string,
  offsets: readonly OffsetToCommit[],
  { maySend }: WriteGuard,
): Promise<ReadonlyMap<string, number>> {
  const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, list]) => ({
    name,
    partitions: list.map(({ partition, offset, metadata }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: none,
      committedMetadata: metadata,
    })),
  }));
  const { noMember, noInstance } = adminOptions;
  const api = broker.negotiate(offsetCommitV8.api, offsetCommitV9.api);
  const connection = broker.connection.withOptions({ maySend });
  const answer = await call(connection, api, group, none, noMember, noInstance, topics);
  return refusals(answer.topics);
}

/**
 * Removes single positions of a group without members. The partitions that were refused, by `topic/partition`; for a
 * group that is refused as a whole (68: it has members) all of them. A group that does not exist has none: no refusal.
 */
export async function deleteGroupOffsets(
  broker: Broker,
  group: string,
  partitions: readonly PartitionRef[],
  { maySend }: WriteGuard,
): Promise<ReadonlyMap<string, number>> {
  const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, list]) => ({
    name,
    partitions: list.map(({ partition }) => ({ partitionIndex: partition })),
  }));
  const connection = broker.connection.withOptions({ maySend });
  const answer = await call(connection, broker.negotiate(offsetDeleteV0.api), group, topics);
  if (answer.errorCode === groupIdNotFound) return new Map();
  if (answer.errorCode === 0) return refusals(answer.topics);
  return new Map(partitions.map(({ topic, partition }) => [partitionKey(topic, partition), answer.errorCode]));
}

/** Deletes a group without members, with all its positions. The code when it was refused; one that is gone is no refusal. */
export async function deleteGroup(broker: Broker, group: string, { maySend }: WriteGuard): Promise<number | undefined> {
  const connection = broker.connection.withOptions({ maySend });
  const answer = await call(connection, broker.negotiate(deleteGroupsV2.api), [group]);
  const code = answer.results[0]?.errorCode ?? unknownServerError;
  return code === 0 || code === groupIdNotFound ? undefined : code;
}

const groupIdNotFound = 69;
const unknownServerError = -1;

function refusals(
  topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[];
  }[],
): ReadonlyMap<string, number> {
  return new Map(
    topics.flatMap(({ name, partitions }) =>
      partitions
        .filter(({ errorCode }) => errorCode !== 0)
        .map(({ partitionIndex, errorCode }) => [partitionKey(name, partitionIndex), errorCode]),
    ),
  );
}
