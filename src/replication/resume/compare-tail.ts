import type { ReadBatch } from '../logs/read-batch.ts';
import { compareBatches, hasSameBytesAtCopy } from '../batches/record-batch.ts';
import { compareRecords, type RawRecord, walkRecords } from '../batches/records.ts';

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
export async function tailDifference(
  original: Found,
  copy: Found,
  linkProducerId: bigint,
): Promise<string | undefined> {
  const source = original.header;
  const { header } = copy;
  if (header.control) {
    const empty = source.control || original.aborted || source.records === 0 || source.baseOffset > header.lastOffset;
    if (empty) return undefined;
    const holds = await hasRecordAt(original, header.lastOffset);
    return holds ? 'a marker stands where the source has a record' : undefined;
  }
  if (source.baseOffset > header.lastOffset) {
    const ours = copy.frame.readBigInt64BE(header.start + 43) === linkProducerId;
    return ours ? undefined : 'a record stands where the source has none';
  }
  if (source.control || original.aborted) return 'a record stands where the source has none';
  const difference = compareBatches(original, copy);
  const passes = hasSameBytesAtCopy(original) && source.baseOffset === header.baseOffset;
  if (difference === undefined || passes) return difference;
  return recordDifference(original, copy);
}

async function hasRecordAt(batch: Found, at: bigint): Promise<boolean> {
  for await (const { offset } of walkRecords(batch)) if (offset === at) return true;
  return false;
}

/** Both batches' records side by side, in the order of their offsets. */
async function recordDifference(original: Found, copy: Found): Promise<string | undefined> {
  const originals = walkRecords(original);
  const { dense, baseOffset } = original.header;
  let expected = await nextOf(originals);
  let first: bigint | undefined;
  for await (const record of walkRecords(copy)) {
    first ??= record.offset;
    while (expected !== undefined && expected.offset < record.offset) {
      if (expected.offset >= first) return 'number of records';
      expected = await nextOf(originals);
    }
    if (expected?.offset === record.offset) {
      const difference = compareRecords(expected, record);
      if (difference !== undefined) return `${difference} of the record at offset ${record.offset}`;
      expected = await nextOf(originals);
    } else if (dense && record.offset >= baseOffset) {
      return 'number of records';
    }
  }
  return undefined;
}

async function nextOf(records: AsyncGenerator<RawRecord>): Promise<RawRecord | undefined> {
  const next = await records.next();
  return next.done === true ? undefined : next.value;
}
