import { createHash } from 'node:crypto';
import { headerBytes } from '../batches/record-batch.ts';
import type { BatchInFrame } from '../batches/records.ts';

/**
 * By which the end of a log is known again: SHA-256 over the records of its last batch as they are stored, in hex. Without the
 * header: offsets and producers differ between a log and its copy.
 */
export function tailSha256Of({ frame, header }: BatchInFrame): string {
  return createHash('sha256')
    .update(frame.subarray(header.start + headerBytes, header.end))
    .digest('hex');
}
