const atOnceMax = 16;
const atOnceFirst = 1;
/** What the batches of all comparisons under way may take together; one comparison is always let through. */
const bytesMax = 32 * 1024 * 1024;
/** A comparison holds one batch of each side. */
const sides = 2;

/**
 * How many tails are compared at once. A broker sends a batch whole, however large, and nobody knows its size before:
 * one at first, then as many as batches as large as the largest so far leave room for.
 */
export class TailWidth {
  #largestBytes: number | undefined;

  get now(): number {
    if (this.#largestBytes === undefined) return atOnceFirst;
    const fitting = Math.floor(bytesMax / (sides * Math.max(1, this.#largestBytes)));
    return Math.max(1, Math.min(atOnceMax, fitting));
  }

  /** A read was answered with so many bytes. */
  saw(bytes: number): void {
    this.#largestBytes = Math.max(this.#largestBytes ?? 0, bytes);
  }
}
