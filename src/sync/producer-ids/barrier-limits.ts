/** How far ahead an allocator is kept, and what that may cost. */
export interface BarrierLimits {
  /**
   * Ids beyond the highest one that is known, for producers of the source that were given one and have written nothing
   * yet, or only what nobody has read yet.
   */
  readonly reserve: bigint;
  /**
   * In the background a broker is left alone until it is so far behind the highest known id, and then goes all the way
   * to the reserve: two sites that do this towards each other must not chase each other. More than the reserve; the blocks
   * that the source's brokers may lie apart come on top of it.
   */
  readonly slack: bigint;
  /** Ids of all brokers in one round in the background. */
  readonly roundIdsMax: number;
  /** A highest id so far away is not chased in the background: some client made it up, or it is an operator's to decide. */
  readonly chaseIdsMax: bigint;
  /** Every broker is asked where it stands at least that often: it tells how many ids its cluster has given out. */
  readonly askMs: number;
  /** Longest time for {@link IdBarrier.finish}, unless it is told another one. */
  readonly finishMsMax: number;
  /** Assumed while nothing was measured yet. */
  readonly idsPerSecond: number;
}

export const defaultBarrierLimits: BarrierLimits = {
  reserve: 2_000n,
  slack: 4_000n,
  roundIdsMax: 3_000,
  chaseIdsMax: 100_000_000n,
  askMs: 60_000,
  finishMsMax: 60_000,
  idsPerSecond: 5_000,
};
