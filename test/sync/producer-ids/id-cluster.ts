import { ConnectionError } from '../../../src/kafka/errors.ts';
import type { Answer } from '../../../src/kafka/log-queries.ts';
import type { Allocators } from '../../../src/sync/producer-ids/burn-ids.ts';

const block = 1000;
/** Of its block, after which a broker asks for the next one. */
const usedBeforeNext = 0.9;

interface Block {
  next: number;
  readonly end: number;
}

/**
 * Producer ids of a cluster as KIP-730 has them: one counter, out of which every broker gets blocks; the next one is asked
 * for when a block is nearly used up. What a broker holds is lost when it restarts.
 */
export class IdCluster implements Allocators {
  /** First id that no broker was given. */
  counter: number;
  /** Brokers that do not answer. */
  readonly silent = new Set<number>();
  /** Brokers that are in the cluster now. */
  readonly present: Set<number>;
  /** How often a broker says that it waits for its next block, each time. */
  readonly loads: number;
  /** Calls after which the connection breaks, once. */
  breaksAfter = Infinity;
  /** Answered by every broker, if set. */
  refuses: number | undefined;
  asked = 0;
  readonly #current = new Map<number, Block>();
  readonly #stored = new Map<number, Block>();
  readonly #waits = new Map<number, number>();

  constructor({ brokers, counter = 0, loads = 0 }: { brokers: number; counter?: number; loads?: number }) {
    this.present = new Set(Array.from({ length: brokers }, (_, index) => index + 1));
    this.counter = counter;
    this.loads = loads;
  }

  brokers(): Promise<readonly number[]> {
    return Promise.resolve([...this.present]);
  }

  async next(nodeId: number): Promise<Answer<bigint>> {
    this.asked += 1;
    await Promise.resolve();
    if (this.asked > this.breaksAfter) {
      this.breaksAfter = Infinity;
      throw new ConnectionError('the connection broke');
    }
    if (this.silent.has(nodeId)) throw new ConnectionError(`broker ${nodeId} refuses connections`);
    if (this.refuses !== undefined) return { ok: false, code: this.refuses };
    const id = this.give(nodeId);
    return id === undefined ? { ok: false, code: 14 } : { ok: true, value: BigInt(id) };
  }

  /** What a producer that starts at this broker gets. */
  give(nodeId: number): number | undefined {
    let current = this.#current.get(nodeId);
    if (current === undefined || current.next === current.end) {
      const waited = this.#waits.get(nodeId) ?? 0;
      if (waited < this.loads) {
        this.#waits.set(nodeId, waited + 1);
        return undefined;
      }
      this.#waits.delete(nodeId);
      current = this.#stored.get(nodeId) ?? this.#allocate();
      this.#stored.delete(nodeId);
      this.#current.set(nodeId, current);
    }
    const id = current.next++;
    if (current.end - current.next === block * (1 - usedBeforeNext)) this.#stored.set(nodeId, this.#allocate());
    return id;
  }

  restart(nodeId: number): void {
    this.#current.delete(nodeId);
    this.#stored.delete(nodeId);
  }

  #allocate(): Block {
    const next = this.counter;
    this.counter += block;
    return { next, end: next + block };
  }
}
