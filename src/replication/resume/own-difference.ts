import { compareBatches } from '../batches/record-batch.ts';
import { compareRecords, type RawRecord, walkRecords } from '../batches/records.ts';
import type { ReadBatch } from '../logs/read-batch.ts';

type Found = Extract<ReadBatch, { kind: 'batch' }>;

/**
 * Whether both batches can be what two sides hold of one log that both were primary of; the difference in words if
 * not. For what the copy's site had before the log became a copy (`ownBelow`): there either batch may be the original
 * and the other what a link made of it, so neither side is asked for more than the other. `original` is the source's
 * first batch that ends at or above the copy's last offset; where they overlap
 *
 * - a record that both show is equal in every part
 * - a record that one side shows and the other does not is a difference, unless the other's batch has holes: only a
 *   cleaner makes those. A marker and an aborted batch have none: where they stand nobody ever saw a record, so the
 *   other side may have any of them too, and no record
 *
 * Less than for what the link appended itself: no bytes (a batch may have been taken apart on either side), no producer
 * id (whoever was allowed to wrote it). And where the source has a hole in place of the whole batch there is nothing to
 * compare: whether its topic is compacted at all is asked by the comparison of both logs, which begins with what is
 * compared here, as soon as the copy goes on.
 */
export async function ownDifference(original: Found, copy: Found): Promise<string | undefined> {
  if (shows(original) && shows(copy) && compareBatches(original, copy) === undefined) return undefined;
  const overlap = overlapOf(original, copy);
  const atSource = visible(original, overlap);
  const atCopy = visible(copy, overlap);
  let wanted = await nextOf(atSource);
  let found = await nextOf(atCopy);
  while (wanted !== undefined || found !== undefined) {
    if (found === undefined || (wanted !== undefined && wanted.offset < found.offset)) {
      if (copy.header.dense) return `the source has a record at offset ${wanted?.offset}, the copy none`;
      wanted = await nextOf(atSource);
    } else if (wanted === undefined || found.offset < wanted.offset) {
      if (original.header.dense) return `the copy has a record at offset ${found.offset}, the source none`;
      found = await nextOf(atCopy);
    } else {
      const part = compareRecords(wanted, found);
      if (part !== undefined) return `${part} of the record at offset ${found.offset}`;
      wanted = await nextOf(atSource);
      found = await nextOf(atCopy);
    }
  }
  return undefined;
}

interface Overlap {
  readonly first: bigint;
  readonly last: bigint;
}

function overlapOf({ header: left }: Found, { header: right }: Found): Overlap {
  return {
    first: left.baseOffset > right.baseOffset ? left.baseOffset : right.baseOffset,
    last: left.lastOffset < right.lastOffset ? left.lastOffset : right.lastOffset,
  };
}

/** Whether it has records that consumers see. */
function shows({ header, aborted }: Found): boolean {
  return !header.control && !aborted && header.records > 0;
}

async function* visible(batch: Found, { first, last }: Overlap): AsyncGenerator<RawRecord> {
  if (!shows(batch) || first > last) return;
  for await (const record of walkRecords(batch)) {
    if (record.offset >= first && record.offset <= last) yield record;
  }
}

async function nextOf(records: AsyncGenerator<RawRecord>): Promise<RawRecord | undefined> {
  const next = await records.next();
  return next.done === true ? undefined : next.value;
}
