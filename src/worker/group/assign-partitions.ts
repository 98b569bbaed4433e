import { countPartitions, type PartitionSets } from './partition-sets.ts';

export interface AssignInput {
  /** Members of the group by incarnation, with what each still holds: it may append to those at any time. */
  readonly members: ReadonlyMap<string, PartitionSets>;
  /** What is to be copied now. */
  readonly wanted: PartitionSets;
  /**
   * Somebody who is no member may still be appending: nothing is handed out that no member holds.
   */
  readonly mayHandOut: boolean;
}

export interface Assignments {
  /** What each member shall copy from now on. */
  readonly of: ReadonlyMap<string, PartitionSets>;
  /** Some member has to give something back first: whoever is to get it gets it in the generation after that. */
  readonly moving: number;
}

/**
 * Who copies what: pure, and the same for the same input. Keeps what can stay; nobody has two partitions more than
 * another once everything has moved; a topic's partitions are spread.
 *
 * A partition that a member holds is given to no other one, whatever is wished: the holder is only told to give it
 * back, and says so by not holding it any more (cooperative rebalancing, KIP-429).
 */
export function assignPartitions({ members, wanted, mayHandOut }: AssignInput): Assignments {
  const ids = [...members.keys()].toSorted();
  const holders = holdersOf(members);
  const shares = new Map(ids.map((id) => [id, new Share()]));
  const free: Place[] = [];
  for (const place of placesOf(wanted)) {
    const by = holders.get(keyOf(place)) ?? [];
    const [holder] = by;
    if (holder === undefined) free.push(place);
    // Held twice: a mistake somewhere. Both give it back.
    else if (by.length === 1) shares.get(holder)?.add(place);
  }
  const bounds = boundsOf(shares, countPartitions(wanted));
  let moving = [...holders.values()].filter((by) => by.length > 1).length;
  for (const [id, share] of shares) while (share.count > (bounds.get(id) ?? 0) && share.giveBack()) moving += 1;
  if (mayHandOut) handOut(free, shares, bounds);
  return { of: new Map([...shares].map(([id, share]) => [id, share.sets()])), moving };
}

interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** One member's part while it is put together. */
class Share {
  readonly #sets = new Map<string, number[]>();
  count = 0;

  of(topic: string): number {
    return this.#sets.get(topic)?.length ?? 0;
  }

  add({ topic, partition }: Place): void {
    const partitions = this.#sets.get(topic);
    if (partitions === undefined) this.#sets.set(topic, [partition]);
    else partitions.push(partition);
    this.count += 1;
  }

  /** Gives up one partition of the topic it has most of. */
  giveBack(): boolean {
    let largest: number[] | undefined;
    for (const partitions of this.#sets.values()) if (partitions.length > (largest?.length ?? 0)) largest = partitions;
    if (largest?.pop() === undefined) return false;
    this.count -= 1;
    return true;
  }

  sets(): PartitionSets {
    const entries = [...this.#sets].filter(([, partitions]) => partitions.length > 0);
    return new Map(entries.map(([topic, partitions]) => [topic, partitions.toSorted((left, right) => left - right)]));
  }
}

/** How many each may have: who holds most has one more where it does not come out even, so that least moves. */
function boundsOf(shares: ReadonlyMap<string, Share>, wanted: number): ReadonlyMap<string, number> {
  const least = Math.floor(wanted / Math.max(1, shares.size));
  const more = wanted % Math.max(1, shares.size);
  const byCount = [...shares].toSorted(([, left], [, right]) => right.count - left.count);
  return new Map(byCount.map(([id], index) => [id, index < more ? least + 1 : least]));
}

function handOut(
  free: readonly Place[],
  shares: ReadonlyMap<string, Share>,
  bounds: ReadonlyMap<string, number>,
): void {
  const open = new Set([...shares].filter(([id, share]) => share.count < (bounds.get(id) ?? 0)).map(([id]) => id));
  for (const place of free) {
    let chosen: { readonly id: string; readonly share: Share } | undefined;
    for (const id of open) {
      const share = shares.get(id);
      if (share !== undefined && (chosen === undefined || isBefore(share, chosen.share, place.topic)))
        chosen = { id, share };
    }
    if (chosen === undefined) return;
    chosen.share.add(place);
    if (chosen.share.count >= (bounds.get(chosen.id) ?? 0)) open.delete(chosen.id);
  }
}

function isBefore(left: Share, right: Share, topic: string): boolean {
  return left.of(topic) < right.of(topic) || (left.of(topic) === right.of(topic) && left.count < right.count);
}

function holdersOf(members: ReadonlyMap<string, PartitionSets>): ReadonlyMap<string, readonly string[]> {
  const holders = new Map<string, string[]>();
  for (const [id, sets] of members)
    for (const place of placesOf(sets)) {
      const by = holders.get(keyOf(place));
      if (by === undefined) holders.set(keyOf(place), [id]);
      else by.push(id);
    }
  return holders;
}

function* placesOf(sets: PartitionSets): Generator<Place> {
  for (const [topic, partitions] of [...sets].toSorted(([left], [right]) => (left < right ? -1 : 1)))
    for (const partition of partitions) yield { topic, partition };
}

function keyOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`;
}
