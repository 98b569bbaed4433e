import { ExposureClock, type Question } from '../../exposure/exposure-clock.ts';

interface Sample {
  readonly end: bigint;
  readonly atMs: number;
}

export interface Lag {
  readonly records: bigint;
  /** How long the copy has been known to lack the oldest record it lacks; 0 when level. */
  readonly seconds: number;
  /** Age of the newest answer of the source; absent before the first. */
  readonly sampleAgeMs: number | undefined;
  /** Offsets above an open transaction at the source, and how long its beginning is known. Not lag: nobody may copy them. */
  readonly heldBack: { readonly records: bigint; readonly seconds: number } | undefined;
}

const samplesMax = 64;

/**
 * How far a copy is behind, by our own monotonic clock. Record timestamps are not used: they are the producer's and
 * may say anything. Each look at the source's end is remembered until the copy has passed it; the oldest one not yet
 * passed tells since when the copy is behind. When the source falls silent the age of the sample grows, the lag stays
 * what it was: a figure without its age means nothing.
 */
export class LagClock {
  /** What the source's death would cost: by its high watermark, and going on while it is silent. */
  readonly exposure: ExposureClock;
  #samples: Sample[] = [];
  #newest: Sample | undefined;
  #held: { readonly from: bigint; readonly to: bigint; readonly sinceMs: number } | undefined;
  /** When the source last said that it ends at `#newest`. */
  #confirmedAtMs = 0;

  constructor(nowMs = 0) {
    this.exposure = new ExposureClock(nowMs);
  }

  /** The source's end (last stable offset) and its high watermark as just answered. */
  observe(end: bigint, nowMs: number, highWatermark = end, asked?: Question): void {
    const sinceMs = this.#held?.from === end ? this.#held.sinceMs : nowMs;
    this.#held = highWatermark > end ? { from: end, to: highWatermark, sinceMs } : undefined;
    this.#newest = { end, atMs: nowMs };
    this.#confirmedAtMs = nowMs;
    this.exposure.observe(highWatermark > end ? highWatermark : end, nowMs, asked);
    const last = this.#samples.at(-1);
    if (last !== undefined && end <= last.end) return;
    this.#samples.push(this.#newest);
    // Thinned from the newer side: the oldest sample not yet passed is the one that counts.
    if (this.#samples.length > samplesMax) this.#samples.splice(samplesMax / 2, 1);
  }

  /** The source was asked again and had nothing new. */
  confirm(nowMs: number, asked?: Question): void {
    this.#confirmedAtMs = nowMs;
    this.exposure.confirm(nowMs, asked);
  }

  get sourceEnd(): bigint | undefined {
    return this.#newest?.end;
  }

  /** The copy now ends at `end`. */
  passed(end: bigint): void {
    this.exposure.copiedTo(end);
    while ((this.#samples[0]?.end ?? end + 1n) <= end) this.#samples.shift();
  }

  read(copyEnd: bigint, nowMs: number): Lag {
    if (this.#newest === undefined) return { records: 0n, seconds: 0, sampleAgeMs: undefined, heldBack: undefined };
    const records = this.#newest.end > copyEnd ? this.#newest.end - copyEnd : 0n;
    // Looks at a source that had nothing new are not passed by an append: the copy was there already.
    const since = this.#samples.find((sample) => sample.end > copyEnd)?.atMs;
    const seconds = records === 0n || since === undefined ? 0 : Math.max(0, (nowMs - since) / 1000);
    const held = this.#held;
    return {
      records,
      seconds,
      sampleAgeMs: Math.max(0, Math.round(nowMs - this.#confirmedAtMs)),
      heldBack: held && { records: held.to - held.from, seconds: (nowMs - held.sinceMs) / 1000 },
    };
  }
}
