/**
 * Whether a broker may still be working on an append to one partition of which nobody knows the answer: one of ours, or,
 * before the first resume, of who had the partition before. Whoever gives the partition to somebody else, or says where it
 * ends, has to wait for it. A resume has waited where there could be one, and knows the log end behind it.
 */
export class Landing {
  #open = true;

  get isOpen(): boolean {
    return this.#open;
  }

  /** An answer did not come, or said something else than what was asked for. */
  lost(): void {
    this.#open = true;
  }

  known(): void {
    this.#open = false;
  }
}
