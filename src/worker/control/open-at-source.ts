import type { Cluster } from '../../kafka/cluster.ts';
import { verdictOf } from '../../kafka/errors.ts';
import { type OpenTransaction, openTransactions, partitionKey, type PartitionRef } from '../../kafka/log-queries.ts';
import { type OpenAtCut, openAtCutMax } from '../../operations/open-at-cut.ts';
import type { LinkWorkers } from './link-workers.ts';

export interface OpenAtSourcePorts {
  readonly source: Cluster;
  readonly workers: Pick<LinkWorkers, 'samples'>;
}

const partitionsAtOnceMax = 200;
/** Producers may date records as they like; what a Date cannot hold is left out. */
const newestTimeMs = 8.64e15;

/**
 * Which transactions are open at the source, of those partitions alone whose copies are held up by one: for the certificate
 * of a promotion, when the source may not be there to be asked any more. What it said last stays until the copy goes on.
 */
export class OpenAtSource {
  readonly #ports: OpenAtSourcePorts;
  #heard: ReadonlyMap<string, readonly OpenAtCut[]> = new Map();

  constructor(ports: OpenAtSourcePorts) {
    this.#ports = ports;
  }

  /** Asks nothing where nothing is held up. A source that does not answer has told what it could. */
  async round(signal: AbortSignal): Promise<void> {
    const held = this.#held();
    const keys = new Set(held.map(({ topic, partition }) => partitionKey(topic, partition)));
    this.#heard = new Map([...this.#heard].filter(([key]) => keys.has(key)));
    try {
      for (let first = 0; first < held.length; first += partitionsAtOnceMax) {
        signal.throwIfAborted();
        await this.#ask(held.slice(first, first + partitionsAtOnceMax));
      }
    } catch (error) {
      if (verdictOf(error) === 'final') throw error;
    }
  }

  /**
   * Of a partition whose copy is held up: the first ones, by offset, as last heard. `from`: where nothing could be read any
   * more, so that is where the first one begins; undefined while nobody knows.
   */
  of({ topic, partition }: PartitionRef, from: bigint | undefined): readonly OpenAtCut[] {
    if (from === undefined) return [];
    const heard = this.#heard.get(partitionKey(topic, partition)) ?? [];
    // Others are over by now.
    const open = heard.filter(({ firstOffset }) => BigInt(firstOffset) >= from);
    return open.length > 0 ? open : [{ firstOffset: String(from) }];
  }

  #held(): readonly PartitionRef[] {
    return this.#ports.workers
      .samples()
      .flatMap(({ topic, partition, heldBack }) => (heldBack === undefined ? [] : [{ topic, partition }]));
  }

  async #ask(partitions: readonly PartitionRef[]): Promise<void> {
    const { source } = this.#ports;
    const { topics } = await source.metadata([...new Set(partitions.map(({ topic }) => topic))], () => undefined);
    const leaderOf = ({ topic, partition }: PartitionRef): number | undefined =>
      topics.get(topic)?.partitions.find((each) => each.partition === partition)?.leader;
    const heard = new Map(this.#heard);
    for (const [leader, led] of Map.groupBy(partitions, leaderOf)) {
      if (leader === undefined) continue;
      const answers = await openTransactions(await source.broker(leader, 'control'), led);
      for (const [key, open] of answers) heard.set(key, open.toSorted(byOffset).slice(0, openAtCutMax).map(viewOf));
    }
    this.#heard = heard;
  }
}

function byOffset(left: OpenTransaction, right: OpenTransaction): number {
  return Number(left.startOffset - right.startOffset);
}

function viewOf({ producerId, startOffset, lastTimestamp }: OpenTransaction): OpenAtCut {
  const timeMs = Number(lastTimestamp);
  return {
    firstOffset: String(startOffset),
    producerId: String(producerId),
    ...(timeMs >= 0 && timeMs <= newestTimeMs ? { lastRecordAt: new Date(timeMs).toISOString() } : {}),
  };
}
