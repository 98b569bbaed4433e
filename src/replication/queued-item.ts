import type { Frame } from '../kafka/frame-pool.ts';
import type { PlannedItem } from './plan-batches.ts';
import type { BatchHeader } from './record-batch.ts';
import { repackBatch } from './repack.ts';

/** What is to be appended next. A batch lies in the frame it came in, or in memory of its own when it was repacked. */
export type QueuedItem =
  | { readonly kind: 'batch'; readonly bytes: Buffer; readonly header: BatchHeader; readonly frame: Frame | undefined }
  | { readonly kind: 'gap'; readonly from: bigint; readonly count: bigint };

/** Bytes held until it is appended. */
export function sizeOf(item: QueuedItem): number {
  return item.kind === 'batch' ? item.header.end - item.header.start : 0;
}

/** Offset after it. */
export function endOf(item: QueuedItem): bigint {
  return item.kind === 'batch' ? item.header.lastOffset + 1n : item.from + item.count;
}

/** Takes batches apart where they cannot pass. Throws MalformedError; retains nothing. */
export function toQueue(frame: Frame, item: PlannedItem): QueuedItem[] {
  switch (item.kind) {
    case 'pass':
      return [{ kind: 'batch', bytes: frame.bytes, header: item.header, frame }];
    case 'gap':
      return [item];
    case 'repack':
      return repackBatch(frame.bytes, item.header, item.from).map((part) =>
        part.kind === 'gap' ? part : { ...part, frame: undefined },
      );
  }
}
