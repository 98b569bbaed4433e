import type { CopierClock } from '../../replication/waiting/copier-clock.ts';

/** By both clocks: the monotonic one stands still while a machine is suspended, the other one may be set. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** Whether something was confirmed not too long ago, counted from when it was asked for. */
export class Freshness {
  readonly #clock: CopierClock;
  readonly #ageMsMax: number;
  #confirmedAt: Moment | undefined;

  constructor(clock: CopierClock, ageMsMax: number) {
    this.#clock = clock;
    this.#ageMsMax = ageMsMax;
  }

  now(): Moment {
    return { monotonicMs: this.#clock.monotonicMs(), wallMs: this.#clock.now().getTime() };
  }

  /** Answers may come out of order: the newest question counts. */
  confirm(askedAt: Moment): void {
    if (this.#confirmedAt === undefined || askedAt.monotonicMs > this.#confirmedAt.monotonicMs)
      this.#confirmedAt = askedAt;
  }

  get holds(): boolean {
    if (this.#confirmedAt === undefined) return false;
    const now = this.now();
    const { monotonicMs, wallMs } = this.#confirmedAt;
    return Math.max(now.monotonicMs - monotonicMs, now.wallMs - wallMs) < this.#ageMsMax;
  }
}
