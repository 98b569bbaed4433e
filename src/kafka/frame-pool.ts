/**
 * One received frame: `bytes` is the answer without its length prefix. Batches are sent on as slices of it, so it is
 * counted: each holder calls `retain` once and `release` once; at zero the memory goes back to the pool and must not
 * be touched any more.
 */
export interface Frame {
  readonly bytes: Buffer;
  /** Bytes of memory held, which may be more than the frame's length. */
  readonly heldBytes: number;
  retain(): void;
  release(): void;
}

const blockBytesMin = 64 * 1024;

/** Sizes of blocks between one power of two and the next. */
const sizesPerDoubling = 4;

/**
 * Memory that a frame of `length` bytes takes: a batch of 16 MiB comes in a frame that is a little larger, and must not
 * take 32.
 */
function blockBytes(length: number): number {
  if (length <= blockBytesMin) return blockBytesMin;
  const step = 2 ** Math.floor(Math.log2(length)) / sizesPerDoubling;
  return Math.ceil(length / step) * step;
}

/**
 * Recycles frame memory in blocks of few sizes: fresh blocks of many MiB cost a third of the CPU in page faults
 * and collection (protocol.md, speed facts). Keeps at most half of `bytesMax` in unused blocks, and none that would
 * bring the whole above `bytesMax`.
 *
 * `bytesMax` bounds what is in use through {@link FramePool.reserve}: who is about to ask a broker for bytes reserves
 * room first and waits while there is none. An answer larger than its reservation, or than the bound, is let through.
 */
export class FramePool {
  readonly #idle = new Map<number, Buffer[]>();
  readonly #bytesMax: number;
  readonly #waiting = new Set<() => void>();
  #idleBytes = 0;
  #heldBytes = 0;
  #reservedBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes of blocks in use. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Waits until a frame of `bytes` more fits, in the order of the calls: who needs much is not passed by for ever by
   * those who need little. Call the returned function once, when the frame has been acquired or will not come. Rejects
   * when `signal` aborts.
   */
  async reserve(bytes: number, signal: AbortSignal): Promise<() => void> {
    const block = Math.min(blockBytes(bytes), this.#bytesMax);
    signal.throwIfAborted();
    let wake = (): void => undefined;
    const waiter = (): void => wake();
    this.#waiting.add(waiter);
    signal.addEventListener('abort', waiter, { once: true });
    try {
      while (this.#firstWaiter !== waiter || this.#heldBytes + this.#reservedBytes + block > this.#bytesMax) {
        const { promise, resolve } = Promise.withResolvers<undefined>();
        wake = () => resolve(undefined);
        await promise;
        signal.throwIfAborted();
      }
      this.#reservedBytes += block;
    } finally {
      this.#waiting.delete(waiter);
      signal.removeEventListener('abort', waiter);
      this.#firstWaiter?.();
    }
    return () => {
      this.#reservedBytes -= block;
      this.#firstWaiter?.();
    };
  }

  get #firstWaiter(): (() => void) | undefined {
    return this.#waiting.values().next().value;
  }

  /** A frame of exactly `length` bytes, retained once for the caller. */
  acquire(length: number): Frame {
    const block = this.#block(length);
    return this.#frame(block.subarray(0, length), block.length, () => this.#giveBack(block));
  }

  /** Counts memory from elsewhere as in use until it is released: it is not recycled. Retained once for the caller. */
  adopt(bytes: Buffer): Frame {
    return this.#frame(bytes, bytes.length, () => undefined);
  }

  #frame(bytes: Buffer, heldBytes: number, released: () => void): Frame {
    let holders = 1;
    this.#heldBytes += heldBytes;
    return {
      bytes,
      heldBytes,
      retain: () => {
        if (holders === 0) throw new Error('a released frame was retained');
        holders += 1;
      },
      release: () => {
        if (holders === 0) throw new Error('a frame was released twice');
        holders -= 1;
        if (holders > 0) return;
        this.#heldBytes -= heldBytes;
        released();
        this.#firstWaiter?.();
      },
    };
  }

  #block(length: number): Buffer {
    const size = blockBytes(length);
    const idle = this.#idle.get(size)?.pop();
    if (idle !== undefined) {
      this.#idleBytes -= size;
      return idle;
    }
    this.#dropIdle(size);
    return Buffer.allocUnsafeSlow(size);
  }

  #giveBack(block: Buffer): void {
    const idleBytesMax = Math.min(this.#bytesMax / 2, this.#bytesMax - this.#heldBytes);
    if (this.#idleBytes + block.length > idleBytesMax) return;
    this.#idleBytes += block.length;
    const list = this.#idle.get(block.length);
    if (list === undefined) this.#idle.set(block.length, [block]);
    else list.push(block);
  }

  /** Makes room for a fresh block: what was kept has other sizes. */
  #dropIdle(bytes: number): void {
    for (const [size, blocks] of this.#idle) {
      while (this.#heldBytes + this.#idleBytes + bytes > this.#bytesMax && blocks.pop() !== undefined) {
        this.#idleBytes -= size;
      }
    }
  }
}
