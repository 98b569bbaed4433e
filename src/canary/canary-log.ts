import type { CanaryId, CanaryRecord } from './canary-record.ts';
import { parseCanaryKey } from './canary-record.ts';

/** A record as a site's log has it. */
export interface LoggedRecord {
  readonly offset: bigint;
  readonly key: string | undefined;
  /** Of the value, as `hashOf` gives it. */
  readonly hash: string;
  /** Undefined where the value is none of a canary. */
  readonly decoded: CanaryRecord | undefined;
}

/** One partition as one site has it. */
export interface CanaryLog {
  readonly topic: string;
  readonly partition: number;
  /** Where it begins: what stood below was deleted, and is not judged. */
  readonly start: bigint;
  readonly end: bigint;
  /** ms since 1970 when its end was asked for: what was acknowledged later may stand above it. */
  readonly readAtMs: number;
  /** In the order in which they stand in the log. */
  readonly records: readonly LoggedRecord[];
}

/** Which record of a canary this says to be; undefined for one that nobody but a stranger can have written. */
export function idOf({ key, decoded }: LoggedRecord): CanaryId | undefined {
  return (key === undefined ? undefined : parseCanaryKey(key)) ?? decoded;
}
