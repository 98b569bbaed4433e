import type { ReadBatch } from '../batches/read-batch.ts';
import { compareBatches, hasSameBytesAtCopy } from '../batches/record-batch.ts';
import { compareRecords, decodeRecords, type RawRecord } from '../batches/records.ts';

type Found = Extract<ReadBatch, { kind: 'batch' }>;

/**
 * Whether the copy's batch can have been made by the link from what the source holds at that place; the difference in
 * words if not. `original` is the source's first batch that ends at or above the copy's last offset.
 *
 * - a marker stands where the source has no record for anybody: a marker, an aborted or removed record, a hole
 * - a batch that can pass as a whole is there byte by byte
 * - of a batch that was taken apart every record that the source still has is there; compaction may have removed some
 *   since they were copied
 */
export function tailDifference(original: Found, copy: Found, linkProducerId: bigint): string | undefined {
  const source = original.header;
  const { header } = copy;
  if (header.control) {
    const empty = source.control || original.aborted || source.records === 0 || source.baseOffset > header.lastOffset;
    if (empty) return undefined;
    const record = decodeRecords(original).find(({ offset }) => offset === header.lastOffset);
    return record === undefined ? undefined : 'a marker stands where the source has a record';
  }
  if (source.baseOffset > header.lastOffset) {
    const ours = copy.frame.readBigInt64BE(header.start + 43) === linkProducerId;
    return ours ? undefined : 'a record stands where the source has none';
  }
  if (source.control || original.aborted) return 'a record stands where the source has none';
  const difference = compareBatches(original, copy);
  const passes = hasSameBytesAtCopy(original) && source.baseOffset === header.baseOffset;
  if (difference === undefined || passes) return difference;
  return recordDifference(decodeRecords(original), decodeRecords(copy), source.dense);
}

function recordDifference(
  originals: readonly RawRecord[],
  copies: readonly RawRecord[],
  dense: boolean,
): string | undefined {
  const byOffset = new Map(originals.map((record) => [record.offset, record]));
  const first = copies[0]?.offset ?? 0n;
  const last = copies.at(-1)?.offset ?? -1n;
  for (const copy of copies) {
    const original = byOffset.get(copy.offset);
    if (original === undefined && dense && copy.offset >= (originals[0]?.offset ?? 0n)) return 'number of records';
    const difference = original === undefined ? undefined : compareRecords(original, copy);
    if (difference !== undefined) return `${difference} of the record at offset ${copy.offset}`;
    byOffset.delete(copy.offset);
  }
  const missing = [...byOffset.keys()].some((offset) => offset >= first && offset <= last);
  return missing ? 'number of records' : undefined;
}
