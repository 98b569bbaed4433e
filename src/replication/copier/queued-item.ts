import type { Frame } from '../../kafka/frame-pool.ts';
import type { BatchHeader } from '../batches/record-batch.ts';

/** What can be appended. */
export type QueuedItem =
  | { readonly kind: 'batch'; readonly header: BatchHeader; readonly frame: Frame }
  | { readonly kind: 'gap'; readonly from: bigint; readonly count: bigint };

/** A batch that has to be taken apart first: its records from `from` on. */
export interface UnpackedItem {
  readonly kind: 'repack';
  readonly header: BatchHeader;
  readonly from: bigint;
  readonly frame: Frame;
}

/** What a marker stands for: gaps hold no memory, but fetching must not run away from those who fill them. */
const markerBytes = 64;

/** Bytes held until it is appended. */
export function sizeOf(item: QueuedItem | UnpackedItem): number {
  return item.kind === 'gap' ? Number(item.count) * markerBytes : item.header.end - item.header.start;
}

/** Offset after it. */
export function endOf(item: QueuedItem): bigint {
  return item.kind === 'batch' ? item.header.lastOffset + 1n : item.from + item.count;
}
