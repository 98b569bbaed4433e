import type { Frame } from '../../kafka/frame-pool.ts';

/**
 * What batches on their way to one target broker may hold of the frame pool. A broker that hangs keeps what it was
 * sent until the request times out, and a batch of some bytes keeps the whole answer it came in: without a bound of
 * its own such a broker takes all memory, and the partitions that other brokers lead stand still with it.
 *
 * Counts frames, each once, whatever part of it is waiting. Over the bound there is no room until half of it is free
 * again; what was asked for before still comes in.
 */
export class FrameBudget {
  readonly #bytesMax: () => number;
  readonly #onRoom: () => void;
  /** Batches that wait in each frame. */
  readonly #waiting = new Map<Frame, number>();
  #bytes = 0;
  #hasRoom = true;

  /** `bytesMax` may change; `onRoom` is called when there is room again. */
  constructor(bytesMax: () => number, onRoom: () => void) {
    this.#bytesMax = bytesMax;
    this.#onRoom = onRoom;
  }

  get hasRoom(): boolean {
    return this.#hasRoom;
  }

  hold(frame: Frame): void {
    const waiting = this.#waiting.get(frame);
    this.#waiting.set(frame, (waiting ?? 0) + 1);
    if (waiting !== undefined) return;
    this.#bytes += frame.heldBytes;
    if (this.#bytes > this.#bytesMax()) this.#hasRoom = false;
  }

  free(frame: Frame): void {
    const waiting = this.#waiting.get(frame);
    if (waiting === undefined) throw new Error('a frame was freed that was not held');
    if (waiting > 1) {
      this.#waiting.set(frame, waiting - 1);
      return;
    }
    this.#waiting.delete(frame);
    this.#bytes -= frame.heldBytes;
    if (this.#hasRoom || this.#bytes > this.#bytesMax() / 2) return;
    this.#hasRoom = true;
    this.#onRoom();
  }
}
