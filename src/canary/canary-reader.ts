import { Consumer } from '@platformatic/kafka';
import type { Logger } from 'pino';
import type { ClusterConfig } from '../kafka/cluster-config.ts';
import { ordinaryClient } from '../kafka/ordinary-client.ts';
import type { SiteId } from '../pair/site.ts';
import type { CanaryClock, Pause } from './canary-clock.ts';
import { decodeCanary } from './canary-record.ts';
import type { CanaryPrimary, CanaryTopic } from './canary-target.ts';
import { fetchFrom, type Leader, leadersOf, offsetsOf } from './fetch-canaries.ts';
import { type Gap, longestGap, type Mark, type Span } from './gaps.ts';
import { paceMs } from './canary-pace.ts';
import { hasAborted, pause as processPause } from './pause.ts';

export interface CanaryReaderOptions {
  readonly pair: string;
  readonly vantage: string;
  /** As an application reaches them. */
  readonly sites: Readonly<Record<SiteId, ClusterConfig>>;
  readonly topics: () => readonly CanaryTopic[];
  readonly primaryOf: (topic: string) => CanaryPrimary | undefined;
  readonly clock: CanaryClock;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** Default the process's own. */
  readonly pause?: Pause;
}

/** How one observer's reading of one canary topic goes. */
export interface CanaryReadStatus {
  readonly topic: string;
  readonly link: string;
  /** Records of canaries, of all observers. */
  readonly records: number;
  /** ms since 1970 of the newest read, and how long before that it was sent, by the clocks of both. */
  readonly lastReadAt: number | undefined;
  readonly lastReadMs: number | undefined;
  /** Since reading began to fail; undefined where it does not. */
  readonly sinceTroubleMs: number | undefined;
  readonly trouble: string | undefined;
}

/** The longest time without a read, of the partition of a link that had to wait longest. */
export interface ReadGap extends Gap {
  readonly vantage: string;
  readonly link: string;
}

export interface CanaryReader {
  status(): readonly CanaryReadStatus[];
  /** Per link; of what was read within the newest {@link marksMax} records of each topic. */
  gaps(span: Span): readonly ReadGap[];
  /** Resolves when nothing is under way any more. Never rejects. */
  stop(): Promise<void>;
}

export const marksMax = 50_000;
const lookMs = 200;
/** A broker holds an answer back for so long while there is nothing to read. */
const fetchWaitMs = 500;
const timeoutMs = 3_000;

/**
 * An application that reads every canary topic at its primary, `read_committed`, from its end on. Without a group: joining
 * one can take longer than a move. It goes on at the same offset wherever the primary is. Never throws.
 */
