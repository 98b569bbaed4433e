import type { Frame } from '../kafka/frame-pool.ts';
import type { FrameBudget } from './frame-budget.ts';
import { type QueuedItem, sizeOf } from './queued-item.ts';

type QueuedBatch = Extract<QueuedItem, { kind: 'batch' }>;
type QueuedGap = Extract<QueuedItem, { kind: 'gap' }>;

/**
 * What one partition still has to append, in order, and the one thing that is in flight. Keeps the frames of what is
 * queued; the frame of what is in flight is released by whoever sent it.
 */
export class AppendQueue {
  readonly #bytesMax: number;
  #budget: FrameBudget | undefined;
  #items: QueuedItem[] = [];
  #inFlight: QueuedItem | undefined;
  /** Of what is queued and what is in flight. */
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Shares what the broker may hold that leads the partition now. Only while the queue is empty. */
  shareOf(budget: FrameBudget | undefined): void {
    if (this.#items.length > 0 || this.#inFlight !== undefined) throw new Error('the queue is not empty');
    this.#budget = budget;
  }

  get hasRoom(): boolean {
    return this.#bytes < this.#bytesMax && this.#budget?.hasRoom !== false;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0 && this.#inFlight === undefined;
  }

  get inFlight(): QueuedItem | undefined {
    return this.#inFlight;
  }

  get first(): QueuedItem | undefined {
    return this.#items[0];
  }

  /** What may be taken now: nothing while something is in flight. */
  get next(): QueuedItem | undefined {
    return this.#inFlight === undefined ? this.first : undefined;
  }

  push(item: QueuedItem): void {
    const frame = frameOf(item);
    if (frame !== undefined) {
      frame.retain();
      this.#budget?.hold(frame);
    }
    this.#items.push(item);
    this.#bytes += sizeOf(item);
  }

  takeBatch(): QueuedBatch | undefined {
    const item = this.next;
    if (item?.kind !== 'batch') return undefined;
    this.#items.shift();
    this.#inFlight = item;
    return item;
  }

  /** Takes at most `max` offsets of a gap; the rest stays first. */
  takeGap(max: bigint): QueuedGap | undefined {
    const item = this.next;
    if (item?.kind !== 'gap') return undefined;
    const count = item.count < max ? item.count : max;
    if (count === item.count) this.#items.shift();
    else this.#items[0] = { kind: 'gap', from: item.from + count, count: item.count - count };
    this.#inFlight = { kind: 'gap', from: item.from, count };
    return this.#inFlight;
  }

  /** What was in flight is no more. */
  landed(): QueuedItem | undefined {
    const item = this.#inFlight;
    this.#inFlight = undefined;
    if (item === undefined) return undefined;
    this.#bytes -= sizeOf(item);
    const frame = frameOf(item);
    if (frame !== undefined) this.#budget?.free(frame);
    return item;
  }

  /** Forgets what is queued; what is in flight stays. */
  drop(): void {
    const items = this.#items;
    this.#items = [];
    for (const item of items) {
      this.#bytes -= sizeOf(item);
      const frame = frameOf(item);
      if (frame === undefined) continue;
      frame.release();
      this.#budget?.free(frame);
    }
  }
}

function frameOf(item: QueuedItem): Frame | undefined {
  return item.kind === 'batch' ? item.frame : undefined;
}
