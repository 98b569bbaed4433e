import { otherSite, type SiteId } from '../../src/pair/site.ts';
import { type LeapRequest, planLeap } from '../../src/schema-primary/id-leap.ts';
import { qualify } from '../../src/schema-primary/subject.ts';
import { hashes, indexOf, type KeyValue, logOf, schemaRecord } from './schema-log.ts';

/**
 * How a product takes the next id. Both go on above the highest id of the log that they have read, deleted or not, and
 * never back: Confluent per context, Karapace over all subjects.
 */
export type Product = 'confluent' | 'karapace';

/** What may come together: registrations, copying that is behind, roles that move, an old side whose copy is made anew. */
export type Happening =
  | { readonly kind: 'register'; readonly subject: string }
  | { readonly kind: 'copy'; readonly records: number }
  | { readonly kind: 'failover' }
  | { readonly kind: 'switchover' }
  | { readonly kind: 'rebuild'; readonly records: number };

/** Two registries' logs and everything that was ever answered to anybody. */
export class RegistryModel {
  readonly #product: Product;
  readonly #reserve: number;
  readonly #logs: Record<SiteId, readonly KeyValue[]> = { a: [], b: [] };
  #primary: SiteId = 'a';
  #term = 0;
  #registered = 0;
  #schemas = 0;
  #next = new Map<string, number>();
  /** The schema of every id that was given out. */
  readonly given = new Map<string, string>();

  constructor(product: Product, reserve: number) {
    this.#product = product;
    this.#reserve = reserve;
  }

  get primaryLog(): readonly KeyValue[] {
    return this.#logs[this.#primary];
  }

  /** An id that was given out before is a failure of what is tested, with both schemas in its message. */
  register(subject: string): void {
    // What a registry may give out in one term without losing more than the reserve is for.
    if (this.#registered + 1 >= this.#reserve) return;
    this.#registered += 1;
    this.#schemas += 1;
    const schema = `"schema ${this.#schemas}"`;
    const { context } = qualify(subject);
    const space = this.#product === 'karapace' ? 'all' : context;
    const id = this.#next.get(space) ?? 1;
    const key = this.#product === 'karapace' ? String(id) : `${context} ${id}`;
    const before = this.given.get(key);
    if (before !== undefined) throw new Error(`the id ${key} is given to ${schema} and was given to ${before}`);
    this.given.set(key, schema);
    this.#next.set(space, id + 1);
    this.#append(this.#primary, schemaRecord(subject, this.#schemas, { id, schema }));
  }

  copy(records: number): void {
    const standby = otherSite(this.#primary);
    const [from, to] = [this.#logs[this.#primary], this.#logs[standby]];
    // A log that was forked is no copy.
    if (!to.every((record, index) => record === from[index])) return;
    this.#logs[standby] = from.slice(0, to.length + records);
  }

  /** The standby's log begins anew. */
  rebuild(records: number): void {
    this.#logs[otherSite(this.#primary)] = this.primaryLog.slice(0, records);
  }

  failover(request: Partial<LeapRequest> = {}): void {
    this.#move();
    this.leap(request);
    this.#startRegistry();
  }

  /** Only where the copy has everything. */
  switchover(): void {
    this.copy(Infinity);
    const standby = otherSite(this.#primary);
    if (this.#logs[standby].length !== this.primaryLog.length) return;
    if (this.#logs[standby].some((record, index) => record !== this.primaryLog[index])) return;
    this.#move();
    this.#startRegistry();
  }

  /** As umbra does it; how many records came of it. */
  leap(request: Partial<LeapRequest> = {}): number {
    const index = indexOf(logOf(this.primaryLog));
    const operation = `failover-${this.#term}`;
    const whole = { operation, term: this.#term, reserve: this.#reserve, sampled: [], ...request };
    const plan = planLeap(index, whole, hashes);
    if (plan.kind === 'exhausted') throw new Error('no ids are left');
    if (plan.kind === 'done') return 0;
    for (const record of plan.records) this.#append(this.#primary, record);
    return plan.records.length;
  }

  happen(what: Happening): void {
    switch (what.kind) {
      case 'register': {
        this.register(what.subject);
        return;
      }
      case 'copy': {
        this.copy(what.records);
        return;
      }
      case 'failover': {
        this.failover();
        return;
      }
      case 'switchover': {
        this.switchover();
        return;
      }
      case 'rebuild': {
        this.rebuild(what.records);
        return;
      }
    }
  }

  #move(): void {
    this.#primary = otherSite(this.#primary);
    this.#term += 1;
    this.#registered = 0;
  }

  #startRegistry(): void {
    const contexts = indexOf(logOf(this.primaryLog)).ids.contexts();
    this.#next = new Map(contexts.map(({ context, highestSeen }) => [context, highestSeen + 1]));
    this.#next.set('all', 1 + Math.max(0, ...contexts.map(({ highestSeen }) => highestSeen)));
  }

  #append(site: SiteId, record: KeyValue): void {
    this.#logs[site] = [...this.#logs[site], record];
  }
}
