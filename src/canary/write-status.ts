import type { SendAnswer } from './send-answer.ts';

/** How one observer's writing to one canary topic goes. */
export interface CanaryTopicStatus {
  readonly topic: string;
  readonly link: string;
  readonly sent: number;
  readonly acked: number;
  readonly refused: number;
  readonly unanswered: number;
  /** Of the newest acknowledgement: ms since 1970, and how long it took. */
  readonly lastAckAt: number | undefined;
  readonly lastAckMs: number | undefined;
  /** Since the last acknowledgement of the partition that waits longest, where the newest try of it failed; else undefined. */
  readonly sinceTroubleMs: number | undefined;
  /** What stands in the way, where something does. */
  readonly trouble: string | undefined;
  /** Between two acknowledgements of one partition, or since the newest, within the last {@link gapWindowMs}. */
  readonly longestGapMs: number | undefined;
}

export const gapWindowMs = 600_000;
const bucketMs = 60_000;

/** What became of the writes to one topic, counted. Times are of one monotonic clock. */
export class WriteTally {
  #sent = 0;
  readonly #counts = { acked: 0, refused: 0, unanswered: 0 };
  #lastAck: { readonly at: number; readonly ms: number } | undefined;
  readonly #lastAckMono = new Map<number, number>();
  readonly #troubles = new Map<number, { readonly sinceMono: number; readonly why: string }>();
  /** By the minute in which they ended. */
  readonly #gaps = new Map<number, number>();

  noteSent(): void {
    this.#sent += 1;
  }

  noteAnswer(
    partition: number,
    answer: SendAnswer,
    time: { readonly at: number; readonly mono: number; readonly ms: number },
  ): void {
    this.#counts[answer.kind] += 1;
    if (answer.kind !== 'acked') {
      this.noteTrouble(partition, answer.error, time.mono);
      return;
    }
    const { at, mono, ms } = time;
    this.#troubles.delete(partition);
    this.#lastAck = { at, ms };
    const gap = mono - (this.#lastAckMono.get(partition) ?? mono);
    this.#lastAckMono.set(partition, mono);
    const bucket = Math.floor(mono / bucketMs);
    this.#gaps.set(bucket, Math.max(gap, this.#gaps.get(bucket) ?? 0));
    for (const old of this.#gaps.keys()) if (old < bucket - gapWindowMs / bucketMs) this.#gaps.delete(old);
  }

  /** It could not even be sent. */
  noteTrouble(partition: number, why: string, mono: number): void {
    const sinceMono = this.#troubles.get(partition)?.sinceMono ?? this.#lastAckMono.get(partition) ?? mono;
    this.#troubles.set(partition, { sinceMono, why });
  }

  /** How long the trouble of this partition lasts; undefined where there is none. */
  troubleMs(partition: number, mono: number): number | undefined {
    const trouble = this.#troubles.get(partition);
    return trouble === undefined ? undefined : mono - trouble.sinceMono;
  }

  status(mono: number): Omit<CanaryTopicStatus, 'topic' | 'link'> {
    const worst = [...this.#troubles.values()].toSorted((left, right) => left.sinceMono - right.sinceMono)[0];
    const oldest = Math.floor(mono / bucketMs) - gapWindowMs / bucketMs;
    const gaps = [...this.#gaps].filter(([bucket]) => bucket >= oldest).map(([, gap]) => gap);
    const open = [...this.#lastAckMono.values()].map((last) => mono - last);
    const longest = Math.max(...gaps, ...open);
    return {
      ...{ sent: this.#sent, ...this.#counts },
      ...{ lastAckAt: this.#lastAck?.at, lastAckMs: this.#lastAck?.ms },
      sinceTroubleMs: worst === undefined ? undefined : mono - worst.sinceMono,
      trouble: worst?.why,
      longestGapMs: open.length === 0 ? undefined : longest,
    };
  }
}
