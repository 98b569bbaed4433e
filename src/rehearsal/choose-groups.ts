import type { PartitionRef } from '../kafka/log-queries.ts';

/** What the link remembers of a group whose positions it keeps at this site: partitions by topic. */
export interface KeptGroup {
  readonly group: string;
  readonly written: Readonly<Record<string, readonly number[]>>;
}

export interface ChosenGroup {
  readonly group: string;
  readonly partitions: readonly PartitionRef[];
}

export interface ChosenGroups {
  readonly groups: readonly ChosenGroup[];
  /** Names of those beyond the bound. */
  readonly leftOut: readonly string[];
}

/** The groups with positions on these topics: those with most partitions, so many at the most. Pure. */
export function chooseGroups(kept: Iterable<KeptGroup>, topics: ReadonlySet<string>, groupsMax: number): ChosenGroups {
  const all = [...kept]
    .map(({ group, written }) => ({
      group,
      partitions: Object.entries(written).flatMap(([topic, numbers]) =>
        topics.has(topic) ? numbers.map((partition) => ({ topic, partition })) : [],
      ),
    }))
    .filter(({ partitions }) => partitions.length > 0)
    .toSorted((left, right) => right.partitions.length - left.partitions.length || (left.group < right.group ? -1 : 1));
  return { groups: all.slice(0, groupsMax), leftOut: all.slice(groupsMax).map(({ group }) => group) };
}
