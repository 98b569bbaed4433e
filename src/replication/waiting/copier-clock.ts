export interface CopierClock {
  /** Monotonic milliseconds. */
  monotonicMs(): number;
  now(): Date;
}
