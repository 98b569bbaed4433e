export interface ProofRate {
  /** Part of the best rate the link has reached, in (0, 1]. */
  readonly share: number;
  /** A quiet link is proved as well. */
  readonly bytesPerSecondMin: number;
}

/** The best rate is that of a whole stretch of this length. */
const stretchMs = 10_000;

/**
 * How many bytes the proof may read now: a share of what the link is known to carry. A debt is paid by waiting.
 * Times are monotonic milliseconds.
 */
export class ProofBudget {
  readonly #rate: ProofRate;
  readonly #bytesCopied: () => number;
  #bestBytesPerMs = 0;
  #stretch: { readonly fromMs: number; readonly copied: number } | undefined;
  #balance = 0;
  #countedAtMs: number | undefined;

  constructor(rate: ProofRate, bytesCopied: () => number) {
    this.#rate = rate;
    this.#bytesCopied = bytesCopied;
  }

  spend(bytes: number): void {
    this.#balance -= bytes;
  }

  /** 0 when something may be read now. */
  msUntilReady(nowMs: number): number {
    const perMs = this.#bytesPerMs(nowMs);
    const earned = (nowMs - (this.#countedAtMs ?? nowMs)) * perMs;
    this.#countedAtMs = nowMs;
    // What was not used is not saved up.
    this.#balance = Math.min(0, this.#balance + earned);
    return this.#balance < 0 ? Math.ceil(-this.#balance / perMs) : 0;
  }

  #bytesPerMs(nowMs: number): number {
    const copied = this.#bytesCopied();
    this.#stretch ??= { fromMs: nowMs, copied };
    const ms = nowMs - this.#stretch.fromMs;
    if (ms >= stretchMs) {
      this.#bestBytesPerMs = Math.max(this.#bestBytesPerMs, (copied - this.#stretch.copied) / ms);
      this.#stretch = { fromMs: nowMs, copied };
    }
    return Math.max(this.#rate.bytesPerSecondMin / 1000, this.#rate.share * this.#bestBytesPerMs);
  }
}
