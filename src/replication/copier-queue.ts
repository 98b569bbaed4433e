import type { Frame } from '../kafka/frame-pool.ts';
import type { PlannedItem } from './plan-batches.ts';
import { type QueuedItem, sizeOf, type UnpackedItem } from './queued-item.ts';
import type { RepackedItem } from './repack.ts';

/**
 * What one partition has got from its source and not yet appended, in order. A batch that has to be taken apart holds
 * up everything behind it until its parts stand in its place:
 *
 * ```
 *   in flight ◀── ready: batches and gaps ──┤ a batch to be taken apart, then anything
 * ```
 * Holds the frames of its batches; the frame of what is in flight belongs to the one who took it.
 */
export class CopierQueue {
  #ready: QueuedItem[] = [];
  /** Empty, or its first one is to be taken apart. */
  #waiting: (QueuedItem | UnpackedItem)[] = [];
  #inFlight: QueuedItem | undefined;
  #bytes = 0;

  /** Including what is in flight. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Nothing is left, and nothing is in flight. */
  get drained(): boolean {
    return this.#ready.length === 0 && this.#waiting.length === 0 && this.#inFlight === undefined;
  }

  get inFlight(): QueuedItem | undefined {
    return this.#inFlight;
  }

  /** What is to be appended next; undefined when that is not known yet. */
  get head(): QueuedItem | undefined {
    return this.#ready[0];
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
          frame.retain();
          this.#push({ kind: 'batch', header: item.header, frame });
          break;
        case 'repack':
          frame.retain();
          this.#push({ kind: 'repack', header: item.header, from: item.from, frame });
          break;
      }
    }
  }

  /** A part of {@link unpacked}, up to offset `next`. Retains `frame` for what stands in it. */
  repacked(frame: Frame, { items, next }: { readonly items: readonly RepackedItem[]; readonly next: bigint }): void {
    const unpacked = this.unpacked;
    if (unpacked === undefined) throw new Error('no batch waits to be taken apart');
    for (const item of items) {
      if (item.kind === 'batch') frame.retain();
      const part: QueuedItem = item.kind === 'batch' ? { ...item, frame } : item;
      this.#bytes += sizeOf(part);
      this.#ready.push(part);
    }
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
    for (const item of this.#waiting) this.#release(item);
    this.#waiting = [];
  }

  /** Takes the batch at the head. In flight until {@link landed}. */
  takeBatch(): Extract<QueuedItem, { kind: 'batch' }> {
    const { head } = this;
    if (head?.kind !== 'batch' || this.#inFlight !== undefined) throw new Error('no batch may be taken now');
    this.#ready.shift();
    this.#inFlight = head;
    return head;
  }

  /** Takes the gap at the head, or its first `offsetsMax` offsets. In flight until {@link landed}. */
  takeGap(offsetsMax: bigint): Extract<QueuedItem, { kind: 'gap' }> {
    const { head } = this;
    if (head?.kind !== 'gap' || this.#inFlight !== undefined) throw new Error('no markers may be taken now');
    const count = head.count < offsetsMax ? head.count : offsetsMax;
    if (count === head.count) this.#ready.shift();
    else this.#ready[0] = { kind: 'gap', from: head.from + count, count: head.count - count };
    const taken = { kind: 'gap', from: head.from, count } as const;
    this.#inFlight = taken;
    return taken;
  }

  /** What was in flight is so no more, however that ended. */
  landed(): QueuedItem | undefined {
    const item = this.#inFlight;
    this.#inFlight = undefined;
    if (item !== undefined) this.#bytes -= sizeOf(item);
    return item;
  }

  /** Drops everything but what is in flight. */
  clear(): void {
    for (const item of this.#ready) this.#release(item);
    this.#ready = [];
    this.cutOff();
  }

  #push(item: QueuedItem | UnpackedItem): void {
    this.#bytes += sizeOf(item);
    if (this.#waiting.length === 0 && item.kind !== 'repack') this.#ready.push(item);
    else this.#waiting.push(item);
  }

  #release(item: QueuedItem | UnpackedItem): void {
    this.#bytes -= sizeOf(item);
    if (item.kind !== 'gap') item.frame.release();
  }
}
