import { type CanaryTopicStatus, gapWindowMs } from './write-status.ts';

/** How one observer's writing to the canary topics of a link goes, through all their generations. Counts never fall. */
export interface CanaryLinkStatus {
  readonly link: string;
  readonly acked: number;
  readonly refused: number;
  readonly unanswered: number;
  /** Since when it is written, in ms since 1970. */
  readonly since: number;
  /** Of the newest acknowledgement: ms since 1970, and how long it took. */
  readonly lastAckAt: number | undefined;
  readonly lastAckMs: number | undefined;
  /** As of its topics; of one that is written no more for {@link gapWindowMs} behind its end. */
  readonly longestGapMs: number | undefined;
}

type TopicStatus = Omit<CanaryTopicStatus, 'sent' | 'topic' | 'sinceTroubleMs' | 'trouble'>;

interface Gap {
  readonly endedMono: number;
  readonly gapMs: number | undefined;
}

/** What is remembered of topics that are written no more, by link. Times are of one monotonic clock. */
export class LinkTally {
  readonly #links = new Map<string, { readonly since: number; sum: TopicStatus | undefined; gaps: readonly Gap[] }>();

  /** A topic of the link is written from now on. `at` in ms since 1970. */
  noteBegun(link: string, at: number): void {
    if (!this.#links.has(link)) this.#links.set(link, { since: at, sum: undefined, gaps: [] });
  }

  /** A topic is written no more: its last status. */
  noteEnded(status: TopicStatus, mono: number): void {
    const known = this.#links.get(status.link);
    if (known === undefined) return;
    known.sum = sum(known.sum, status);
    known.gaps = [...recent(known.gaps, mono), { endedMono: mono, gapMs: status.longestGapMs }];
  }

  /** Links that are written, or were lately, with the statuses of the topics that are written now. */
  statuses(written: readonly TopicStatus[], mono: number): readonly CanaryLinkStatus[] {
    return [...this.#links].flatMap(([link, { since, sum: ended, gaps }]) => {
      const own = written.filter((status) => status.link === link);
      const late = recent(gaps, mono);
      if (own.length + late.length === 0) return [];
      const all = own.reduce<TopicStatus | undefined>(sum, ended);
      if (all === undefined) return [];
      const { acked, refused, unanswered, lastAckAt, lastAckMs } = all;
      const longest = [...own.map(({ longestGapMs }) => longestGapMs), ...late.map(({ gapMs }) => gapMs)];
      const known = longest.filter((gapMs) => gapMs !== undefined);
      const longestGapMs = known.length === 0 ? undefined : Math.max(...known);
      return [{ link, since, acked, refused, unanswered, lastAckAt, lastAckMs, longestGapMs }];
    });
  }
}

function recent(gaps: readonly Gap[], mono: number): readonly Gap[] {
  return gaps.filter(({ endedMono }) => mono - endedMono <= gapWindowMs);
}

function sum(left: TopicStatus | undefined, right: TopicStatus): TopicStatus {
  if (left === undefined) return right;
  const newer = (left.lastAckAt ?? -Infinity) > (right.lastAckAt ?? -Infinity) ? left : right;
  return {
    ...newer,
    acked: left.acked + right.acked,
    refused: left.refused + right.refused,
    unanswered: left.unanswered + right.unanswered,
  };
}
