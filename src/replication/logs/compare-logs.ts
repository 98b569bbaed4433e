import type { RawBatch } from './log-reader.ts';
import { compareBatches, hasSameBytesAtCopy } from '../batches/record-batch.ts';
import { isOwn } from '../partition/copied-partition.ts';
import { compareRecords, type RawRecord } from '../batches/records.ts';
import { DamagedRecordsError, LogCursor } from './log-cursor.ts';

/** What a comparison of two logs has found. Batches are the source's. */
export interface LogComparison {
  /** Byte-identical after the header. */
  batchesEqual: number;
  /** Source batches that could not pass as a whole (holes, log append time) and whose records are all there. */
  batchesRepacked: number;
  batchesDifferent: number;
  recordsEqual: number;
  recordsDifferent: number;
  firstDifference: LogDifference | undefined;
}

export interface LogDifference {
  readonly offset: bigint;
  readonly what: string;
  /** Who wrote the batch of the copy that was at hand; undefined where the copy had none any more. */
  readonly copyProducerId: bigint | undefined;
}

export interface ComparedRange {
  /** Offsets [from, to) are compared; of batches that reach over an edge only the records inside. */
  readonly from: bigint;
  readonly to: bigint;
  /** Compaction may have removed records at the source since they were copied: more at the copy is no difference. */
  readonly compacted: boolean;
  /**
   * See `CopiedPartition`. Below it either side may have been the other's copy: batches need not have the same bytes,
   * and where compaction may have removed records, it may have done so on either side. Absent: nothing is below.
   */
  readonly ownBelow?: bigint;
  /** Whether a record that one side lacks was deleted meanwhile, by a log start that moved; without it none was. */
  readonly deleted?: (offset: bigint) => Promise<boolean>;
}

export interface TwoLogs {
  readonly source: AsyncIterable<RawBatch>;
  readonly copy: AsyncIterable<RawBatch>;
}

/**
 * Compares what consumers may see of two logs: every batch, and in batches that differ every record. A batch is equal
 * when its offsets, timestamps, compression and payload bytes are; header fields that belong to a broker or a producer
 * (checksum, producer id, epoch, sequence, leader epoch) are not compared, and neither are markers and aborted data
 * (protocol.md, what cannot be promised).
 */
export async function compareLogs(logs: TwoLogs, range: ComparedRange): Promise<LogComparison> {
  const found: LogComparison = {
    batchesEqual: 0,
    batchesRepacked: 0,
    batchesDifferent: 0,
    recordsEqual: 0,
    recordsDifferent: 0,
    firstDifference: undefined,
  };
  const source = new LogCursor(logs.source, range);
  const copy = new LogCursor(logs.copy, range);
  while (await step(found, { source, copy, range }));
  return found;
}

interface Cursors {
  readonly source: LogCursor;
  readonly copy: LogCursor;
  readonly range: ComparedRange;
}

/** Compares one batch, or one record where batches do not match; false at the end of both logs. */
async function step(found: LogComparison, { source, copy, range }: Cursors): Promise<boolean> {
  await source.load();
  await copy.load();
  const left = source.wholeBatch;
  const right = copy.wholeBatch;
  if (left !== undefined && right !== undefined && compareBatches(left, right) === undefined) {
    found.batchesEqual += 1;
    found.recordsEqual += source.recordsInRange;
    source.skipBatch();
    copy.skipBatch();
    return true;
  }
  // Bytes are promised for every batch that passed as a whole; there a difference counts even if records are equal.
  if (
    left !== undefined &&
    right !== undefined &&
    !isOwn(range, left.header.baseOffset) &&
    hasSameBytesAtCopy(left) &&
    left.header.baseOffset === right.header.baseOffset
  ) {
    source.expected = `the batches' ${compareBatches(left, right) ?? 'bytes'}`;
  }
  const copyProducerId = copy.producerId;
  const opened = await openRecords({ source, copy, range });
  if (opened === 'damaged') {
    found.recordsDifferent += source.recordsLeft;
    concludeBatch(found, source, copyProducerId);
    source.skipBatch();
    copy.skipBatch();
    return true;
  }
  const { original, other } = opened;
  if (original === undefined && other === undefined) return false;
  if (original === undefined || (other !== undefined && other.offset < original.offset)) {
    const removed = other !== undefined && range.compacted && !source.hides(other.offset);
    await copy.skipRecord();
    if (other !== undefined && !removed && !(await isDeleted(range, other.offset)))
      different(found, { offset: other.offset, what: 'the source has no such record', copyProducerId });
  } else if (other === undefined || original.offset < other.offset) {
    const removed = range.compacted && isOwn(range, original.offset) && !copy.hides(original.offset);
    await source.skipRecord();
    if (!removed && !(await isDeleted(range, original.offset))) {
      source.wrong = true;
      different(found, { offset: original.offset, what: 'the copy lacks this record', copyProducerId });
    }
  } else {
    const part = compareRecords(original, other);
    if (part === undefined) found.recordsEqual += 1;
    else different(found, { offset: original.offset, what: `the record's ${part}`, copyProducerId });
    source.wrong ||= part !== undefined;
    await source.skipRecord();
    await copy.skipRecord();
  }
  if (source.atBatchEnd) concludeBatch(found, source, copyProducerId);
  return true;
}

async function isDeleted(range: ComparedRange, offset: bigint): Promise<boolean> {
  return (await range.deleted?.(offset)) ?? false;
}

interface Opened {
  readonly original: RawRecord | undefined;
  readonly other: RawRecord | undefined;
}

/**
 * Records of the copy that cannot be decoded are a difference, and so are those of the source where the bytes had to be
 * equal and are not, or where the copy's are no worse a witness than the source's. Otherwise the source's log is
 * damaged: that is not the copy's fault.
 */
async function openRecords({ source, copy, range }: Cursors): Promise<Opened | 'damaged'> {
  try {
    const original = await source.record();
    try {
      return { original, other: await copy.record() };
    } catch (error) {
      if (!(error instanceof DamagedRecordsError)) throw error;
      source.expected ??= "the batch: the copy's records cannot be decoded";
      return 'damaged';
    }
  } catch (error) {
    if (!(error instanceof DamagedRecordsError)) throw error;
    if (source.expected === undefined && !isOwn(range, source.baseOffset)) throw error.cause;
    source.expected ??= "the batch: the source's records cannot be decoded";
    return 'damaged';
  }
}

function concludeBatch(found: LogComparison, source: LogCursor, copyProducerId: bigint | undefined): void {
  if (source.wrong || source.expected !== undefined) {
    found.batchesDifferent += 1;
    found.firstDifference ??= { offset: source.baseOffset, what: source.expected ?? 'the batch', copyProducerId };
  } else {
    found.batchesRepacked += 1;
  }
  source.wrong = false;
  source.expected = undefined;
}

function different(found: LogComparison, difference: LogDifference): void {
  found.recordsDifferent += 1;
  found.firstDifference ??= difference;
}
