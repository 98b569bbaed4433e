import type { Logger } from 'pino';
import type { SiteId } from '../pair/site.ts';
import type { CanaryClock, Pause } from './canary-clock.ts';
import { paceMs, troublePauseMs } from './canary-pace.ts';
import { canaryKey, encodeCanary, hashOf } from './canary-record.ts';
import type { CanarySender } from './canary-sender.ts';
import type { CanaryPrimary, CanaryTopic } from './canary-target.ts';
import type { CanaryLedger } from './ledger/canary-ledger.ts';
import type { LedgerEvent } from './ledger/ledger-entry.ts';
import { hasAborted } from './pause.ts';
import type { SendAnswer } from './send-answer.ts';
import { type CanaryTopicStatus, WriteTally } from './write-status.ts';

/** As `CanaryWriterOptions` has them. */
export interface TopicWriterPorts {
  readonly pair: string;
  readonly vantage: string;
  readonly primaryOf: (topic: string) => CanaryPrimary | undefined;
  readonly rate: () => number;
  readonly ledger: CanaryLedger;
  readonly clock: CanaryClock;
  readonly logger: Pick<Logger, 'warn'>;
  readonly pause: Pause;
  readonly openSender: (site: SiteId) => CanarySender;
}

/** A change of the rate is seen so soon. */
const napMsMax = 250;

/** Where one life is in one partition. It outlives the writer: no number is given twice in a life. */
export interface Progress {
  sequence: number;
  /** Hash of the value before. */
  previous: string | null;
}

/** One record on its way. */
interface Attempt {
  readonly partition: number;
  readonly sequence: number;
  readonly primary: CanaryPrimary;
}

/** Writes to one canary topic until it is stopped, each partition at its own pace. */
export class TopicWriter {
  readonly topic: CanaryTopic;
  readonly #ports: TopicWriterPorts;
  readonly #tally = new WriteTally();
  readonly #stopping = new AbortController();
  readonly #closing = new Set<Promise<void>>();
  readonly #running: Promise<unknown>;
  #sender: { readonly primary: CanaryPrimary; readonly sender: CanarySender } | undefined;
  #failed = false;

  /** `progressOf` a partition is changed as it goes on. */
  constructor(topic: CanaryTopic, progressOf: (partition: number) => Progress, ports: TopicWriterPorts) {
    this.topic = topic;
    this.#ports = ports;
    const partitions = Array.from({ length: topic.partitions }, (_, partition) => partition);
    this.#running = Promise.all(partitions.map((each) => this.#writePartition(each, progressOf(each))));
  }

