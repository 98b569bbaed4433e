import { partitionKey } from '../../kafka/log-queries.ts';
import type { GroupLook } from './group-look.ts';

/** In how many looks in a row a position that the link wrote was gone at the source: by group, by `topic/partition`. */
export type GoneLooks = ReadonlyMap<string, ReadonlyMap<string, number>>;

/**
 * The count after one more look: pure. A position is gone when the group's coordinator at the source has answered
 * without it and the source shows its topic. A look that could not say so neither counts nor ends the row: a missing
 * right on the topic hides positions without a word, and a broker that is down hides whole groups.
 */
export function countGone(
  before: GoneLooks,
  looks: readonly GroupLook[],
  topicsAtSource: ReadonlySet<string>,
): GoneLooks {
  const after = new Map<string, ReadonlyMap<string, number>>();
  for (const { group, source, record } of looks) {
    if (record === undefined) continue;
    const counts = new Map<string, number>();
    for (const [topic, partitions] of Object.entries(record.written)) {
      for (const partition of partitions) {
        const key = partitionKey(topic, partition);
        const known = before.get(group)?.get(key) ?? 0;
        const saysSo = source.kind === 'read' && topicsAtSource.has(topic);
        const count = saysSo ? (source.positions.has(key) ? 0 : known + 1) : known;
        if (count > 0) counts.set(key, count);
      }
    }
    if (counts.size > 0) after.set(group, counts);
  }
  return after;
}

/** Topics of positions that the link wrote and the source does not show in this look: it must show the topics. */
export function topicsToAskFor(looks: readonly GroupLook[]): readonly string[] {
  const topics = new Set<string>();
  for (const { source, record } of looks) {
    if (record === undefined || source.kind !== 'read') continue;
    for (const [topic, partitions] of Object.entries(record.written)) {
      if (partitions.some((partition) => !source.positions.has(partitionKey(topic, partition)))) topics.add(topic);
    }
  }
  return [...topics];
}
