/**
 * What applications of one topic were told: where each acknowledged record is, and which records were aborted. What was
 * neither acknowledged nor aborted may be there or not: the source's log says.
 */
export class Ledger {
  readonly #acknowledged = new Map<string, string>();
  readonly #aborted = new Set<string>();

  /** Records with ids in the order in which they were sent to one partition, the first at `baseOffset`. */
  acknowledge(partition: number, baseOffset: bigint, ids: readonly string[]): void {
    for (const [index, id] of ids.entries()) {
      this.#acknowledged.set(placeOf(partition, baseOffset + BigInt(index)), id);
    }
  }

  abort(ids: readonly string[]): void {
    for (const id of ids) this.#aborted.add(id);
  }

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  get aborted(): number {
    return this.#aborted.size;
  }

  /** Holds what a consumer of the copy was given against what was promised; one line per broken promise. */
  audit(records: Iterable<ReadRecord>): readonly string[] {
    const problems: string[] = [];
    const seen = new Set<string>();
    let missing = this.#acknowledged.size;
    for (const { partition, offset, id } of records) {
      const place = placeOf(partition, offset);
      if (seen.has(place)) problems.push(`${place} was delivered twice`);
      seen.add(place);
      const promised = this.#acknowledged.get(place);
      if (promised !== undefined) missing -= 1;
      if (promised !== undefined && promised !== id)
        problems.push(`${place} holds ${id}, acknowledged was ${promised}`);
      if (this.#aborted.has(id)) problems.push(`${place} holds ${id}, which was aborted`);
    }
    if (missing > 0) {
      const first = [...this.#acknowledged].find(([place]) => !seen.has(place));
      problems.push(`${missing} acknowledged records are not there, the first is ${first?.[1]} at ${first?.[0]}`);
    }
    return problems;
  }
}

export interface ReadRecord {
  readonly partition: number;
  readonly offset: bigint;
  readonly id: string;
}

function placeOf(partition: number, offset: bigint): string {
  return `${partition}/${offset}`;
}
