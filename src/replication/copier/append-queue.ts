import type { Frame } from '../../kafka/frame-pool.ts';
import type { FrameBudget } from './frame-budget.ts';
import type { PlannedItem } from './plan-batches.ts';
import { type QueuedItem, sizeOf, type UnpackedItem } from './queued-item.ts';
import type { RepackedItem } from '../batches/repack.ts';

type QueuedBatch = Extract<QueuedItem, { kind: 'batch' }>;
type QueuedGap = Extract<QueuedItem, { kind: 'gap' }>;

/** Of tiny batches what is known takes more memory than their bytes. */
const itemsMax = 1_000;

/**
 * What one partition has got from its source and not yet appended, in order, and the one thing that is in flight. A
 * batch that has to be taken apart holds up everything behind it until its parts stand in its place:
 *
 * ```
 *   in flight ◀── ready: batches and gaps ──┤ a batch to be taken apart, then anything
 * ```
 * Keeps the frames of what is queued; the frame of what is in flight is released by whoever sent it.
 */
export class AppendQueue {
  readonly #bytesMax: number;
  #budget: FrameBudget | undefined;
  #ready: QueuedItem[] = [];
  /** Empty, or its first one is to be taken apart. */
  #waiting: (QueuedItem | UnpackedItem)[] = [];
  #inFlight: QueuedItem | undefined;
  /** Of what is queued and what is in flight. */
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Shares what the broker may hold that leads the partition now. Only while the queue is empty. */
  shareOf(budget: FrameBudget | undefined): void {
    if (!this.isEmpty) throw new Error('the queue is not empty');
    this.#budget = budget;
  }

  get hasRoom(): boolean {
    const items = this.#ready.length + this.#waiting.length;
    return items < itemsMax && this.#bytes < this.#bytesMax && this.#budget?.hasRoom !== false;
  }

  /** Nothing is left, and nothing is in flight. */
  get isEmpty(): boolean {
    return this.#ready.length === 0 && this.#waiting.length === 0 && this.#inFlight === undefined;
  }

  get inFlight(): QueuedItem | undefined {
    return this.#inFlight;
  }

  /** What is to be appended first of what is queued; undefined when that is not known yet. */
  get first(): QueuedItem | undefined {
    return this.#ready[0];
  }

  /** What may be taken now: nothing while something is in flight. */
  get next(): QueuedItem | undefined {
    return this.#inFlight === undefined ? this.first : undefined;
  }

  /** What has to be taken apart next. */
  get unpacked(): UnpackedItem | undefined {
    const [first] = this.#waiting;
    return first?.kind === 'repack' ? first : undefined;
  }

  /** Retains `frame` for what stands in it. */
  add(frame: Frame, items: readonly PlannedItem[]): void {
    for (const item of items) {
      switch (item.kind) {
        case 'gap':
          this.#push(item);
          break;
        case 'pass':
          this.#push({ kind: 'batch', header: item.header, frame });
          break;
        case 'repack':
          this.#push({ kind: 'repack', header: item.header, from: item.from, frame });
          break;
      }
    }
  }

  /** A part of {@link unpacked}, up to offset `next`. Retains `frame` for what stands in it. */
  repacked(frame: Frame, { items, next }: { readonly items: readonly RepackedItem[]; readonly next: bigint }): void {
    const unpacked = this.unpacked;
    if (unpacked === undefined) throw new Error('no batch waits to be taken apart');
    for (const item of items) this.#ready.push(this.#kept(item.kind === 'batch' ? { ...item, frame } : item));
    if (next <= unpacked.header.lastOffset) {
      this.#waiting[0] = { ...unpacked, from: next };
      return;
    }
    this.#waiting.shift();
    this.#release(unpacked);
    for (let [item] = this.#waiting; item !== undefined && item.kind !== 'repack'; [item] = this.#waiting) {
      this.#waiting.shift();
      this.#ready.push(item);
    }
  }

  /** {@link unpacked} cannot be taken apart: it goes, and what is behind it. */
  cutOff(): void {
    const items = this.#waiting;
    this.#waiting = [];
    for (const item of items) this.#release(item);
  }

  takeBatch(): QueuedBatch | undefined {
    const { next } = this;
    if (next?.kind !== 'batch') return undefined;
    this.#ready.shift();
    this.#inFlight = next;
    return next;
  }

  /** Takes at most `max` offsets of a gap; the rest stays first. */
  takeGap(max: bigint): QueuedGap | undefined {
    const { next } = this;
    if (next?.kind !== 'gap') return undefined;
    const count = next.count < max ? next.count : max;
    if (count === next.count) this.#ready.shift();
    else this.#ready[0] = { kind: 'gap', from: next.from + count, count: next.count - count };
    this.#inFlight = { kind: 'gap', from: next.from, count };
    return this.#inFlight;
  }

  /** What was in flight is no more. */
  landed(): QueuedItem | undefined {
    const item = this.#inFlight;
    this.#inFlight = undefined;
    if (item === undefined) return undefined;
    this.#bytes -= sizeOf(item);
    if (item.kind === 'batch') this.#budget?.free(item.frame);
    return item;
  }

  /** What was in flight never left: it is first again, and its frame is kept here. */
  putBack(): void {
    const item = this.#inFlight;
    this.#inFlight = undefined;
    if (item === undefined) return;
    const [first] = this.#ready;
    if (item.kind === 'gap' && first?.kind === 'gap' && first.from === item.from + item.count)
      this.#ready[0] = { kind: 'gap', from: item.from, count: item.count + first.count };
    else this.#ready.unshift(item);
  }

  /** Forgets what is queued; what is in flight stays. */
  drop(): void {
    const items = this.#ready;
    this.#ready = [];
    for (const item of items) this.#release(item);
    this.cutOff();
  }

  #push(item: QueuedItem | UnpackedItem): void {
    this.#kept(item);
    if (this.#waiting.length === 0 && item.kind !== 'repack') this.#ready.push(item);
    else this.#waiting.push(item);
  }

  #kept<Item extends QueuedItem | UnpackedItem>(item: Item): Item {
    this.#bytes += sizeOf(item);
    if (item.kind !== 'gap') {
      item.frame.retain();
      this.#budget?.hold(item.frame);
    }
    return item;
  }

  #release(item: QueuedItem | UnpackedItem): void {
    this.#bytes -= sizeOf(item);
    if (item.kind === 'gap') return;
    item.frame.release();
    this.#budget?.free(item.frame);
  }
}
