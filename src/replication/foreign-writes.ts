import type { Cluster } from '../kafka/cluster.ts';
import { listOffsets, partitionKey } from '../kafka/log-queries.ts';
import type { Copier } from './copier/copier.ts';
import type { Leaders } from './partition/leaders.ts';

/** Partitions in one look: all of most links. A link with more goes round, so that an idle worker stays idle. */
const partitionsAtOnceMax = 500;

export interface ForeignWriteSearch {
  readonly target: Cluster;
  readonly leaders: Leaders;
  /** Whether nobody else may write by right, as of now. */
  readonly stillOurs: () => Promise<boolean>;
}

/**
 * Finds writes of others on copies that are idle, where no append of ours would notice them: a copy whose high
 * watermark is beyond everything the link has sent holds something foreign. One request per target broker and look.
 */
export class ForeignWriteWatch {
  readonly #search: ForeignWriteSearch;
  #next = 0;

  constructor(search: ForeignWriteSearch) {
    this.#search = search;
  }

  /** Looks at the copies whose turn it is. */
  async look(copiers: readonly Copier[]): Promise<void> {
    const start = this.#next < copiers.length ? this.#next : 0;
    this.#next = start + partitionsAtOnceMax;
    await findForeignWrites(this.#search, copiers.slice(start, this.#next));
  }
}

/**
 * Our own bound is read after the answer, so an append in between cannot be mistaken for a foreign one. Nor may those of
 * a worker that took over: `stillOurs` is asked before anything is called foreign.
 */
async function findForeignWrites(
  { target, leaders, stillOurs }: ForeignWriteSearch,
  copiers: readonly Copier[],
): Promise<void> {
  const watched = copiers.filter(({ state }) => state.kind === 'waiting' || state.kind === 'copying');
  const byBroker = Map.groupBy(watched, ({ of }) => leaders.leaderOf(of.topic, of.partition)?.broker);
  for (const [brokerId, group] of byBroker) {
    if (brokerId === undefined) continue;
    const generations = new Map(group.map((copier) => [copier, copier.generation]));
    const broker = await target.broker(brokerId, 'control');
    const ends = await listOffsets(
      broker,
      'latest',
      group.map(({ of }) => of),
    );
    const found = group.flatMap((copier) => {
      const end = ends.get(partitionKey(copier.of.topic, copier.of.partition));
      const bound = copier.appendedToAtMost;
      return end?.ok === true && bound !== undefined && end.value > bound ? [{ copier, end: end.value, bound }] : [];
    });
    if (found.length === 0 || !(await stillOurs())) continue;
    for (const { copier, end, bound } of found) {
      if (generations.get(copier) !== copier.generation) continue;
      copier.fault({
        code: 'FOREIGN_WRITE',
        offset: bound,
        message: `the copy ends at offset ${end}, the link wrote only up to ${bound}: the records from offset ${bound} on are foreign`,
      });
    }
  }
}
