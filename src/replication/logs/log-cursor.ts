import { MalformedError } from '../../kafka/errors.ts';
import { UncompressedTooLargeError } from '../batches/compression.ts';
import { type RawRecord, walkRecords } from '../batches/records.ts';
import type { RawBatch } from './log-reader.ts';

/** The records of a batch that was read cannot be decoded. */
export class DamagedRecordsError extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
    this.name = 'DamagedRecordsError';
  }
}

/**
 * One log, batch by batch, and record by record where asked; what no consumer may see and what lies outside of
 * [from, to) is passed over.
 */
export class LogCursor {
  /** Something of the batch at hand was different. */
  wrong = false;
  /** What differs though the batch had to be byte-identical. */
  expected: string | undefined;
  readonly #batches: AsyncIterator<RawBatch>;
  readonly #range: { readonly from: bigint; readonly to: bigint };
  #batch: RawBatch | undefined;
  #records: AsyncGenerator<RawRecord> | undefined;
  /** Of the batch at hand: the first that was not taken yet. */
  #record: RawRecord | undefined;
  /** Why the next record of the batch at hand cannot be had. */
  #damage: DamagedRecordsError | undefined;
  #taken = 0;
  #base = 0n;
  /** Since the last batch that was taken: what was passed over because no consumer may see it, without a hole in it. */
  #hidden: { readonly first: bigint; last: bigint }[] = [];

  constructor(batches: AsyncIterable<RawBatch>, range: { readonly from: bigint; readonly to: bigint }) {
    this.#batches = batches[Symbol.asyncIterator]();
    this.#range = range;
  }

  /** Brings a batch to hand that may have records of the range, unless one is or none is left. */
  async load(): Promise<void> {
    while (this.#batch === undefined) {
      const result = await this.#batches.next();
      if (result.done === true) return;
      const { header, dropped } = result.value;
      const outside = header.lastOffset < this.#range.from || header.baseOffset >= this.#range.to;
      if (dropped && header.dense) this.#hide(header.baseOffset, header.lastOffset);
      if (dropped || header.records === 0 || outside) continue;
      this.#batch = result.value;
    }
  }

  /**
   * A marker or an aborted record stands at `offset`: there never was a record for consumers. False where it is
   * missing, as the cleaner leaves it. To be asked for what lies behind all that was taken from this log.
   */
  hides(offset: bigint): boolean {
    return this.#hidden.some(({ first, last }) => first <= offset && offset <= last);
  }

  #hide(first: bigint, last: bigint): void {
    const before = this.#hidden.at(-1);
    if (before?.last === first - 1n) before.last = last;
    else this.#hidden.push({ first, last });
  }

  /** The batch at hand, as long as none of its records was taken alone. */
  get wholeBatch(): RawBatch | undefined {
    return this.#taken === 0 ? this.#batch : undefined;
  }

  /** Of the batch whose record was looked at last. */
  get baseOffset(): bigint {
    return this.#base;
  }

  get producerId(): bigint | undefined {
    return this.#batch?.frame.readBigInt64BE(this.#batch.header.start + 43);
  }

  /** Of the batch at hand, as far as its header tells: those inside the range. */
  get recordsInRange(): number {
    if (this.#batch === undefined) return 0;
    const { baseOffset, lastOffset, records, dense } = this.#batch.header;
    if (!dense) return records;
    const first = baseOffset > this.#range.from ? baseOffset : this.#range.from;
    const end = lastOffset < this.#range.to ? lastOffset + 1n : this.#range.to;
    return Number(end - first);
  }

  /** At most so many of the batch at hand were not taken yet. */
  get recordsLeft(): number {
    return this.#batch === undefined ? 0 : this.#batch.header.records - this.#taken;
  }

  /**
   * The record at hand; undefined at the end of the log.
   * @throws DamagedRecordsError when it cannot be decoded
   */
  async record(): Promise<RawRecord | undefined> {
    for (;;) {
      if (this.#batch === undefined) return undefined;
      this.#base = this.#batch.header.baseOffset;
      if (this.#record === undefined && this.#damage === undefined) await this.#nextRecord();
      if (this.#damage !== undefined) throw this.#damage;
      if (this.#record !== undefined) return this.#record;
      // Of a batch that reaches over an edge of the range none was inside.
      await this.load();
    }
  }

  /** The last record taken was the last of its batch. */
  get atBatchEnd(): boolean {
    return this.#batch === undefined;
  }

  /** Takes the record at hand. */
  async skipRecord(): Promise<void> {
    this.#taken += 1;
    this.#record = undefined;
    await this.#nextRecord();
  }

  skipBatch(): void {
    this.#hidden = [];
    this.#forget();
  }

  #forget(): void {
    this.#batch = undefined;
    this.#records = undefined;
    this.#record = undefined;
    this.#damage = undefined;
    this.#taken = 0;
  }

  /** The next record of the range in the batch at hand; without one the batch is done. */
  async #nextRecord(): Promise<void> {
    if (this.#batch === undefined) return;
    const { from, to } = this.#range;
    this.#records ??= walkRecords(this.#batch);
    try {
      let next = await this.#records.next();
      while (next.done !== true && next.value.offset < from) next = await this.#records.next();
      if (next.done !== true && next.value.offset < to) this.#record = next.value;
      else if (this.#taken > 0) this.skipBatch();
      else this.#forget();
    } catch (error) {
      if (!(error instanceof MalformedError || error instanceof UncompressedTooLargeError)) throw error;
      this.#damage = new DamagedRecordsError(error);
    }
  }
}
