/**
 * Writes Kafka's primitive types into a growing buffer. Large byte fields are not copied: {@link WireWriter.splice}
 * puts a reference between the written pieces, and {@link WireWriter.parts} hands out all pieces in order for a
 * gathering write.
 */
export class WireWriter {
  #buffer: Buffer;
  #position = 0;
  #pieceStart = 0;
  readonly #parts: Buffer[] = [];
  #bytes = 0;

  constructor(initialBytes = 512) {
    this.#buffer = Buffer.allocUnsafe(initialBytes);
  }

  /** Bytes written so far, spliced ones included. */
  get length(): number {
    return this.#bytes + (this.#position - this.#pieceStart);
  }

  int8(value: number): this {
    const at = this.#reserve(1);
    this.#buffer.writeInt8(value, at);
    return this;
  }

  int16(value: number): this {
    const at = this.#reserve(2);
    this.#buffer.writeInt16BE(value, at);
    return this;
  }

  int32(value: number): this {
    const at = this.#reserve(4);
    this.#buffer.writeInt32BE(value, at);
    return this;
  }

  int64(value: bigint): this {
    const at = this.#reserve(8);
    this.#buffer.writeBigInt64BE(value, at);
    return this;
  }

  /** 32 hex digits as 16 bytes. */
  uuid(hex: string): this {
    const at = this.#reserve(16);
    this.#buffer.write(hex, at, 'hex');
    return this;
  }

  unsignedVarint(value: number): this {
    let rest = value;
    while (rest >= 0x80) {
      this.#byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    return this.#byte(rest);
  }

  compactString(value: string): this {
    const bytes = Buffer.byteLength(value);
    this.unsignedVarint(bytes + 1);
    const at = this.#reserve(bytes);
    this.#buffer.write(value, at, 'utf8');
    return this;
  }

  compactNull(): this {
    return this.unsignedVarint(0);
  }

  /** Length of a compact array that follows element by element. */
  compactArrayLength(count: number): this {
    return this.unsignedVarint(count + 1);
  }

  /** `NULLABLE_STRING` of old request headers: int16 length. */
  legacyString(value: string): this {
    const bytes = Buffer.byteLength(value);
    this.int16(bytes);
    const at = this.#reserve(bytes);
    this.#buffer.write(value, at, 'utf8');
    return this;
  }

  noTaggedFields(): this {
    return this.unsignedVarint(0);
  }

  /** Puts `bytes` here by reference; they must not change until the request is answered or its connection closed. */
  splice(bytes: Buffer): this {
    this.#closePiece();
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
    return this;
  }

  parts(): readonly Buffer[] {
    this.#closePiece();
    return this.#parts;
  }

  #closePiece(): void {
    if (this.#position === this.#pieceStart) return;
    const piece = this.#buffer.subarray(this.#pieceStart, this.#position);
    this.#parts.push(piece);
    this.#bytes += piece.length;
    this.#pieceStart = this.#position;
  }

  #byte(value: number): this {
    const at = this.#reserve(1);
    this.#buffer.writeUInt8(value, at);
    return this;
  }

  /** Where the next `bytes` belong. May replace {@link #buffer}: call it before the buffer is read, not in its arguments. */
  #reserve(bytes: number): number {
    if (this.#position + bytes > this.#buffer.length) {
      const open = this.#position - this.#pieceStart;
      const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, open + bytes));
      this.#buffer.copy(grown, 0, this.#pieceStart, this.#position);
      this.#buffer = grown;
      this.#pieceStart = 0;
      this.#position = open;
    }
    const start = this.#position;
    this.#position += bytes;
    return start;
  }
}
