/** Below this nothing is gained: a broker delivers one whole batch whatever is asked for (KIP-74). */
const bytesMin = 64 * 1024;

/** What is known of a batch takes memory and time of its own: of tiny ones no more than this in one exchange. */
const batchesMax = 8_000;

/**
 * How much to move in one exchange. A path that breaks, or is too slow for an exchange to end in time, may carry less
 * at once: every failure halves the size, every success doubles it again up to the bound. Where the last exchange held
 * tiny batches the next one is smaller.
 */
export class AdaptiveSize {
  readonly #bytesMax: number;
  #bytes: number;
  #bytesOfBatches = Infinity;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#bytes = bytesMax;
  }

  get bytes(): number {
    return Math.min(this.#bytes, Math.max(bytesMin, this.#bytesOfBatches));
  }

  /** The last exchange had so many bytes and batches. */
  succeeded(bytes = 0, batches = 0): void {
    this.#bytes = Math.min(this.#bytesMax, this.#bytes * 2);
    this.#bytesOfBatches = batches === 0 ? Infinity : Math.floor((bytes / batches) * batchesMax);
  }

  failed(): void {
    this.#bytes = Math.min(this.#bytesMax, Math.max(bytesMin, Math.floor(this.#bytes / 2)));
  }
}
