import type { PartitionRef } from '../../kafka/log-queries.ts';
import type { GroupFinding } from './plan-groups.ts';

/**
 * `level`: every position equals the source's. `behind`: some are held at the end of the copy (`clamped`), or are about
 * to be written. `removing`: positions are gone at the source and will be here. `live-at-standby`, `foreign`, `not-synced`: not touched, see `why`. `refused`:
 * a person has to change something. `unread`: a coordinator did not answer; asked again in the next round.
 */
export type GroupState = GroupFinding['state'];

export const groupStates: readonly GroupState[] = [
  'level',
  'behind',
  'removing',
  'live-at-standby',
  'foreign',
  'not-synced',
  'refused',
  'unread',
];

export interface ClampedView extends PartitionRef {
  readonly sourceOffset: bigint;
  /** What the standby has: the end of the copy; undefined while that is not known. */
  readonly copyEnd: bigint | undefined;
}

export interface GroupView {
  readonly group: string;
  readonly state: GroupState;
  /** One line: what and what to do. Absent for `level`, `behind` and `removing`. */
  readonly why?: string;
  /** Positions of the source on topics that the link copies. */
  readonly partitions: number;
  /** Where its positions here are those of the copy's end; while it is `unread`, as of `syncedAt`. */
  readonly clamped: readonly ClampedView[];
  /** Since when its positions here are known to be those the source had then, as far as the copies reach. */
  readonly syncedAt?: Date;
  /** Age of that; absent when it never was. Grows while the group is not synced or the source does not answer. */
  readonly stalenessSeconds?: number;
}

export interface GroupSyncView {
  /** By name. */
  readonly groups: readonly GroupView[];
  readonly counts: Readonly<Record<GroupState, number>>;
  /** Names at the source that begin with neither prefix: not synced. At most {@link unownedNamesMax} of them. */
  readonly unowned: { readonly count: number; readonly names: readonly string[] };
  /** When both clusters were last read without any trouble, and how long ago that is. */
  readonly readAt?: Date;
  readonly stalenessSeconds?: number;
  /** When every group that is synced was last level. */
  readonly levelAt?: Date;
  /** Why removals are withheld. */
  readonly withheld?: string;
  /** The newest trouble of a round, gone or not. */
  readonly trouble?: { readonly at: Date; readonly message: string };
}

export const unownedNamesMax = 50;

/** What is known of one group between rounds. */
export interface GroupStatus {
  readonly finding: GroupFinding;
  readonly partitions: number;
  readonly topics: ReadonlySet<string>;
  readonly clamped: readonly ClampedView[];
  readonly syncedAt: Date | undefined;
}

export function renderGroup(group: string, status: GroupStatus, now: Date): GroupView {
  const { finding, partitions, clamped, syncedAt } = status;
  return {
    group,
    state: finding.state,
    ...('why' in finding ? { why: finding.why } : {}),
    partitions,
    clamped,
    ...(syncedAt === undefined ? {} : { syncedAt, stalenessSeconds: secondsBetween(syncedAt, now) }),
  };
}

export function countStates(groups: readonly GroupView[]): Readonly<Record<GroupState, number>> {
  const counts: Record<GroupState, number> = {
    level: 0,
    behind: 0,
    removing: 0,
    'live-at-standby': 0,
    foreign: 0,
    'not-synced': 0,
    refused: 0,
    unread: 0,
  };
  for (const { state } of groups) counts[state] += 1;
  return counts;
}

export function secondsBetween(earlier: Date, later: Date): number {
  return Math.max(0, (later.getTime() - earlier.getTime()) / 1000);
}
