import { MalformedError } from '../kafka/errors.ts';
import type { BatchHeader } from './record-batch.ts';
import { parseBatch } from './record-batch.ts';
import type { Fault } from './fault.ts';

export interface BatchPlan {
  /** Batches to append as they are, in order, without a gap between them, beginning at the wanted offset. */
  readonly pass: readonly BatchHeader[];
  /** Offset wanted after the last of them. */
  readonly next: bigint;
  /** What makes the partition stop after they are appended. */
  readonly fault: Fault | undefined;
}

/**
 * Decides what happens to the batches of one answer: pure, header only.
 *
 * THE SEAM for gaps (control batches, aborted ranges, holes, a batch that begins below `wanted`): here they become
 * faults; a decision "fill n offsets" or "repack" will stand beside `pass` when the copier can carry it out.
 *
 * @param wanted the next offset of the copy; every offset of the copy is equal to the source's
 * @throws MalformedError for bytes that are no batches, and for records without any batch that is of use
 */
export function planBatches(
  frame: Buffer,
  records: { readonly start: number; readonly end: number },
  wanted: bigint,
): BatchPlan {
  const pass: BatchHeader[] = [];
  let next = wanted;
  let position = records.start;
  while (position < records.end) {
    const parsed = parseBatch(frame, position, records.end);
    if (parsed.kind === 'cut-off') break;
    if (parsed.kind === 'old-format') {
      return { pass, next, fault: oldFormat(parsed.magic, parsed.baseOffset) };
    }
    const { header } = parsed;
    position = header.end;
    // A fetch at offset n begins with the batch that holds n, and compaction can leave batches before it.
    if (header.lastOffset < next) continue;
    const fault = judgeBatch(header, next);
    if (fault !== undefined) return { pass, next, fault };
    pass.push(header);
    next = header.lastOffset + 1n;
  }
  // Brokers send the first batch whole (KIP-74), and it reaches up to `wanted`: anything else would come again for ever.
  if (pass.length === 0 && records.end > records.start) {
    throw new MalformedError(`records, but no whole batch that reaches offset ${wanted}`);
  }
  return { pass, next, fault: undefined };
}

function judgeBatch(header: BatchHeader, wanted: bigint): Fault | undefined {
  const at = header.baseOffset;
  if (at > wanted) {
    return { code: 'HOLE', offset: wanted, message: `offsets ${wanted} to ${at - 1n} do not exist at the source` };
  }
  if (header.control)
    return { code: 'CONTROL_BATCH', offset: at, message: `a transaction marker stands at offset ${at}` };
  if (header.transactional) {
    return { code: 'TRANSACTIONAL', offset: at, message: `transactional records begin at offset ${at}` };
  }
  if (header.logAppendTime) {
    return { code: 'LOG_APPEND_TIME', offset: at, message: `the batch at offset ${at} has log append time` };
  }
  if (!header.dense) {
    const message = `the batch at offsets ${at} to ${header.lastOffset} holds only ${header.records} records`;
    return { code: 'HOLE', offset: at, message };
  }
  if (at < wanted) {
    const message = `the batch at offsets ${at} to ${header.lastOffset} begins below the copy's end ${wanted}`;
    return { code: 'DIVERGED', offset: wanted, message };
  }
  return undefined;
}

function oldFormat(magic: number, offset: bigint): Fault {
  return { code: 'OLD_FORMAT', offset, message: `a message set of format ${magic} stands at offset ${offset}` };
}
