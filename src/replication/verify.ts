import type { LogReader, RawBatch } from './log-reader.ts';
import { compareBatches } from './record-batch.ts';
import { compareRecords, decodeRecords, type RawRecord } from './records.ts';

export interface PartitionVerdict {
  batchesEqual: number;
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

/**
 * Reads both logs raw and compares every batch, and in batches that differ every record. A batch is equal when its
 * offsets, timestamps, compression and payload bytes are; header fields that belong to a broker or a producer
 * (checksum, producer id, epoch, sequence, leader epoch) are not compared (protocol.md, what cannot be promised).
 */
export async function verifyPartition(
  logs: LogPair,
  of: { readonly topic: string; readonly partition: number },
  signal: AbortSignal,
): Promise<PartitionVerdict> {
  // The copy's end first: what the copy has, the source must have by then.
  const copyRange = await logs.copy.range(of.topic, of.partition, signal);
  const sourceRange = await logs.source.range(of.topic, of.partition, signal);
  const verdict: PartitionVerdict = {
    batchesEqual: 0,
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
  const source = logs.source.batches(of, range, signal);
  const copy = logs.copy.batches(of, range, signal);
  let left = await next(source);
  let right = await next(copy);
  while (left !== undefined || right !== undefined) {
    if (left !== undefined && right !== undefined && left.header.baseOffset === right.header.baseOffset) {
      compare(verdict, left, right);
      left = await next(source);
      right = await next(copy);
    } else if (right === undefined || (left !== undefined && left.header.baseOffset < right.header.baseOffset)) {
      if (left === undefined) break;
      different(verdict, left, 'the copy has no batch that begins here');
      left = await next(source);
    } else {
      different(verdict, right, 'the source has no batch that begins here');
      right = await next(copy);
    }
  }
  return verdict;
}

async function next(batches: AsyncGenerator<RawBatch>): Promise<RawBatch | undefined> {
  const result = await batches.next();
  return result.done === true ? undefined : result.value;
}

function compare(verdict: PartitionVerdict, source: RawBatch, copy: RawBatch): void {
  const difference = compareBatches(source, copy);
  if (difference === undefined) {
    verdict.batchesEqual += 1;
    verdict.recordsEqual += source.header.records;
    return;
  }
  verdict.batchesDifferent += 1;
  const originals = decodeRecords(source);
  const copies = new Map(decodeRecords(copy).map((record) => [record.offset, record]));
  let first: { offset: bigint; what: string } | undefined;
  for (const record of originals) {
    const what = whatDiffers(record, copies.get(record.offset));
    copies.delete(record.offset);
    if (what === undefined) {
      verdict.recordsEqual += 1;
    } else {
      verdict.recordsDifferent += 1;
      first ??= { offset: record.offset, what };
    }
  }
  verdict.recordsDifferent += copies.size;
  verdict.firstDifference ??= first ?? { offset: source.header.baseOffset, what: `the batches' ${difference}` };
}

function whatDiffers(source: RawRecord, copy: RawRecord | undefined): string | undefined {
  if (copy === undefined) return 'the copy lacks this record';
  const part = compareRecords(source, copy);
  return part === undefined ? undefined : `the record's ${part}`;
}

function different(verdict: PartitionVerdict, batch: RawBatch, what: string): void {
  verdict.batchesDifferent += 1;
  verdict.recordsDifferent += batch.header.records;
  verdict.firstDifference ??= { offset: batch.header.baseOffset, what };
}
