/** Below this nothing is gained: a broker delivers one whole batch whatever is asked for (KIP-74). */
const bytesMin = 64 * 1024;

/**
 * How much to move in one exchange. A path that breaks, or is too slow for an exchange to end in time, may carry less
 * at once: every failure halves the size, every success doubles it again up to the bound.
 */
export class AdaptiveSize {
  readonly #bytesMax: number;
  #bytes: number;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#bytes = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  succeeded(): void {
    this.#bytes = Math.min(this.#bytesMax, this.#bytes * 2);
  }

  failed(): void {
    this.#bytes = Math.min(this.#bytesMax, Math.max(bytesMin, Math.floor(this.#bytes / 2)));
  }
}
