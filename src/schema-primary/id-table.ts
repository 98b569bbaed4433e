/** What an id stands for, as one version of a subject says. */
export interface NamedId {
  readonly context: string;
  readonly id: number;
  readonly digest: string;
  readonly guid: string | undefined;
}

/** Ids of one context. */
export interface ContextIds {
  readonly context: string;
  readonly ids: number;
  /** Of those the log names now; undefined without any. */
  readonly highest: number | undefined;
  /** Of all that were ever read, deleted ones included: below it an id may have been given away once. */
  readonly highestSeen: number;
}

/** Ids between 1 and the highest that the log does not name: given to schemas that were deleted for good, or leapt over. */
export interface IdGap {
  readonly context: string;
  readonly from: number;
  readonly to: number;
}

/** One id, more than one schema: whoever reads records by it may get either. */
export interface IdCollision {
  readonly context: string;
  readonly id: number;
  readonly digests: readonly string[];
}

/** `id → digest`, per context, while versions come and go. Several subjects may share an id, with one schema. */
export class IdTable {
  readonly #contexts = new Map<string, Map<number, Map<string, number>>>();
  readonly #guids = new Map<string, number>();
  readonly #highestSeen = new Map<string, number>();
  /** `context id` of ids with more than one digest. */
  readonly #collisions = new Map<string, { readonly context: string; readonly id: number }>();
  #size = 0;

  add({ context, id, digest, guid }: NamedId): void {
    const ids = this.#contexts.get(context) ?? new Map<number, Map<string, number>>();
    this.#contexts.set(context, ids);
    const digests = ids.get(id) ?? new Map<string, number>();
    if (digests.size === 0) this.#size += 1;
    ids.set(id, digests);
    count(digests, digest, 1);
    if (guid !== undefined) count(this.#guids, guid, 1);
    if (digests.size > 1) this.#collisions.set(`${context} ${id}`, { context, id });
    this.#highestSeen.set(context, Math.max(id, this.#highestSeen.get(context) ?? 0));
  }

  remove({ context, id, digest, guid }: NamedId): void {
    const ids = this.#contexts.get(context);
    const digests = ids?.get(id);
    if (ids === undefined || digests === undefined) return;
    count(digests, digest, -1);
    if (guid !== undefined) count(this.#guids, guid, -1);
    if (digests.size < 2) this.#collisions.delete(`${context} ${id}`);
    if (digests.size > 0) return;
    this.#size -= 1;
    ids.delete(id);
    if (ids.size === 0) this.#contexts.delete(context);
  }

  get size(): number {
    return this.#size;
  }

  /** Whether any context names it: a record says the id but not the context. */
  has(id: number): boolean {
    return [...this.#contexts.values()].some((ids) => ids.has(id));
  }

  /** 32 hex digits. */
  hasGuid(guid: string): boolean {
    return this.#guids.has(guid);
  }

  digestsOf(context: string, id: number): readonly string[] {
    return [...(this.#contexts.get(context)?.get(id)?.keys() ?? [])].sort();
  }

  /** Of any context; 0 before the first. */
  get highestSeen(): number {
    return Math.max(0, ...this.#highestSeen.values());
  }

  contexts(): readonly ContextIds[] {
    return [...this.#highestSeen]
      .map(([context, highestSeen]) => {
        const ids = this.#sorted(context);
        return { context, ids: ids.length, highest: ids.at(-1), highestSeen };
      })
      .sort(byContext);
  }

  get collisions(): readonly IdCollision[] {
    return [...this.#collisions.values()]
      .map(({ context, id }) => ({ context, id, digests: this.digestsOf(context, id) }))
      .sort((left, right) => byContext(left, right) || left.id - right.id);
  }

  gaps(): readonly IdGap[] {
    return [...this.#contexts.keys()].sort().flatMap((context) => gapsIn(context, this.#sorted(context)));
  }

  /** `context id digest` of all, in order. */
  lines(): readonly string[] {
    return [...this.#contexts.keys()]
      .sort()
      .flatMap((context) =>
        [...this.#sorted(context)].map((id) => `${context} ${id} ${this.digestsOf(context, id).join(' ')}`),
      );
  }

  #sorted(context: string): Float64Array {
    return Float64Array.from(this.#contexts.get(context)?.keys() ?? []).sort();
  }
}

function gapsIn(context: string, ids: Iterable<number>): readonly IdGap[] {
  const gaps: IdGap[] = [];
  let next = 1;
  for (const id of ids) {
    if (id > next) gaps.push({ context, from: next, to: id - 1 });
    next = Math.max(next, id + 1);
  }
  return gaps;
}

function count(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const sum = (counts.get(key) ?? 0) + by;
  if (sum > 0) counts.set(key, sum);
  else counts.delete(key);
}

function byContext(left: { readonly context: string }, right: { readonly context: string }): number {
  return left.context < right.context ? -1 : Number(left.context > right.context);
}
