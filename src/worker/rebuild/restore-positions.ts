import type { Cluster } from '../../kafka/cluster.ts';
import { errorName } from '../../kafka/errors.ts';
import { commitPositions, committedPositions } from '../../kafka/group-positions.ts';
import type { Manifest } from '../../quarantine/manifest.ts';
import { LogReader } from '../../replication/logs/log-reader.ts';
import { planPositions } from './plan-positions.ts';

/**
 * Commits the positions that consumer groups had on the old copy on the new one, as far as they mean the same records
 * there ({@link planPositions}). Returns one line for each that is not put back as it was; all of them stay in the
 * manifest. Throws when a cluster does not answer.
 */
export async function restorePositions(
  target: Cluster,
  { topic, groupPositions, partitions }: Manifest,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const forks = new Map(
    partitions.flatMap(({ partition, forkOffset }) =>
      forkOffset === undefined ? [] : [[partition, BigInt(forkOffset)]],
    ),
  );
  const ends = await endsOf(target, topic, signal);
  const { positions: present } = await committedPositions(target, topic, ends.size);
  const { due, remarks } = planPositions({ positions: groupPositions, forks, ends, present });
  const refused: string[] = [];
  for (const [group, positions] of Map.groupBy(due, (position) => position.group)) {
    signal.throwIfAborted();
    const code = await commitPositions(target, group, topic, positions);
    if (code === undefined) continue;
    const where = positions.map(({ partition, offset }) => `${partition}:${offset}`).join(', ');
    refused.push(`the positions of group ${group} (${where}) were refused: ${errorName(code)}`);
  }
  return [...remarks, ...refused];
}

async function endsOf(target: Cluster, topic: string, signal: AbortSignal): Promise<ReadonlyMap<number, bigint>> {
  const found = (await target.metadata([topic])).topics.get(topic)?.partitions ?? [];
  const reader = new LogReader(target);
  const ends = new Map<number, bigint>();
  for (const { partition } of found) ends.set(partition, (await reader.range(topic, partition, signal)).end);
  return ends;
}
