export interface OffsetRange {
  readonly from: bigint;
  /** Exclusive. */
  readonly to: bigint;
}

/**
 * What of one partition has been proved: a run that follows the newest offsets, and a sweep that comes up from the
 * log's start through what was left out when the run had to jump ahead.
 *
 * ```
 *   start ▓▓▓▓▓▓▓▓▓ swept ░░░░░░░░░ from ▓▓▓▓▓▓▓▓▓ to ░░░░ end of the copy
 *           proved         not yet          proved      not yet
 * ```
 */
export class ProvenRange {
  #swept = 0n;
  #from: bigint;
  #to: bigint;

  /** Nothing is proved; the run begins at `at`. */
  constructor(at: bigint) {
    this.#from = at;
    this.#to = at;
  }

  /** End of the run: the offsets just below have been proved. */
  get to(): bigint {
    return this.#to;
  }

  /** Offsets below `end` that are not proved. */
  unproved(end: bigint): bigint {
    return this.#from - this.#swept + (end > this.#to ? end - this.#to : 0n);
  }

  /** What to prove next of a copy that ends at `end`: the newest first, then the rest from below. */
  next(end: bigint): OffsetRange | undefined {
    if (this.#to < end) return { from: this.#to, to: end };
    return this.#swept < this.#from ? { from: this.#swept, to: this.#from } : undefined;
  }

  /** `range` begins where {@link next} said. */
  proved({ from, to }: OffsetRange): void {
    if (from === this.#to) this.#to = to;
    else if (from === this.#swept) this.#swept = to < this.#from ? to : this.#from;
  }

  /** The run begins anew at `at`; what is left out between falls to the sweep. */
  restart(at: bigint): void {
    const known = this.#swept === this.#from ? this.#to : this.#swept;
    this.#swept = known < at ? known : at;
    this.#from = at;
    this.#to = at;
  }

  /** The logs begin at `start` now: what was below can no longer be proved, and need not be. */
  raise(start: bigint): void {
    if (this.#swept < start) this.#swept = start;
    if (this.#from < this.#swept) this.#from = this.#swept;
    if (this.#to < this.#from) this.#to = this.#from;
  }
}
