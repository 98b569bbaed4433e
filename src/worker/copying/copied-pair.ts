import { ownBelowOf } from '../state/own-below.ts';
import type { LastingFault, ShadowRecord } from '../state/shadow-record.ts';

/** What `_umbra` says of a copy, as far as copying needs it. */
export interface CopiedPair {
  readonly sourceTopicId: string;
  readonly targetTopicId: string;
  readonly faults: readonly LastingFault[];
  /** Of a topic whose roles were reversed, by partition: see `CopiedPartition`. */
  readonly ownBelow?: ReadonlyMap<number, bigint>;
}

/** Undefined for a copy that is not there yet. */
export function copiedPair(record: ShadowRecord | undefined): CopiedPair | undefined {
  if (record?.state.kind !== 'ours') return undefined;
  const { sourceTopicId, faults } = record;
  const ownBelow = ownBelowOf(record);
  return {
    ...{ sourceTopicId, targetTopicId: record.state.shadowTopicId, faults },
    ...(ownBelow === undefined ? {} : { ownBelow }),
  };
}
