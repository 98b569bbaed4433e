import type { UmbraEvent } from './event.ts';

/**
 * The newest events of one type, each in a slot of its own that is used again after `size` others: so the compacted
 * state topic keeps as many and no more, and a flood of the one type pushes out nothing of the other.
 */
export class EventRing {
  readonly #size: number;
  readonly #slots = new Map<number, UmbraEvent>();
  #next = 0;
  #newestId = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** As it was written; in any order. */
  restore(slot: number, event: UmbraEvent): void {
    if (slot >= this.#size) return;
    this.#slots.set(slot, event);
    if (event.id <= this.#newestId) return;
    this.#newestId = event.id;
    this.#next = (slot + 1) % this.#size;
  }

  /** The slot for one more event. */
  take(): number {
    const slot = this.#next;
    this.#next = (this.#next + 1) % this.#size;
    return slot;
  }

  /** It is written. */
  put(slot: number, event: UmbraEvent): void {
    this.#slots.set(slot, event);
  }

  events(): readonly UmbraEvent[] {
    return [...this.#slots.values()];
  }

  /** Everything behind this id is here; 0 while nothing was pushed out. */
  get completeAfter(): number {
    if (this.#slots.size < this.#size) return 0;
    return Math.min(...this.#slots.values().map(({ id }) => id)) - 1;
  }
}
