/** A broker of the target as its allocator was last seen. */
export interface BarrierBroker {
  readonly nodeId: number;
  /** Its newest answer: all later ones are higher. Undefined: it has never answered. */
  readonly standsAt: bigint | undefined;
  /** Why it did not answer when it was last asked. */
  readonly trouble: string | undefined;
}

/** How things stand between the producer ids of the source and those that the target will give out next. */
export interface BarrierView {
  /** Of all ids that are known to be in use at the source, or given out there; undefined: none is. */
  readonly highest: bigint | undefined;
  /** What every answer of the target has to be above. */
  readonly past: bigint;
  readonly brokers: readonly BarrierBroker[];
  /** Ids that are still to be asked for, at most, before all brokers that are known are past it. */
  readonly idsLeft: bigint;
  readonly secondsLeft: number;
  /** Brokers that are being brought ahead in the background. */
  readonly advancing: number;
  /** Ids that were asked for to no other end, since this worker leads. */
  readonly burnt: number;
  readonly trouble: string | undefined;
}

interface Reached {
  readonly highest: bigint | undefined;
  /** What was to be passed. */
  readonly past: bigint;
  /** Those of the cluster now, and those it once had that were not past it then. */
  readonly brokers: readonly BarrierBroker[];
  readonly burnt: number;
  readonly tookMs: number;
}

export type FinishedBarrier =
  /** No broker of the target gives out an id that is `past` or below, now or later. */
  | (Reached & { readonly kind: 'held' })
  /**
   * The same of all that answered. These did not: one that is down begins with an id above when it comes back; one that
   * was only cut off from here would go on below, until a round finds it again.
   */
  | (Reached & { readonly kind: 'unreached'; readonly nodeIds: readonly number[]; readonly message: string })
  /** Not in the time that there was, or no broker answered: fresh producers may get ids that are in use. */
  | (Reached & { readonly kind: 'short'; readonly message: string })
  /** Nothing was tried: it would take longer than there is time. */
  | (Reached & {
      readonly kind: 'too-far';
      readonly idsLeft: bigint;
      readonly secondsLeft: number;
      readonly message: string;
    });
