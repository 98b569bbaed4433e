import { MalformedError } from './errors.ts';
import type { Frame } from './frame-pool.ts';

/** Size (int32) and correlation id (int32) of an answer: what must be known before its memory is chosen. */
const prefixBytes = 8;

export interface FrameSink {
  /** Memory for the answer with this correlation id. Throws when no request waits for it. */
  allocate(correlationId: number, length: number): Frame;
  /** The frame is complete; `bytes` starts with the correlation id. The sink owns the frame now. */
  deliver(correlationId: number, frame: Frame): void;
}

/**
 * Receives frames in place: the kernel writes each answer straight into its final memory (`onread` of node:net and
 * node:tls), so no chunk is ever joined or copied.
 *
 * ```
 *   8 bytes into #prefix:  | size | correlation id |
 *   then size - 4 bytes into frame.bytes[4..]
 * ```
 */
export class FrameReceiver {
  readonly #prefix = Buffer.alloc(prefixBytes);
  readonly #frameBytesMax: number;
  readonly #sink: FrameSink;
  #frame: Frame | undefined;
  #correlationId = 0;
  #filled = 0;

  constructor(frameBytesMax: number, sink: FrameSink) {
    this.#frameBytesMax = frameBytesMax;
    this.#sink = sink;
  }

  /** Where the next bytes belong; never empty. */
  target(): Buffer {
    return this.#frame === undefined ? this.#prefix.subarray(this.#filled) : this.#frame.bytes.subarray(this.#filled);
  }

  /** `count` bytes were written into the buffer that {@link target} gave last. Throws on bytes that cannot be Kafka. */
  received(count: number): void {
    this.#filled += count;
    if (this.#frame === undefined) {
      if (this.#filled < prefixBytes) return;
      this.#begin();
      if (this.#filled < this.#frameLength()) return;
    } else if (this.#filled < this.#frame.bytes.length) {
      return;
    }
    this.#finish();
  }

  /** Gives up a frame that will never be complete. */
  abandon(): void {
    this.#frame?.release();
    this.#frame = undefined;
    this.#filled = 0;
  }

  #frameLength(): number {
    return this.#frame?.bytes.length ?? 0;
  }

  #begin(): void {
    const size = this.#prefix.readInt32BE(0);
    if (size < 4 || size > this.#frameBytesMax) {
      throw new MalformedError(`an answer of ${size} bytes, between 4 and ${this.#frameBytesMax} expected`);
    }
    this.#correlationId = this.#prefix.readInt32BE(4);
    this.#frame = this.#sink.allocate(this.#correlationId, size);
    this.#prefix.copy(this.#frame.bytes, 0, 4, 8);
    this.#filled = 4;
  }

  #finish(): void {
    const frame = this.#frame;
    this.#frame = undefined;
    this.#filled = 0;
    if (frame !== undefined) this.#sink.deliver(this.#correlationId, frame);
  }
}
