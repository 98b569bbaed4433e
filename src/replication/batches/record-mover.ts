import { MalformedError } from '../../kafka/errors.ts';
import type { WireReader } from '../../kafka/wire-reader.ts';

/**
 * Where a record stands in the record section (KIP-98); all numbers but the attributes are zigzag varints.
 *
 * ```
 *  | length | attributes (1) | timestamp delta | offset delta | key, value, headers with their lengths |
 *                            └ timesStart      └ timesEnd     └ bodyStart                              └ end
 * ```
 */
export interface PlacedRecord {
  readonly attributes: number;
  readonly timestampDelta: bigint;
  readonly offsetDelta: number;
  readonly timesStart: number;
  readonly timesEnd: number;
  readonly bodyStart: number;
  readonly end: number;
}

/** Reads the record at the reader's place and goes behind it. Throws MalformedError. */
export function placeRecord(reader: WireReader): PlacedRecord {
  const length = reader.varint();
  const end = reader.position + length;
  if (length < 0 || length > reader.remaining) throw new MalformedError(`a record of ${length} bytes`);
  const attributes = reader.int8();
  const timesStart = reader.position;
  const timestampDelta = reader.varlong();
  const timesEnd = reader.position;
  const offsetDelta = reader.varint();
  const bodyStart = reader.position;
  if (bodyStart > end) throw new MalformedError(`a record of ${length} bytes, shorter than its own fields`);
  reader.skip(end - bodyStart);
  return { attributes, timestampDelta, offsetDelta, timesStart, timesEnd, bodyStart, end };
}

/** A run of records, one behind the other, with offsets from 0 on. */
export interface MovedRecords {
  readonly plain: Buffer;
  readonly records: number;
  readonly largestDelta: bigint;
}

/**
 * Moves records together in the memory they stand in, and numbers them anew from 0. A record's new number is never
 * larger than its old one, its time is kept or becomes 0, so it never gets longer, and what is written never reaches
 * what has not been read. No record is held as an object: a batch of many MiB costs no memory but its own.
 */
export class RecordMover {
  readonly #memory: Buffer;
  readonly #keepTimes: boolean;
  #runStart = 0;
  #writtenTo = 0;
  #records = 0;
  #largestDelta = 0n;

  constructor(memory: Buffer, options: { readonly keepTimes: boolean }) {
    this.#memory = memory;
    this.#keepTimes = options.keepTimes;
  }

  /** In the run that is being made. */
  get records(): number {
    return this.#records;
  }

  /** `record` was read from the same memory and stands behind all that were added. */
  add({ attributes, timestampDelta, timesStart, timesEnd, bodyStart, end }: PlacedRecord): void {
    const timesBytes = this.#keepTimes ? timesEnd - timesStart : 1;
    const length = 1 + timesBytes + varintBytes(this.#records) + (end - bodyStart);
    if (this.#writtenTo + varintBytes(length) + length > end)
      throw new MalformedError('a record that grows when it is moved');
    this.#varint(length);
    this.#byte(attributes);
    if (this.#keepTimes) this.#move(timesStart, timesEnd);
    else this.#byte(0);
    this.#varint(this.#records);
    this.#move(bodyStart, end);
    const delta = this.#keepTimes ? timestampDelta : 0n;
    if (this.#records === 0 || delta > this.#largestDelta) this.#largestDelta = delta;
    this.#records += 1;
  }

  /** Ends the run. Its bytes stay as they are. */
  take(): MovedRecords {
    const run = {
      plain: this.#memory.subarray(this.#runStart, this.#writtenTo),
      records: this.#records,
      largestDelta: this.#largestDelta,
    };
    this.#runStart = this.#writtenTo;
    this.#records = 0;
    return run;
  }

  #byte(value: number): void {
    this.#writtenTo = this.#memory.writeUInt8(value & 0xff, this.#writtenTo);
  }

  #move(start: number, end: number): void {
    this.#memory.copyWithin(this.#writtenTo, start, end);
    this.#writtenTo += end - start;
  }

  /** Zigzag, of a number that is not negative. */
  #varint(value: number): void {
    let rest = value * 2;
    while (rest > 0x7f) {
      this.#byte((rest & 0x7f) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.#byte(rest);
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value * 2; rest > 0x7f; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}
