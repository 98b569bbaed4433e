import type { Fault } from '../partition/fault.ts';

/**
 * ```
 *            resumed                    level with the source
 *  resuming ─────────▶ copying ⇄ waiting
 *     ▲                   │  │
 *     └── lost answer, ───┘  └──▶ faulted      any ──▶ stopped
 *         moved leader             (for good)
 * ```
 */
export type CopierState =
  | { readonly kind: 'resuming'; readonly notBeforeMs: number; readonly reason: string | undefined }
  | { readonly kind: 'copying' }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'faulted'; readonly fault: Fault; readonly at: Date };

/** Where to go on, read from the target and checked against the source (resume.ts). */
export interface ResumePoint {
  /** The target's log end: the next offset it will assign. */
  readonly logEnd: bigint;
  readonly sequence: number;
  /** Leader epoch of the source's batch below `logEnd`; undefined for an empty copy. */
  readonly lastFetchedEpoch: number | undefined;
}
