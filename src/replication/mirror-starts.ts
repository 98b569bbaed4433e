import { deleteRecords } from '../kafka/delete-records-api.ts';
import type { Cluster } from '../kafka/cluster.ts';
import { refusalText } from '../kafka/errors.ts';
import { listOffsets, partitionKey } from '../kafka/log-queries.ts';
import type { Copier } from './copier/copier.ts';
import type { Leaders } from './partition/leaders.ts';

export interface MirrorSides {
  readonly source: Cluster;
  readonly target: Cluster;
  readonly sourceLeaders: Leaders;
  readonly targetLeaders: Leaders;
}

/**
 * Takes over the source's log starts (retention, DeleteRecords), for copies keep everything by themselves. What is
 * deleted cannot be had back, and a start in a fetch answer is not covered by any checksum: before anything is deleted
 * the source is asked once more, and both answers must be above it. A copy that begins later already, because its site
 * was primary before and its own retention was ahead, stays as it is: deleting below its start does nothing.
 *
 * Returns why a start could not be taken over, of the first partition whose target refused; undefined when none did.
 */
export async function mirrorStarts(sides: MirrorSides, copiers: readonly Copier[]): Promise<string | undefined> {
  const due = copiers.filter((copier) => copier.startToMirror !== undefined);
  const confirmed = await confirmedStarts(sides, due);
  const byBroker = Map.groupBy(
    due.filter((copier) => confirmed.has(copier)),
    ({ of }) => sides.targetLeaders.leaderOf(of.topic, of.partition)?.broker,
  );
  let refusal: string | undefined;
  for (const [brokerId, group] of byBroker) {
    if (brokerId === undefined) continue;
    const broker = await sides.target.broker(brokerId, 'control');
    const wanted = group.map((copier) => ({ ...copier.of, before: confirmed.get(copier) ?? 0n }));
    const answers = await deleteRecords(broker, wanted);
    for (const copier of group) {
      const { topic, partition } = copier.of;
      const start = confirmed.get(copier);
      const answer = answers.get(partitionKey(topic, partition));
      if (start === undefined || answer === undefined) continue;
      if (answer.ok) copier.startMirrored(start);
      else
        refusal ??= `${topic}/${partition}: records that the source deleted cannot be deleted from the copy: ${refusalText(answer.code, 'DELETE at the target')}`;
    }
  }
  return refusal;
}

async function confirmedStarts(
  { source, sourceLeaders }: MirrorSides,
  copiers: readonly Copier[],
): Promise<ReadonlyMap<Copier, bigint>> {
  const confirmed = new Map<Copier, bigint>();
  const byBroker = Map.groupBy(copiers, ({ of }) => sourceLeaders.leaderOf(of.topic, of.partition)?.broker);
  for (const [brokerId, group] of byBroker) {
    if (brokerId === undefined) continue;
    const broker = await source.broker(brokerId, 'control');
    const starts = await listOffsets(
      broker,
      'earliest',
      group.map(({ of }) => of),
    );
    for (const copier of group) {
      const start = starts.get(partitionKey(copier.of.topic, copier.of.partition));
      const seen = copier.startToMirror;
      if (start?.ok !== true || seen === undefined) continue;
      confirmed.set(copier, start.value < seen ? start.value : seen);
    }
  }
  return confirmed;
}
