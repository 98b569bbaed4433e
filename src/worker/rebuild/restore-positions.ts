import type { Cluster } from '../../kafka/cluster.ts';
import { errorName } from '../../kafka/errors.ts';
import { commitPositions, committedPositions, type CommittedPosition } from '../../kafka/group-positions.ts';
import type { GroupPosition } from '../../quarantine/manifest.ts';

export interface PositionsToRestore {
  readonly topic: string;
  readonly positions: readonly GroupPosition[];
  /** Per partition: where the new copy ends. */
  readonly ends: ReadonlyMap<number, bigint>;
}

/**
 * Commits the saved positions on the new copy: same offsets, same records. Not where a group has committed one by
 * itself meanwhile, and not beyond the copy's end (it stood on foreign records). Returns one line for each that is not
 * restored; they stay in the manifest.
 */
export async function restorePositions(
  target: Cluster,
  { topic, positions, ends }: PositionsToRestore,
): Promise<readonly string[]> {
  if (positions.length === 0) return [];
  const remarks: string[] = [];
  const present = await committedPositions(target, topic, ends.size);
  const taken = new Set(present.positions.map(({ group, partition }) => `${partition}/${group}`));
  for (const [group, saved] of Map.groupBy(positions, (position) => position.group)) {
    const due: CommittedPosition[] = [];
    for (const { partition, offset, metadata } of saved) {
      if (taken.has(`${partition}/${group}`)) continue;
      const end = ends.get(partition);
      if (end === undefined || BigInt(offset) > end) {
        remarks.push(`group ${group} stood at offset ${offset} of partition ${partition}, beyond the new copy's end`);
      } else {
        due.push({ group, partition, offset: BigInt(offset), metadata });
      }
    }
    if (due.length === 0) continue;
    const code = await commitPositions(target, group, topic, due);
    if (code !== undefined) {
      const where = due.map(({ partition, offset }) => `${partition}:${offset}`).join(', ');
      remarks.push(`the positions of group ${group} (${where}) were refused: ${errorName(code)}`);
    }
  }
  return remarks;
}
