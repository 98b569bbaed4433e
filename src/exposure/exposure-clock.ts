import type { ExposureFacts } from './exposure.ts';
import { ProductionRate } from './production-rate.ts';

/** The question that an answer belongs to. */
export interface Question {
  readonly atMs: number;
  /** So long the source may have kept the answer back, until it had something new. */
  readonly heldMsMax: number;
}

interface Look {
  readonly end: bigint;
  atMs: number;
}

const looksMax = 64;
/** What was seen before so many records counts half. */
const weighedRecordsMax = 10_000;

/**
 * What would be lost of one partition if its source died, by our own monotonic clock: record timestamps are the
 * producer's and may say anything.
 *
 * ```
 *   look        look    look (newest answer)          now
 *   ends at 5   at 9    ends at 9 still
 * ───┴───────────┴───────┴─────────────────────────────┴─▶
 *   the copy ends at 5: it had everything then, so what it lacks is at most that old ◀── levelAgeMs
 * ```
 * An offset is at most as old as the newest look that did not show it yet. A look is as old as its question: what came
 * after it need not be in the answer, however long that was on its way. Ends are high watermarks: everything below is
 * acknowledged. A partition that gets nothing costs a few numbers.
 */
export class ExposureClock {
  readonly #sinceMs: number;
  readonly #rate: ProductionRate;
  #copied: bigint | undefined;
  #end: bigint | undefined;
  #answeredAtMs = 0;
  #levelAtMs: number | undefined;
  #moving = false;
  /** Not yet passed by the copy, oldest first. */
  #looks: Look[] = [];
  #weighed = { records: 0, bytes: 0 };

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
    this.#rate = new ProductionRate(nowMs);
  }

  /** The source's high watermark as just answered. `asked`: default just now. */
  observe(end: bigint, nowMs: number, asked: Question = { atMs: nowMs, heldMsMax: 0 }): void {
    const produced = this.#end !== undefined && end > this.#end ? Number(end - this.#end) : 0;
    const leftAtMs = this.#leftAtMs(nowMs, asked);
    if (this.#end !== undefined) this.#rate.add(produced, this.#answeredAtMs, leftAtMs);
    this.#moving = produced > 0;
    this.#end = end;
    this.#answeredAtMs = leftAtMs;
    if (this.#copied !== undefined && end <= this.#copied) {
      this.#looks = [];
      this.#levelAtMs = asked.atMs;
      return;
    }
    // A source that lost records never had them for us.
    while ((this.#looks.at(-1)?.end ?? end) > end) this.#looks.pop();
    const last = this.#looks.at(-1);
    if (last?.end === end) last.atMs = asked.atMs;
    else this.#looks.push({ end, atMs: asked.atMs });
    // Thinned in the middle: an offset is then dated by an older look, so never too young.
    if (this.#looks.length > looksMax) this.#looks.splice(looksMax / 2, 1);
  }

  /** The source was asked again and had nothing new. */
  confirm(nowMs: number, asked: Question = { atMs: nowMs, heldMsMax: 0 }): void {
    if (this.#end === undefined) return;
    const leftAtMs = this.#leftAtMs(nowMs, asked);
    this.#rate.add(0, this.#answeredAtMs, leftAtMs);
    this.#moving = false;
    this.#answeredAtMs = leftAtMs;
    const last = this.#looks.at(-1);
    if (last === undefined) this.#levelAtMs = asked.atMs;
    else last.atMs = asked.atMs;
  }

  /** The copy now ends at `end`. */
  copiedTo(end: bigint): void {
    const lost = this.#copied !== undefined && end < this.#copied;
    this.#copied = end;
    for (let [look] = this.#looks; look !== undefined && look.end <= end; [look] = this.#looks) {
      this.#levelAtMs = look.atMs;
      this.#looks.shift();
    }
    if (!lost) return;
    // The target has not got what it had: what is missing now came at some time since we look.
    this.#levelAtMs = this.#sinceMs;
    if (this.#looks.length === 0 && this.#end !== undefined)
      this.#looks.push({ end: this.#end, atMs: this.#answeredAtMs });
  }

  /** Batches of the source that were seen. */
  weigh({ records, bytes }: { readonly records: number; readonly bytes: number }): void {
    const old = this.#weighed.records > weighedRecordsMax ? 0.5 : 1;
    this.#weighed.records = this.#weighed.records * old + records;
    this.#weighed.bytes = this.#weighed.bytes * old + bytes;
  }

  facts(nowMs: number): ExposureFacts {
    const { records, bytes } = this.#weighed;
    const missing = this.#end === undefined ? 0n : this.#end - (this.#copied ?? 0n);
    return {
      ...(this.#end === undefined ? {} : { answerAgeMs: Math.max(0, nowMs - this.#answeredAtMs) }),
      ...(this.#levelAtMs === undefined ? {} : { levelAgeMs: Math.max(0, nowMs - this.#levelAtMs) }),
      watchedMs: Math.max(0, nowMs - this.#sinceMs),
      missing: missing > 0n ? Number(missing) : 0,
      moving: this.#moving,
      recordsPerSecond: this.#rate.perSecond,
      fastestPerSecond: this.#rate.fastestPerSecond,
      bytesPerRecord: records === 0 ? 0 : bytes / records,
    };
  }

  /** When the source sent the answer at the latest, as far as it did what it was asked: the rest it was on its way. */
  #leftAtMs(nowMs: number, { atMs, heldMsMax }: Question): number {
    return Math.max(this.#answeredAtMs, Math.min(nowMs, atMs + heldMsMax));
  }
}
