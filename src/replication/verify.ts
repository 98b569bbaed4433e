import type { LogReader, RawBatch } from './log-reader.ts';
import { compareBatches } from './record-batch.ts';
import { compareRecords, decodeRecords, type RawRecord } from './records.ts';

export interface PartitionVerdict {
  /** Byte-identical after the header. */
  batchesEqual: number;
  /** Source batches that could not pass as a whole (holes, log append time) and whose records are all there. */
  batchesRepacked: number;
  batchesDifferent: number;
  recordsEqual: number;
  recordsDifferent: number;
  /** Records of the source above the end of the copy. */
  behind: bigint;
  sourceStart: bigint;
  sourceEnd: bigint;
  copyEnd: bigint;
  firstDifference: { readonly offset: bigint; readonly what: string } | undefined;
}

export interface LogPair {
  readonly source: LogReader;
  readonly copy: LogReader;
}

export interface VerifiedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Compaction may have removed records at the source since they were copied: more at the copy is no difference. */
  readonly compacted: boolean;
}

/**
 * Reads both logs raw and compares what consumers may see: every batch, and in batches that differ every record.
 * A batch is equal when its offsets, timestamps, compression and payload bytes are; header fields that belong to a
 * broker or a producer (checksum, producer id, epoch, sequence, leader epoch) are not compared, and neither are markers
 * and aborted data (protocol.md, what cannot be promised).
 */
export async function verifyPartition(
  logs: LogPair,
  of: VerifiedPartition,
  signal: AbortSignal,
): Promise<PartitionVerdict> {
  // The copy's end first: what the copy has, the source must have by then.
  const copyRange = await logs.copy.range(of.topic, of.partition, signal);
  const sourceRange = await logs.source.range(of.topic, of.partition, signal);
  const verdict: PartitionVerdict = {
    batchesEqual: 0,
    batchesRepacked: 0,
    batchesDifferent: 0,
    recordsEqual: 0,
    recordsDifferent: 0,
    behind: sourceRange.end > copyRange.end ? sourceRange.end - copyRange.end : 0n,
    sourceStart: sourceRange.start,
    sourceEnd: sourceRange.end,
    copyEnd: copyRange.end,
    firstDifference: undefined,
  };
  const from = sourceRange.start > copyRange.start ? sourceRange.start : copyRange.start;
  const range = { from, to: copyRange.end };
  const source = new LogCursor(logs.source.batches(of, range, signal), from);
  const copy = new LogCursor(logs.copy.batches(of, range, signal), from);
  while (await step(verdict, { source, copy, compacted: of.compacted }));
  return verdict;
}

interface Cursors {
  readonly source: LogCursor;
  readonly copy: LogCursor;
  readonly compacted: boolean;
}

/** Compares one batch, or one record where batches do not match; false at the end of both logs. */
async function step(verdict: PartitionVerdict, { source, copy, compacted }: Cursors): Promise<boolean> {
  await source.load();
  await copy.load();
  const left = source.wholeBatch;
  const right = copy.wholeBatch;
  if (left !== undefined && right !== undefined && compareBatches(left, right) === undefined) {
    verdict.batchesEqual += 1;
    verdict.recordsEqual += left.header.records;
    source.skipBatch();
    copy.skipBatch();
    return true;
  }
  // Bytes are promised for every batch that can pass as a whole; there a difference counts even if records are equal.
  if (
    left !== undefined &&
    right !== undefined &&
    canPass(left) &&
    left.header.baseOffset === right.header.baseOffset
  ) {
    source.expected = `the batches' ${compareBatches(left, right) ?? 'bytes'}`;
  }
  const original = source.record;
  const other = copy.record;
  if (original === undefined && other === undefined) return false;
  if (original === undefined || (other !== undefined && other.offset < original.offset)) {
    copy.skipRecord();
    if (other !== undefined && !compacted) different(verdict, other.offset, 'the source has no such record');
  } else if (other === undefined || original.offset < other.offset) {
    source.wrong = true;
    source.skipRecord();
    different(verdict, original.offset, 'the copy lacks this record');
  } else {
    const part = compareRecords(original, other);
    if (part === undefined) verdict.recordsEqual += 1;
    else different(verdict, original.offset, `the record's ${part}`);
    source.wrong ||= part !== undefined;
    source.skipRecord();
    copy.skipRecord();
  }
  if (source.atBatchEnd) concludeBatch(verdict, source);
  return true;
}

function concludeBatch(verdict: PartitionVerdict, source: LogCursor): void {
  if (source.wrong || source.expected !== undefined) {
    verdict.batchesDifferent += 1;
    verdict.firstDifference ??= { offset: source.baseOffset, what: source.expected ?? 'the batch' };
  } else {
    verdict.batchesRepacked += 1;
  }
  source.wrong = false;
  source.expected = undefined;
}

function canPass({ header }: RawBatch): boolean {
  return header.dense && !header.logAppendTime;
}

function different(verdict: PartitionVerdict, offset: bigint, what: string): void {
  verdict.recordsDifferent += 1;
  verdict.firstDifference ??= { offset, what };
}

/** One log, batch by batch, and record by record where asked; what no consumer may see is passed over. */
class LogCursor {
  /** Something of the batch at hand was different. */
  wrong = false;
  /** What differs though the batch had to be byte-identical. */
  expected: string | undefined;
  readonly #batches: AsyncGenerator<RawBatch>;
  readonly #from: bigint;
  #batch: RawBatch | undefined;
  #records: readonly RawRecord[] | undefined;
  #index = 0;
  #base = 0n;

  constructor(batches: AsyncGenerator<RawBatch>, from: bigint) {
    this.#batches = batches;
    this.#from = from;
  }

  async load(): Promise<void> {
    while (this.#batch === undefined) {
      const result = await this.#batches.next();
      if (result.done === true) return;
      const { header, dropped } = result.value;
      if (dropped || header.records === 0 || header.lastOffset < this.#from) continue;
      this.#batch = result.value;
    }
  }

  /** The batch at hand, as long as none of its records was taken alone. */
  get wholeBatch(): RawBatch | undefined {
    return this.#records === undefined || this.#index === 0 ? this.#batch : undefined;
  }

  get baseOffset(): bigint {
    return this.#base;
  }

  get record(): RawRecord | undefined {
    if (this.#batch === undefined) return undefined;
    this.#base = this.#batch.header.baseOffset;
    this.#records ??= decodeRecords(this.#batch);
    return this.#records[this.#index];
  }

  /** The last record taken was the last of its batch. */
  get atBatchEnd(): boolean {
    return this.#batch === undefined;
  }

  skipRecord(): void {
    this.#index += 1;
    if (this.#index >= (this.#records?.length ?? 0)) this.skipBatch();
  }

  skipBatch(): void {
    this.#batch = undefined;
    this.#records = undefined;
    this.#index = 0;
  }
}
