import type { Cluster } from '../kafka/cluster.ts';
import { type Answer, listOffsets, partitionKey } from '../kafka/log-queries.ts';
import type { Copier } from './copier/copier.ts';
import type { Leaders } from './partition/leaders.ts';
import { retryDelays } from './waiting/retry-delays.ts';

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
 * watermark is beyond everything the link has sent is sent through the resume, which compares what stands there with
 * the source and says whose it is. A late batch of ours, which belongs there, is no fault. One request per target
 * broker and look; a broker that does not answer does not keep the others from being asked.
 */
export class ForeignWriteWatch {
  readonly #search: ForeignWriteSearch;
  #next = 0;

  constructor(search: ForeignWriteSearch) {
    this.#search = search;
  }

  /** Looks at the copies whose turn it is. Rejects with the first failure when all brokers have been asked. */
  async look(copiers: readonly Copier[]): Promise<void> {
    const start = this.#next < copiers.length ? this.#next : 0;
    this.#next = start + partitionsAtOnceMax;
    const watched = copiers
      .slice(start, this.#next)
      .filter(({ state }) => state.kind === 'waiting' || state.kind === 'copying');
    const { leaders } = this.#search;
    const byBroker = Map.groupBy(watched, ({ of }) => leaders.leaderOf(of.topic, of.partition)?.broker);
    const looks = [...byBroker].map(([brokerId, group]) =>
      brokerId === undefined ? Promise.reject(new StaleLeadersError()) : this.#lookAt(brokerId, group),
    );
    const failed = (await Promise.allSettled(looks)).find((result) => result.status === 'rejected');
    if (failed === undefined) return;
    // Idle partitions go through no resume, which would ask for their leaders.
    await leaders.refresh();
    if (!(failed.reason instanceof StaleLeadersError)) throw failed.reason;
  }

  /**
   * Our own bound is read after the answer, so an append in between cannot be mistaken for a foreign one. Nor may those
   * of a worker that took over: `stillOurs` is asked before anything is doubted.
   */
  async #lookAt(brokerId: number, group: readonly Copier[]): Promise<void> {
    const { target, stillOurs } = this.#search;
    const generations = new Map(group.map((copier) => [copier, copier.generation]));
    const broker = await target.broker(brokerId, 'control');
    const ends = await listOffsets(
      broker,
      'latest',
      group.map(({ of }) => of),
    );
    const endOf = ({ of }: Copier): Answer<bigint> | undefined => ends.get(partitionKey(of.topic, of.partition));
    const found = group.flatMap((copier) => {
      const end = endOf(copier);
      const bound = copier.appendedToAtMost;
      return end?.ok === true && bound !== undefined && end.value > bound ? [{ copier, end: end.value, bound }] : [];
    });
    if (found.length > 0 && (await stillOurs())) {
      for (const { copier, end, bound } of found) {
        if (generations.get(copier) !== copier.generation) continue;
        copier.interrupt(`the copy ends at offset ${end}, the link wrote only up to ${bound}`, retryDelays.firstMs);
      }
    }
    if (group.some((copier) => endOf(copier)?.ok !== true)) throw new StaleLeadersError();
  }
}

/** Somebody else leads a partition, or nobody. */
class StaleLeadersError extends Error {}
