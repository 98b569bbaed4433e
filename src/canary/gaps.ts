import type { SiteId } from '../pair/site.ts';
import type { AckedEntry, LedgerEntry } from './ledger/ledger-entry.ts';

/** ms since 1970, by the clocks of the observers. */
export interface Span {
  readonly from: number;
  readonly until: number;
}

/** A write that was acknowledged: when, and after how long. */
export interface AckPoint {
  readonly at: number;
  readonly ms: number;
}

/** Something that went well: a write that was acknowledged, or a read. */
export interface Mark {
  readonly topic: string;
  readonly partition: number;
  /** Who answered. */
  readonly site: SiteId;
  /** Only marks of one life have comparable `mono`. */
  readonly life: string;
  readonly at: number;
  readonly mono: number;
}

/** The longest time between two marks of one partition. */
export interface Gap {
  readonly gapMs: number;
  /** It began with this mark, or with the span; it ended with that one, or with the span. */
  readonly from: number;
  readonly until: number;
  readonly topic: string;
  readonly partition: number;
  /** Who answered before it and behind it; undefined where the span begins or ends in it. */
  readonly before: SiteId | undefined;
  readonly after: SiteId | undefined;
}

/** The longest time without an acknowledged write, of the partition of a link that had to wait longest. */
export interface WriteGap extends Gap {
  readonly vantage: string;
  readonly link: string;
  /** Of all partitions of the link, in order, at most {@link ackPointsMax}; those at the ends of the gap among them. */
  readonly acks: readonly AckPoint[];
}

export const ackPointsMax = 500;

/**
 * Per observer and link the longest gap within the span: what a move has cost an application, as it has seen it. The ends
 * of the span count as acknowledgements. Lengths are by the monotonic clock where both ends are of one life. A link of
 * which nothing was acknowledged has none. Pure.
 */
export function gapsOf(entries: Iterable<LedgerEntry>, span: Span): readonly WriteGap[] {
  const acks = [...entries].filter(
    (entry): entry is AckedEntry => entry.kind === 'acked' && entry.at >= span.from && entry.at <= span.until,
  );
  const gaps = [...Map.groupBy(acks, ({ vantage, link }) => `${vantage} ${link}`).values()].flatMap((own) => {
    const gap = longestGap(own, span);
    const [{ vantage, link } = {}] = own;
    if (gap === undefined || vantage === undefined || link === undefined) return [];
    return [{ vantage, link, ...gap, acks: thinned(own, gap) }];
  });
  return gaps.toSorted(
    (left, right) => left.vantage.localeCompare(right.vantage) || left.link.localeCompare(right.link),
  );
}

/** Of the partitions that have a mark; undefined where none has. Marks outside of the span are left out. Pure. */
export function longestGap(marks: Iterable<Mark>, span: Span): Gap | undefined {
  const within = [...marks].filter(({ at }) => at >= span.from && at <= span.until);
  let longest: Gap | undefined;
  for (const own of Map.groupBy(within, ({ topic, partition }) => `${topic}/${partition}`).values()) {
    const inOrder = own.toSorted((left, right) => left.at - right.at);
    const [first] = inOrder;
    if (first === undefined) continue;
    const { topic, partition } = first;
    for (let index = 0; index <= inOrder.length; index++) {
      const [before, after] = [inOrder[index - 1], inOrder[index]];
      const [from, until] = [before?.at ?? span.from, after?.at ?? span.until];
      const sameLife = before !== undefined && before.life === after?.life;
      const gapMs = Math.max(0, sameLife ? after.mono - before.mono : until - from);
      if (longest !== undefined && gapMs <= longest.gapMs) continue;
      longest = { gapMs, from, until, topic, partition, before: before?.site, after: after?.site };
    }
  }
  return longest;
}

function thinned(acks: readonly AckedEntry[], gap: Span): readonly AckPoint[] {
  const points = acks.map(({ at, ms }) => ({ at, ms })).toSorted((left, right) => left.at - right.at);
  if (points.length <= ackPointsMax) return points;
  // The two ends of the gap are what a plot is for.
  const ends = [points.find(({ at }) => at === gap.from), points.find(({ at }) => at === gap.until)];
  const room = ackPointsMax - ends.length;
  const kept = new Set(Array.from({ length: room }, (_, index) => points[Math.floor((index * points.length) / room)]));
  for (const end of ends) kept.add(end);
  return points.filter((point) => kept.has(point));
}