  status(mono: number): CanaryTopicStatus {
    return { topic: this.topic.name, link: this.topic.link, ...this.#tally.status(mono) };
  }

  /** Behind what is under way. Never rejects. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    this.#leave();
    await Promise.all(this.#closing);
  }

  /** Never rejects. */
  async #writePartition(partition: number, progress: Progress): Promise<void> {
    const { clock, rate, pause } = this.#ports;
    const { signal } = this.#stopping;
    let begunMono = -Infinity;
    while (!hasAborted(signal)) {
      const mono = clock.monotonicMs();
      const leftMs = begunMono + paceMs(rate(), this.#tally.troubleMs(partition, mono)) - mono;
      // A rate of 0 before anything was sent: neither is there a begin nor an end.
      if (!(leftMs <= 0)) {
        await pause(Math.min(Number.isNaN(leftMs) ? Infinity : leftMs, napMsMax), signal);
        continue;
      }
      begunMono = mono;
      try {
        await this.#writeOne(partition, progress);
      } catch (error) {
        this.#noteFailure(partition, error);
      }
    }
  }

  /** Rejects when the ledger takes nothing: then nothing is sent. */
  async #writeOne(partition: number, progress: Progress): Promise<void> {
    const { clock, ledger, pair, vantage, primaryOf } = this.#ports;
    const primary = primaryOf(this.topic.name);
    if (primary === undefined) {
      this.#tally.noteTrouble(partition, 'nobody knows who is primary', clock.monotonicMs());
      return;
    }
    const sender = this.#senderFor(primary);
    const { sequence, previous } = progress;
    const id = { vantage, life: ledger.life, partition, sequence };
    const sentAt = { at: clock.now().getTime(), mono: clock.monotonicMs() };
    const value = encodeCanary({
      ...{ pair, link: this.topic.link, term: primary.term, ...id },
      ...{ wallMs: sentAt.at, monoMs: sentAt.mono, previous },
    });
    const hash = hashOf(value);
    const attempt = { partition, sequence, primary };
    await ledger.append([{ kind: 'sent', ...this.#common(attempt, sentAt), hash }]);
    this.#failed = false;
    // From here on it may be there: no other record is ever given its number.
    progress.sequence += 1;
    progress.previous = hash;
    this.#tally.noteSent();
    const begun = clock.monotonicMs();
    const sending = sender.send({ topic: this.topic.name, partition, key: canaryKey(id), value });
    const answer = await this.#unlessMoved(primary, sending);
    const time = { at: clock.now().getTime(), mono: clock.monotonicMs() };
    const ms = time.mono - begun;
    this.#tally.noteAnswer(partition, answer, { ...time, ms });
    await ledger.append([eventOf(answer, this.#common(attempt, time), ms)]);
  }

  /** A site that hangs must not hold up the first write at the other one: what is under way there is given up then. */
  async #unlessMoved(primary: CanaryPrimary, sending: Promise<SendAnswer>): Promise<SendAnswer> {
    const { pause, primaryOf } = this.#ports;
    const answered = new AbortController();
    const moved = async (): Promise<SendAnswer> => {
      while (!hasAborted(answered.signal)) {
        await pause(troublePauseMs, answered.signal);
        const now = primaryOf(this.topic.name);
        if (now !== undefined && now.site !== primary.site && now.term > primary.term) break;
      }
      return { kind: 'unanswered', error: 'nobody had answered when the primary moved', type: undefined };
    };
    try {
      return await Promise.race([sending, moved()]);
    } finally {
      answered.abort();
    }
  }

  #common({ partition, sequence, primary }: Attempt, { at, mono }: { at: number; mono: number }): CommonFields {
    const { name: topic, link } = this.topic;
    return { at, mono, topic, link, partition, sequence, site: primary.site, term: primary.term };
  }

  /**
   * A producer keeps its id as long as it lives, and a site that it comes back to remembers an older sequence of it: each
   * term has one of its own.
   */
  #senderFor(primary: CanaryPrimary): CanarySender {
    const present = this.#sender;
    if (present?.primary.site === primary.site && present.primary.term === primary.term) return present.sender;
    this.#leave();
    const sender = this.#ports.openSender(primary.site);
    this.#sender = { primary, sender };
    return sender;
  }

  #leave(): void {
    const left = this.#sender;
    this.#sender = undefined;
    if (left === undefined) return;
    const closed = left.sender.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  #noteFailure(partition: number, error: unknown): void {
    const { clock, logger, vantage } = this.#ports;
    const reason = error instanceof Error ? error.message : String(error);
    this.#tally.noteTrouble(partition, `no record can be sent: ${reason}`, clock.monotonicMs());
    if (this.#failed) return;
    this.#failed = true;
    logger.warn({ err: error, vantage, topic: this.topic.name }, 'no canary record can be sent; trying again');
  }
}

type CommonFields = Omit<Extract<LedgerEvent, { kind: 'sent' }>, 'kind' | 'hash'>;

function eventOf(answer: SendAnswer, common: CommonFields, ms: number): LedgerEvent {
  return answer.kind === 'acked'
    ? { kind: 'acked', ...common, offset: answer.offset, ms }
    : { kind: answer.kind, ...common, error: answer.error };
}
