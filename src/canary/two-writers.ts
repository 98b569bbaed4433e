import type { SiteId } from '../pair/site.ts';
import type { AckedEntry, LedgerEntry } from './ledger/ledger-entry.ts';

/** One acknowledgement, and who gave it in which term. */
export interface Acknowledged {
  readonly site: SiteId;
  readonly term: number;
  readonly partition: number;
  readonly offset: bigint;
  readonly sequence: number;
  /** ms since 1970. */
  readonly at: number;
}

/** Two sites took writes of one topic: `late` was sent after `first`, of the other site and a higher term, had been acknowledged. */
export interface TwoWriters {
  readonly topic: string;
  readonly vantage: string;
  readonly life: string;
  readonly first: Acknowledged;
  readonly late: Acknowledged;
}

/**
 * By the monotonic clock of one life, so that no two clocks are compared. A write that was sent before and acknowledged
 * after is none: its answer may have been on the way. The partitions of a topic have one primary. Pure.
 */
export function twoWritersOf(entries: Iterable<LedgerEntry>): readonly TwoWriters[] {
  const lives = Map.groupBy(
    [...entries].filter((entry): entry is AckedEntry => entry.kind === 'acked'),
    ({ topic, vantage, life }) => `${topic} ${vantage} ${life}`,
  );
  return [...lives.values()].flatMap((acks) => {
    /** By term and site the acknowledgement that came first. */
    const first = new Map<string, AckedEntry>();
    for (const ack of acks) {
      const key = `${ack.term} ${ack.site}`;
      if (ack.mono < (first.get(key)?.mono ?? Infinity)) first.set(key, ack);
    }
    return acks.flatMap((late) => {
      const sentMono = late.mono - late.ms;
      const rival = first
        .values()
        .find(({ site, term, mono }) => site !== late.site && term > late.term && mono < sentMono);
      if (rival === undefined) return [];
      const { topic, vantage, life } = late;
      return [{ topic, vantage, life, first: shown(rival), late: shown(late) }];
    });
  });
}

function shown({ site, term, partition, offset, sequence, at }: AckedEntry): Acknowledged {
  return { site, term, partition, offset, sequence, at };
}
