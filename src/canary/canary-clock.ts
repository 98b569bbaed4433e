/** Where canaries get time from. */
export interface CanaryClock {
  /** Monotonic milliseconds: only differences within one process mean anything. */
  monotonicMs(): number;
  now(): Date;
}

/** Resolves after so many ms, or as soon as the signal fires. Never rejects. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;
