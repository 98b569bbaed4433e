import { compareLogs, type LogComparison } from './compare-logs.ts';
import type { LogReader } from './log-reader.ts';

export interface PartitionVerdict extends LogComparison {
  /** Records of the source above the end of the copy. */
  readonly behind: bigint;
  readonly sourceStart: bigint;
  readonly sourceEnd: bigint;
  readonly copyEnd: bigint;
}

type ReadableLog = Pick<LogReader, 'range' | 'batches'>;

export interface LogPair {
  readonly source: ReadableLog;
  readonly copy: ReadableLog;
}

/** Looks at the log starts for records that one side lacks, at most; from then on a difference is one. */
const startChecksMax = 1000;

export interface VerifiedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Compaction may have removed records at the source since they were copied: more at the copy is no difference. */
  readonly compacted: boolean;
  /** See `CopiedPartition`: below it the copy's log is its site's own. */
  readonly ownBelow?: bigint;
}

/**
 * Reads both logs raw, from where both begin to the end of the copy, and compares them. What retention deletes
 * meanwhile is no difference, though both sides do it a moment apart.
 */
export async function verifyPartition(
  logs: LogPair,
  of: VerifiedPartition,
  signal: AbortSignal,
): Promise<PartitionVerdict> {
  // The copy's end first: what the copy has, the source must have by then.
  const copyRange = await logs.copy.range(of.topic, of.partition, signal);
  const sourceRange = await logs.source.range(of.topic, of.partition, signal);
  const from = sourceRange.start > copyRange.start ? sourceRange.start : copyRange.start;
  const range = { from, to: copyRange.end };
  const comparison = await compareLogs(
    { source: logs.source.batches(of, range, signal), copy: logs.copy.batches(of, range, signal) },
    {
      ...{ ...range, compacted: of.compacted, deleted: deletedMeanwhile(logs, of, signal) },
      ...(of.ownBelow === undefined ? {} : { ownBelow: of.ownBelow }),
    },
  );
  return {
    ...comparison,
    behind: sourceRange.end > copyRange.end ? sourceRange.end - copyRange.end : 0n,
    sourceStart: sourceRange.start,
    sourceEnd: sourceRange.end,
    copyEnd: copyRange.end,
  };
}

/** See `ComparedRange.deleted`: whether an offset lies below where one of the logs begins by now. Asks at a difference only. */
export function deletedMeanwhile(
  logs: Readonly<Record<keyof LogPair, Pick<LogReader, 'range'>>>,
  of: { readonly topic: string; readonly partition: number },
  signal: AbortSignal,
): (offset: bigint) => Promise<boolean> {
  let start = 0n;
  let checks = 0;
  return async (offset) => {
    if (offset < start) return true;
    checks += 1;
    if (checks > startChecksMax) return false;
    for (const log of [logs.source, logs.copy]) {
      const range = await log.range(of.topic, of.partition, signal);
      if (range.start > start) start = range.start;
    }
    return offset < start;
  };
}
