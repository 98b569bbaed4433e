import type { CommittedPosition } from '../../kafka/group-positions.ts';
import type { GroupPosition } from '../../quarantine/manifest.ts';

export interface SavedPositions {
  /** What groups had committed on the old copy. */
  readonly positions: readonly GroupPosition[];
  /** Per partition: the first offset at which the old copy and its source differed. None where they did not. */
  readonly forks: ReadonlyMap<number, bigint>;
  /** Per partition: where the new copy ends. */
  readonly ends: ReadonlyMap<number, bigint>;
  /** What groups have committed on the new copy meanwhile. */
  readonly present: readonly CommittedPosition[];
}

export interface PositionsPlan {
  readonly due: readonly CommittedPosition[];
  /** One line for each position that is not put back as it was saved. */
  readonly remarks: readonly string[];
}

/**
 * Which positions to commit on the new copy. Before the fork an offset means the same records as on the old one. Behind
 * it the old copy held other records, which the group has read in place of the source's: it goes back to the fork, so
 * that it reads all of the source's. Nothing is committed where a group has a position of its own by now, nor beyond
 * the copy's end. Pure.
 */
export function planPositions({ positions, forks, ends, present }: SavedPositions): PositionsPlan {
  const taken = new Map(present.map(({ group, partition, offset }) => [keyOf(group, partition), offset]));
  const due: CommittedPosition[] = [];
  const remarks: string[] = [];
  for (const { group, partition, offset: saved, metadata } of positions) {
    const stood = `group ${group} stood at offset ${saved} of partition ${partition}`;
    const now = taken.get(keyOf(group, partition));
    if (now !== undefined) {
      remarks.push(`${stood}; it has committed ${now} by itself meanwhile, which is left`);
      continue;
    }
    const fork = forks.get(partition);
    const behind = fork !== undefined && BigInt(saved) > fork;
    const offset = behind ? fork : BigInt(saved);
    const end = ends.get(partition);
    if (end === undefined || offset > end) {
      remarks.push(`${stood}, beyond the new copy's end; it is not put back`);
      continue;
    }
    if (behind) {
      remarks.push(
        `${stood}, behind the fork; it is put back to ${fork}, where records of the source begin it has not read`,
      );
    }
    due.push({ group, partition, offset, metadata });
  }
  return { due, remarks };
}

function keyOf(group: string, partition: number): string {
  return `${partition}/${group}`;
}
