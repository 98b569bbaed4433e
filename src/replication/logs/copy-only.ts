import type { RawBatch } from './log-reader.ts';
import { compareBatches } from '../batches/record-batch.ts';
import { isOwn } from '../partition/copied-partition.ts';
import { compareRecords, type RawRecord, walkRecords } from '../batches/records.ts';

/** Offsets, both ends included. */
export interface OffsetRange {
  readonly first: bigint;
  readonly last: bigint;
}

/** A batch of the copy of which at least one record is nowhere else. */
export interface CopyOnlyBatch {
  readonly batch: RawBatch;
  /** Its records that the source does not hold equal at the same offset; ascending, never empty. */
  readonly onlyHere: readonly OffsetRange[];
  /** Those of them that neither the age nor the compaction of the source's records explains; ascending. */
  readonly unexplained: readonly OffsetRange[];
}

export interface ComparedLogs {
  /** From the later of both log starts to the copy's end; nothing where the source has no such partition. */
  readonly source: AsyncIterable<RawBatch>;
  /** The whole copy. */
  readonly copy: AsyncIterable<RawBatch>;
  readonly copyStart: bigint;
  /** Undefined where the source has no such partition. */
  readonly sourceStart: bigint | undefined;
  /** Below this offset the source may have compacted records away; undefined where it does not compact. */
  readonly compactedTo: bigint | undefined;
  /** See `CopiedPartition`: below it the copy's log is its site's own. Absent: nothing is. */
  readonly ownBelow?: bigint;
  /** Batches that the link made for their offsets alone (fillers of a head): nobody's records. */
  readonly isFiller: (batch: RawBatch) => Promise<boolean>;
}

/**
 * Finds what a copy holds and the source does not: what would be lost if the copy were deleted. Both logs are read
 * once, side by side; memory holds one batch of each.
 *
 * A record is held by the source when it has one at the same offset that is equal in every part and visible to
 * consumers. All others of the copy are reported: foreign ones, those the source lost or deleted, those it compacted
 * away, and those of aborted transactions (the link never writes any; what the site had itself before it was a copy was
 * aborted for good, and is nobody's). Markers are no records. A batch that cannot be decoded is reported whole: when in
 * doubt it is kept.
 */
export class CopyComparison {
  readonly #logs: ComparedLogs;
  readonly #source: SourceCursor;
  #forkOffset: bigint | undefined;
  #position: bigint;
  #read = 0n;
  #shared = 0n;

  constructor(logs: ComparedLogs) {
    this.#logs = logs;
    this.#position = logs.copyStart;
    // Of what was the copy's own its cleaner may have removed records that the source, once the copy, still has.
    this.#source = new SourceCursor(logs.source, (offset) => {
      if (!(isOwn(logs, offset) && this.#mayBeCompacted(offset))) this.#differs(offset);
    });
  }

  /** The first offset that both sides should have and do not have equal, as far as the copy has been read. */
  get forkOffset(): bigint | undefined {
    return this.#forkOffset;
  }

  /** Behind the last batch of the copy that has been read. */
  get position(): bigint {
    return this.#position;
  }

