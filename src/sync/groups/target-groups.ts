import type { Cluster } from '../../kafka/cluster.ts';
import type { ListedGroup, OffsetToCommit } from '../../kafka/group-admin.ts';
import { GroupCoordinators } from '../../kafka/group-coordinators.ts';
import { partitionKey } from '../../kafka/log-queries.ts';
import type { Positions, TargetSide } from './group-look.ts';
import { positionsOf, readPositions, unread, unsyncedType } from './source-groups.ts';

export interface TargetLook {
  readonly groups: ReadonlyMap<string, TargetSide>;
  readonly troubles: readonly string[];
}

interface Known {
  /** State and type at the time: another one means that somebody else was there. */
  readonly listed: string;
  readonly positions: Positions;
  readonly readAtMs: number;
}

/**
 * Reads groups at the target. Which groups there are, and whether they have members, is asked in every look; positions
 * only of groups that are new, changed, in doubt, or were last read some time ago: in between nobody but the link
 * writes them.
 */
export class TargetGroups {
  readonly coordinators: GroupCoordinators;
  readonly #rereadMs: number;
  readonly #known = new Map<string, Known>();

  constructor(cluster: Cluster, rereadMs: number) {
    this.coordinators = new GroupCoordinators(cluster);
    this.#rereadMs = rereadMs;
  }

  /** Throws when no broker of the cluster answers. */
  async look(groups: readonly string[], nowMs: number, signal: AbortSignal): Promise<TargetLook> {
    const listing = await this.coordinators.list(readPositions.purpose, signal);
    const sides = new Map<string, TargetSide>();
    const stale: string[] = [];
    for (const group of groups) {
      const listed = listing.groups.get(group);
      const known = this.#known.get(group);
      const unsynced = unsyncedType(listed?.type);
      if (unsynced !== undefined) sides.set(group, { kind: 'unsynced', type: unsynced });
      else if (known?.listed === signature(listed) && nowMs - known.readAtMs < this.#rereadMs) {
        sides.set(group, { kind: 'read', state: stateOf(listed), positions: known.positions });
      } else stale.push(group);
    }
    for (const [group, answer] of await this.coordinators.ask(stale, readPositions, signal)) {
      const listed = listing.groups.get(group);
      if (answer.kind !== 'answered') {
        sides.set(group, unread(answer, 'standby'));
        continue;
      }
      const positions = positionsOf(answer.value);
      this.#known.set(group, { listed: signature(listed), positions, readAtMs: nowMs });
      sides.set(group, { kind: 'read', state: stateOf(listed), positions });
    }
    const wanted = new Set(groups);
    for (const group of this.#known.keys()) if (!wanted.has(group)) this.#known.delete(group);
    return { groups: sides, troubles: listing.troubles };
  }

  /** These were committed. A group that a first commit has made is listed as empty from now on. */
  wrote(group: string, commits: readonly OffsetToCommit[]): void {
    const known = this.#known.get(group);
    if (known === undefined) return;
    const positions = new Map(known.positions);
    for (const commit of commits) {
      positions.set(partitionKey(commit.topic, commit.partition), { ...commit, leaderEpoch: undefined });
    }
    this.#known.set(group, { ...known, positions });
  }

  /** What is known of this group is in doubt: it is read again in the next look. */
  doubt(group: string): void {
    this.#known.delete(group);
  }

  doubtAll(): void {
    this.#known.clear();
  }
}

function signature(listed: ListedGroup | undefined): string {
  return listed === undefined ? '' : `${listed.type ?? ''}/${listed.state}`;
}

/** A state that is not known here is taken for live: what has members is never touched. */
function stateOf(listed: ListedGroup | undefined): 'absent' | 'empty' | 'live' {
  if (listed === undefined || listed.state === 'Dead') return 'absent';
  return listed.state === 'Empty' ? 'empty' : 'live';
}
