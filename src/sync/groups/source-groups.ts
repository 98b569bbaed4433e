import type { Cluster } from '../../kafka/cluster.ts';
import { errorName } from '../../kafka/errors.ts';
import { fetchGroupOffsets, type GroupOffset } from '../../kafka/group-admin.ts';
import { type GroupAnswer, GroupCoordinators, type GroupRequest } from '../../kafka/group-coordinators.ts';
import { partitionKey } from '../../kafka/log-queries.ts';
import type { SiteId } from '../../pair/site.ts';
import type { PrefixOwners } from '../../pair/spec.ts';
import { isInternal, reservedPrefix } from '../../prefix-policy/internal-names.ts';
import { ownerOf } from '../../prefix-policy/prefix-policy.ts';
import type { Positions, SourceSide, Unread, UnsyncedType } from './group-look.ts';

/** All positions of many groups, in one request to each coordinator. */
export const readPositions: GroupRequest<readonly GroupOffset[]> = {
  purpose: 'groups',
  groupsMax: 200,
  lanes: 2,
  send: fetchGroupOffsets,
};

export interface Selection {
  /** The sites whose names are selected. */
  readonly homes: ReadonlySet<SiteId>;
  readonly owners: PrefixOwners;
  /** Groups to be asked for whether they are listed or not: those the link has written. */
  readonly known: Iterable<string>;
}

export interface SourceLook {
  readonly groups: ReadonlyMap<string, SourceSide>;
  /** Names that belong to no site, ascending. */
  readonly unowned: readonly string[];
  /** Why groups may be missing in this look. */
  readonly troubles: readonly string[];
}

/** Reads groups at the source. Only the coordinator's own answer counts for a group that is not listed any more. */
export class SourceGroups {
  readonly #coordinators: GroupCoordinators;

  constructor(cluster: Cluster) {
    this.#coordinators = new GroupCoordinators(cluster);
  }

  /** Throws when no broker of the cluster answers. */
  async look({ homes, owners, known }: Selection, signal: AbortSignal): Promise<SourceLook> {
    const listing = await this.#coordinators.list(readPositions.purpose, signal);
    const groups = new Map<string, SourceSide>();
    const isSelected = (owner: SiteId | undefined): boolean => owner !== undefined && homes.has(owner);
    const asked = new Set([...known].filter((group) => isSelected(ownerOf(group, owners))));
    const unowned: string[] = [];
    for (const { group, type } of listing.groups.values()) {
      const owner = ownerOf(group, owners);
      if (owner === undefined && !isOurOwn(group)) unowned.push(group);
      if (!isSelected(owner)) continue;
      asked.add(group);
      const unsynced = unsyncedType(type);
      if (unsynced !== undefined) groups.set(group, { kind: 'unsynced', type: unsynced });
    }
    const answers = await this.#coordinators.ask(
      [...asked].filter((group) => !groups.has(group)),
      readPositions,
      signal,
    );
    for (const [group, answer] of answers) groups.set(group, sideOf(answer));
    return { groups, unowned: unowned.sort(), troubles: listing.troubles };
  }
}

/** Kafka's and umbra's own groups belong to each site for itself. */
function isOurOwn(group: string): boolean {
  return isInternal(group) || group.startsWith(reservedPrefix);
}

function sideOf(answer: GroupAnswer<readonly GroupOffset[]>): SourceSide {
  return answer.kind === 'answered' ? { kind: 'read', positions: positionsOf(answer.value) } : unread(answer, 'source');
}

export function positionsOf(offsets: readonly GroupOffset[]): Positions {
  return new Map(offsets.map((offset) => [partitionKey(offset.topic, offset.partition), offset]));
}

export function unsyncedType(type: string | undefined): UnsyncedType | undefined {
  return type === 'share' || type === 'streams' ? type : undefined;
}

const groupAuthorizationFailed = 30;

export function unread(answer: Exclude<GroupAnswer<unknown>, { kind: 'answered' }>, site: string): Unread {
  if (answer.kind === 'unreachable') {
    return { kind: 'unread', why: `the ${site}'s coordinator does not answer: ${answer.message}`, denied: false };
  }
  const denied = answer.code === groupAuthorizationFailed;
  const remedy = denied ? "; grant DESCRIBE on the group to umbra's principal" : '';
  return {
    kind: 'unread',
    why: `the ${site} refused to tell its positions: ${errorName(answer.code)}${remedy}`,
    denied,
  };
}