export function startCanaryReader(options: CanaryReaderOptions): CanaryReader {
  const { clock, logger, topics, vantage } = options;
  const readers = new Map<string, TopicReader>();
  /** Of those that read now: how to end it, and its end. */
  const reading = new Map<string, { readonly ending: AbortController; readonly over: Promise<void> }>();
  const stopping = new AbortController();
  const pause = options.pause ?? processPause;
  const look = (): void => {
    const wanted = new Map(topics().map((topic) => [topic.name, topic]));
    for (const [name, { ending }] of reading) if (!wanted.has(name)) ending.abort();
    for (const topic of wanted.values()) {
      if (reading.has(topic.name)) continue;
      const reader = readers.get(topic.name) ?? new TopicReader(topic, { ...options, pause });
      readers.set(topic.name, reader);
      const ending = new AbortController();
      const over = reader.run(ending.signal).finally(() => reading.delete(topic.name));
      reading.set(topic.name, { ending, over });
    }
  };
  const loop = async (): Promise<void> => {
    while (!hasAborted(stopping.signal)) {
      try {
        look();
      } catch (error) {
        logger.warn({ err: error, vantage }, 'which canary topics there are is not known; those before are read on');
      }
      await pause(lookMs, stopping.signal);
    }
    for (const { ending } of reading.values()) ending.abort();
    await Promise.all([...reading.values()].map(({ over }) => over));
  };
  const running = loop();
  return {
    status: () => [...reading.keys()].flatMap((name) => readers.get(name)?.status(clock.monotonicMs()) ?? []),
    gaps: (span) => [...readers.values()].flatMap((reader) => reader.gap(span) ?? []),
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

class TopicReader {
  readonly topic: CanaryTopic;
  readonly #options: CanaryReaderOptions & { readonly pause: Pause };
  /** By partition where to go on. */
  readonly #next = new Map<number, bigint>();
  #marks: Mark[] = [];
  #records = 0;
  #last: { readonly at: number; readonly ms: number } | undefined;
  #trouble: { readonly sinceMono: number; readonly why: string } | undefined;

  constructor(topic: CanaryTopic, options: CanaryReaderOptions & { readonly pause: Pause }) {
    this.topic = topic;
    this.#options = options;
  }

  status(mono: number): CanaryReadStatus {
    return {
      ...{ topic: this.topic.name, link: this.topic.link, records: this.#records },
      ...{ lastReadAt: this.#last?.at, lastReadMs: this.#last?.ms },
      sinceTroubleMs: this.#trouble === undefined ? undefined : mono - this.#trouble.sinceMono,
      trouble: this.#trouble?.why,
    };
  }

  gap(span: Span): ReadGap | undefined {
    const gap = longestGap(this.#marks, span);
    return gap && { vantage: this.#options.vantage, link: this.topic.link, ...gap };
  }

  /** Until the signal fires. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, pause, vantage, primaryOf } = this.#options;
    while (!hasAborted(signal)) {
      const primary = primaryOf(this.topic.name);
      if (primary !== undefined) {
        try {
          await this.#readAt(primary, signal);
          continue;
        } catch (error) {
          if (this.#trouble === undefined)
            logger.info(
              { err: error, vantage, topic: this.topic.name },
              'the canary topic cannot be read; trying again',
            );
          this.#noteTrouble(error instanceof Error ? error.message : String(error));
        }
      } else this.#noteTrouble('nobody knows who is primary');
      const troubleMs = clock.monotonicMs() - (this.#trouble?.sinceMono ?? 0);
      await pause(paceMs(1, troubleMs), signal);
    }
  }

  /** Until somebody else is primary. Rejects when the site does not answer as it should. */
  async #readAt(primary: CanaryPrimary, signal: AbortSignal): Promise<void> {
    const { sites, pair, vantage, primaryOf } = this.#options;
    const clientId = `umbra-canary-${pair}-${vantage}`;
    const consumer = new Consumer({
      ...ordinaryClient(sites[primary.site], { clientId, timeoutMs }),
      groupId: clientId,
    });
    try {
      const leaders = await leadersOf(consumer, this.topic.name);
      await this.#settlePositions(consumer);
      const byNode = [...Map.groupBy(leaders, ({ node }) => node).values()];
      const isPrimary = (): boolean => {
        const now = primaryOf(this.topic.name);
        return now === undefined || (now.site === primary.site && now.term === primary.term);
      };
      while (!hasAborted(signal) && isPrimary())
        await Promise.all(byNode.map((own) => this.#fetch(consumer, own, primary.site)));
    } finally {
      // Not waited for: what is under way with a silent broker ends by its own bound.
      consumer.close(true).catch(() => undefined);
    }
  }

  /** At the end, the first time; where it was, later. Where a log ends or begins elsewhere by now, there. */
  async #settlePositions(consumer: Consumer): Promise<void> {
    const ends = await offsetsOf(consumer, this.topic.name, 'stable');
    const starts = await offsetsOf(consumer, this.topic.name, 'earliest');
    for (const [partition, end] of ends.entries()) {
      const start = starts[partition] ?? 0n;
      const wanted = this.#next.get(partition) ?? end;
      this.#next.set(partition, wanted > end ? end : wanted < start ? start : wanted);
    }
  }

  async #fetch(consumer: Consumer, leaders: readonly Leader[], site: SiteId): Promise<void> {
    const { clock } = this.#options;
    const positions = leaders.map((leader) => ({ ...leader, offset: this.#next.get(leader.partition) ?? 0n }));
    const { records, next } = await fetchFrom(consumer, positions, fetchWaitMs);
    const [at, mono] = [clock.now().getTime(), clock.monotonicMs()];
    this.#trouble = undefined;
    for (const { partition, value } of records) {
      const canary = decodeCanary(value?.toString() ?? '');
      if (canary === undefined) continue;
      this.#records += 1;
      this.#last = { at, ms: Math.max(0, at - canary.wallMs) };
      this.#marks.push({ topic: this.topic.name, partition, site, life: 'reader', at, mono });
    }
    if (this.#marks.length > marksMax) this.#marks = this.#marks.slice(-marksMax / 2);
    for (const [partition, offset] of next) this.#next.set(partition, offset);
  }

  #noteTrouble(why: string): void {
    this.#trouble = { sinceMono: this.#trouble?.sinceMono ?? this.#options.clock.monotonicMs(), why };
  }
}
