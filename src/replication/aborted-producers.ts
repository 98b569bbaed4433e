import type { AbortedTransaction } from '../kafka/fetch-api.ts';
import type { BatchHeader } from './record-batch.ts';

/** Which batches nobody may see: markers, and data of transactions that were aborted (KIP-98). */
export class AbortedProducers {
  readonly #pending: AbortedTransaction[];
  readonly #active = new Set<bigint>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#pending = aborted.toSorted((left, right) => Number(left.firstOffset - right.firstOffset));
  }

  /** Has to be asked for every batch, in order. */
  drops(frame: Buffer, header: BatchHeader): boolean {
    if (this.#pending.length === 0 && this.#active.size === 0) return header.control;
    for (
      let first = this.#pending[0];
      first !== undefined && first.firstOffset <= header.lastOffset;
      first = this.#pending[0]
    ) {
      this.#active.add(first.producerId);
      this.#pending.shift();
    }
    const producerId = frame.readBigInt64BE(header.start + 43);
    if (header.control) {
      // The marker that ends a transaction in this set can only be an abort.
      this.#active.delete(producerId);
      return true;
    }
    return header.transactional && this.#active.has(producerId);
  }
}
