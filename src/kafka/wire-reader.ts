import { MalformedError } from './errors.ts';

/**
 * Reads Kafka's primitive types from one contiguous buffer. Every read is checked against the end, every length
 * against what is left: hostile bytes end in a {@link MalformedError}, never in a crash, a loop or a huge allocation.
 * Types as in the Kafka protocol guide; "compact" lengths are unsigned varints of length + 1 (KIP-482).
 */
export class WireReader {
  readonly buffer: Buffer;
  #position: number;
  readonly #end: number;

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.buffer = buffer;
    this.#position = start;
    this.#end = end;
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#end - this.#position;
  }

  skip(bytes: number): void {
    this.#take(bytes);
  }

  int8(): number {
    return this.buffer.readInt8(this.#take(1));
  }

  int16(): number {
    return this.buffer.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.#take(4));
  }

  int64(): bigint {
    return this.buffer.readBigInt64BE(this.#take(8));
  }

  /** 16 bytes as the text form of a UUID without dashes (32 hex digits). */
  uuid(): string {
    const start = this.#take(16);
    return this.buffer.toString('hex', start, start + 16);
  }

  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer.readUInt8(this.#take(1));
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) {
        if (value > 0xffff_ffff) throw new MalformedError('an unsigned varint over 32 bits');
        return value;
      }
    }
    throw new MalformedError('an unsigned varint of more than 5 bytes');
  }

  /** Zigzag varint of at most 64 bits, as in records. */
  varlong(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.buffer.readUInt8(this.#take(1));
      value |= BigInt(byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) {
        if (value > 0xffff_ffff_ffff_ffffn) throw new MalformedError('a varint over 64 bits');
        return (value >> 1n) ^ -(value & 1n);
      }
    }
    throw new MalformedError('a varint of more than 10 bytes');
  }

  /** Zigzag varint of at most 32 bits, as in records. */
  varint(): number {
    const raw = this.unsignedVarint();
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
  }

  compactString(): string {
    const value = this.compactNullableString();
    if (value === undefined) throw new MalformedError('null where a string must be');
    return value;
  }

  compactNullableString(): string | undefined {
    const bytes = this.compactNullableBytes();
    return bytes === undefined ? undefined : this.buffer.toString('utf8', bytes.start, bytes.end);
  }

  /** The place of the bytes in {@link buffer}; nothing is copied. */
  compactNullableBytes(): { readonly start: number; readonly end: number } | undefined {
    const length = this.unsignedVarint();
    if (length === 0) return undefined;
    const start = this.#take(length - 1);
    return { start, end: start + length - 1 };
  }

  /** A compact array; null reads as empty. An element takes at least one byte, so the count is bounded by the rest. */
  compactArray<T>(element: (reader: WireReader) => T): T[] {
    const length = this.unsignedVarint();
    const count = length === 0 ? 0 : length - 1;
    if (count > this.remaining) {
      throw new MalformedError(`an array of ${count} elements in ${this.remaining} bytes`);
    }
    const elements: T[] = [];
    for (let index = 0; index < count; index++) elements.push(element(this));
    return elements;
  }

  /** Tagged fields: those the handler does not read are skipped; a handler must not read past its field. */
  taggedFields(handler?: (tag: number, field: WireReader) => void): void {
    const count = this.unsignedVarint();
    if (count > this.remaining) throw new MalformedError(`${count} tagged fields in ${this.remaining} bytes`);
    for (let index = 0; index < count; index++) {
      const tag = this.unsignedVarint();
      const size = this.unsignedVarint();
      const start = this.#take(size);
      handler?.(tag, new WireReader(this.buffer, start, start + size));
    }
  }

  #take(bytes: number): number {
    if (bytes < 0 || bytes > this.#end - this.#position) {
      throw new MalformedError(`${bytes} bytes wanted at ${this.#position}, the frame ends at ${this.#end}`);
    }
    const start = this.#position;
    this.#position += bytes;
    return start;
  }
}
