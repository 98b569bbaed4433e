import { MalformedError } from '../../kafka/errors.ts';
import { UncompressedTooLargeError } from '../batches/compression.ts';
import { repackBatch, type Repacked, type RepackLimits } from '../batches/repack.ts';

/** What a batch has to be taken apart with; `batch` is overwritten. */
export interface RepackJob {
  readonly batch: Buffer;
  readonly from: bigint;
}

/** How taking apart ended, as plain data: it may come from another thread. */
export type RepackOutcome =
  | ({ readonly kind: 'repacked' } & Repacked)
  /** The bytes are not what they should be. */
  | { readonly kind: 'malformed'; readonly message: string }
  | { readonly kind: 'too-large'; readonly message: string }
  /** Anything that nobody has thought of: it concerns this batch, not the others. */
  | { readonly kind: 'impossible'; readonly message: string };

export function repackOutcome({ batch, from }: RepackJob, limits: RepackLimits): RepackOutcome {
  try {
    return { kind: 'repacked', ...repackBatch(batch, from, limits) };
  } catch (error) {
    if (error instanceof UncompressedTooLargeError) return { kind: 'too-large', message: error.message };
    if (error instanceof MalformedError) return { kind: 'malformed', message: error.message };
    return { kind: 'impossible', message: error instanceof Error ? error.message : String(error) };
  }
}
