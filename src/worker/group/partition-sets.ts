import { z } from 'zod';

/** Partitions by topic; the numbers in order, each once. */
export type PartitionSets = ReadonlyMap<string, readonly number[]>;

/** `0-11,14`: a topic's partitions in few characters. */
const rangesSchema = z.string().regex(/^\d{1,7}(-\d{1,7})?(,\d{1,7}(-\d{1,7})?)*$/, 'must be like "0-11,14"');

const partitionsMax = 1_000_000;

/** {@link PartitionSets} as they travel between workers: topic → ranges. */
export const partitionSetsSchema = z.record(z.string(), rangesSchema).transform((sets, context): PartitionSets => {
  const entries = Object.entries(sets).map(([topic, ranges]) => [topic, parseRanges(ranges)] as const);
  for (const [topic, partitions] of entries)
    if (partitions === undefined)
      context.addIssue({ code: 'custom', path: [topic], message: 'its ranges are not in order' });
  return new Map(entries.map(([topic, partitions]) => [topic, partitions ?? []]));
});

export function writePartitionSets(sets: PartitionSets): Record<string, string> {
  const entries = [...sets].filter(([, partitions]) => partitions.length > 0);
  return Object.fromEntries(entries.map(([topic, partitions]) => [topic, writeRanges(partitions)]));
}

/** The same and these partitions. */
export function withPlaces(
  sets: PartitionSets,
  places: readonly { readonly topic: string; readonly partition: number }[],
): PartitionSets {
  if (places.length === 0) return sets;
  const all = new Map([...sets].map(([topic, partitions]) => [topic, new Set(partitions)]));
  for (const { topic, partition } of places) {
    const partitions = all.get(topic);
    if (partitions === undefined) all.set(topic, new Set([partition]));
    else partitions.add(partition);
  }
  return new Map([...all].map(([topic, numbers]) => [topic, [...numbers].toSorted((left, right) => left - right)]));
}

export function countPartitions(sets: PartitionSets): number {
  let count = 0;
  for (const partitions of sets.values()) count += partitions.length;
  return count;
}

function writeRanges(partitions: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const partition of partitions) {
    const current = ranges.at(-1);
    if (current?.last === partition - 1) current.last = partition;
    else ranges.push({ first: partition, last: partition });
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}

/** Undefined when the numbers are not strictly rising, or more than any topic has. */
function parseRanges(text: string): readonly number[] | undefined {
  const partitions: number[] = [];
  for (const range of text.split(',')) {
    const [first = 0, last = first] = range.split('-').map(Number);
    if (first <= (partitions.at(-1) ?? -1) || last < first || last - first > partitionsMax) return undefined;
    for (let partition = first; partition <= last; partition++) partitions.push(partition);
  }
  return partitions;
}