  /** Records of the copy so far: those that were read, and of them those that the source holds equal. Markers are none. */
  get records(): { readonly read: bigint; readonly shared: bigint } {
    return { read: this.#read, shared: this.#shared };
  }

  /** Can be run through once. */
  async *batches(): AsyncGenerator<CopyOnlyBatch> {
    for await (const batch of this.#logs.copy) {
      this.#position = batch.header.lastOffset + 1n;
      if (this.#isNobodys(batch) || (await this.#logs.isFiller(batch))) continue;
      const found = batch.dropped ? this.#wholeOf(batch) : await this.#compare(batch);
      if (found.onlyHere.length > 0) yield { batch, ...found };
    }
    await this.#source.skipTo(this.#position);
  }

  #isNobodys({ header, dropped }: RawBatch): boolean {
    return header.control || header.records === 0 || (dropped && isOwn(this.#logs, header.baseOffset));
  }

  async #compare(batch: RawBatch): Promise<Omit<CopyOnlyBatch, 'batch'>> {
    const { baseOffset } = batch.header;
    await this.#source.skipTo(baseOffset);
    const original = this.#source.wholeBatch;
    if (original !== undefined && compareBatches(original, batch) === undefined) {
      this.#source.dropBatch();
      this.#read += BigInt(batch.header.records);
      this.#shared += BigInt(batch.header.records);
      return { onlyHere: [], unexplained: [] };
    }
    const records = await decodedOrUndefined(batch);
    if (records === undefined) return this.#wholeOf(batch);
    const onlyHere: OffsetRange[] = [];
    const unexplained: OffsetRange[] = [];
    for (const record of records) {
      if (record.offset < this.#logs.copyStart) continue;
      await this.#source.skipTo(record.offset);
      const partner = await this.#source.take(record);
      this.#read += 1n;
      if (partner === 'equal') {
        this.#shared += 1n;
        continue;
      }
      addOffset(onlyHere, record.offset);
      if (partner === 'absent' && this.#mayBeCompacted(record.offset)) continue;
      if (this.#differs(record.offset)) addOffset(unexplained, record.offset);
    }
    return { onlyHere, unexplained };
  }

  #wholeOf({ header }: RawBatch): Omit<CopyOnlyBatch, 'batch'> {
    const { copyStart, sourceStart = copyStart } = this.#logs;
    const { baseOffset, lastOffset: last } = header;
    const first = baseOffset > copyStart ? baseOffset : copyStart;
    const kept = first > sourceStart ? first : sourceStart;
    const differs = kept <= last && this.#differs(kept);
    this.#read += last - first + 1n;
    return { onlyHere: [{ first, last }], unexplained: differs ? [{ first: kept, last }] : [] };
  }

  #mayBeCompacted(offset: bigint): boolean {
    const { compactedTo } = this.#logs;
    return compactedTo !== undefined && offset < compactedTo;
  }

  /** What only one side still has because the other deleted it by its age is no fork; false then. */
  #differs(offset: bigint): boolean {
    const { copyStart, sourceStart } = this.#logs;
    if (offset < copyStart || (sourceStart !== undefined && offset < sourceStart)) return false;
    if (this.#forkOffset === undefined || offset < this.#forkOffset) this.#forkOffset = offset;
    return true;
  }
}

function addOffset(ranges: OffsetRange[], offset: bigint): void {
  const last = ranges.at(-1);
  if (last?.last === offset - 1n) ranges[ranges.length - 1] = { first: last.first, last: offset };
  else ranges.push({ first: offset, last: offset });
}

async function decodedOrUndefined(batch: RawBatch): Promise<readonly RawRecord[] | undefined> {
  try {
    const records: RawRecord[] = [];
    for await (const record of walkRecords(batch)) records.push(record);
    return records;
  } catch {
    // Whatever is wrong with its bytes: it is then equal to nothing, and kept as it is.
    return undefined;
  }
}

/** The source's visible records in order. What is passed over without a partner at the copy is told to `onPassed`. */
class SourceCursor {
  readonly #batches: AsyncIterator<RawBatch>;
  readonly #onPassed: (offset: bigint) => void;
  #batch: RawBatch | undefined;
  #records: readonly RawRecord[] | undefined;
  #index = 0;

  constructor(batches: AsyncIterable<RawBatch>, onPassed: (offset: bigint) => void) {
    this.#batches = batches[Symbol.asyncIterator]();
    this.#onPassed = onPassed;
  }

  /** The batch at hand, as long as none of its records was taken alone. */
  get wholeBatch(): RawBatch | undefined {
    return this.#index === 0 ? this.#batch : undefined;
  }

  dropBatch(): void {
    this.#batch = undefined;
    this.#records = undefined;
    this.#index = 0;
  }

  /** Goes to the first record at or above `offset`. */
  async skipTo(offset: bigint): Promise<void> {
    for (;;) {
      if (!(await this.#load())) return;
      const batch = this.#batch;
      if (batch === undefined || batch.header.baseOffset >= offset) return;
      this.#records ??= (await decodedOrUndefined(batch)) ?? [];
      for (let record = this.#records[this.#index]; record !== undefined; record = this.#records[this.#index]) {
        if (record.offset >= offset) return;
        this.#onPassed(record.offset);
        this.#index += 1;
      }
      this.dropBatch();
    }
  }

  /** Takes the record at hand if it has this one's offset, and says how it compares. */
  async take(record: RawRecord): Promise<'equal' | 'different' | 'absent'> {
    if (this.#batch === undefined) return 'absent';
    this.#records ??= (await decodedOrUndefined(this.#batch)) ?? [];
    const original = this.#records[this.#index];
    if (original?.offset !== record.offset) return 'absent';
    this.#index += 1;
    return compareRecords(original, record) === undefined ? 'equal' : 'different';
  }

  async #load(): Promise<boolean> {
    while (this.#batch === undefined) {
      const next = await this.#batches.next();
      if (next.done === true) return false;
      const { header, dropped } = next.value;
      if (!dropped && !header.control && header.records > 0) this.#batch = next.value;
    }
    return true;
  }
}
