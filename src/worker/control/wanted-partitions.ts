import { type PartitionSets, withPlaces } from '../group/partition-sets.ts';

export interface WantedInput {
  /** Copies that somebody is to fill, with their number of partitions. */
  readonly followed: ReadonlyMap<string, number>;
  /** What workers hold. */
  readonly holdings: readonly PartitionSets[];
  /** Undefined as soon as the controller has looked at the source: before, what workers hold of such copies stays theirs. */
  readonly stays: ((topic: string) => boolean) | undefined;
}

/** Every partition that some worker is to copy. Pure. */
export function wantedPartitions({ followed, holdings, stays }: WantedInput): PartitionSets {
  const wanted: PartitionSets = new Map(
    [...followed].map(([name, partitions]) => [name, Array.from({ length: partitions }, (_, index) => index)]),
  );
  if (stays === undefined) return wanted;
  const kept = holdings.flatMap((sets) =>
    [...sets].flatMap(([topic, partitions]) =>
      stays(topic) ? partitions.map((partition) => ({ topic, partition })) : [],
    ),
  );
  return withPlaces(wanted, kept);
}
