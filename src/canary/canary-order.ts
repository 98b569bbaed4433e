/** Where a record stands, and what its life knew when it sent the next one. */
export interface Standing {
  /** Only records of one life have an order. */
  readonly writer: string;
  readonly sequence: number;
  readonly offset: bigint;
  /** Whether it was acknowledged: then whatever was sent later must stand behind it. */
  readonly acked: boolean;
}

export interface OutOfOrder<S extends Standing> {
  /** They stand before one that had been acknowledged when they were sent. */
  readonly early: ReadonlySet<S>;
  /** They were acknowledged, and one that was sent later stands before them. */
  readonly late: ReadonlySet<S>;
}

/** A life sends a record when the one before was answered or given up; the latter may come late. Pure. */
export function outOfOrder<S extends Standing>(standings: readonly S[]): OutOfOrder<S> {
  const early = new Set<S>();
  const late = new Set<S>();
  for (const own of Map.groupBy(standings, ({ writer }) => writer).values()) {
    const inOrder = own.toSorted((left, right) => left.sequence - right.sequence);
    let farthest = -1n;
    for (const each of inOrder) {
      if (farthest > each.offset) early.add(each);
      if (each.acked && each.offset > farthest) farthest = each.offset;
    }
    let nearest: bigint | undefined;
    for (const each of inOrder.toReversed()) {
      if (each.acked && nearest !== undefined && nearest < each.offset) late.add(each);
      if (nearest === undefined || each.offset < nearest) nearest = each.offset;
    }
  }
  return { early, late };
}
