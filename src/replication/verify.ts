import { compareLogs, type LogComparison } from './compare-logs.ts';
import type { LogReader } from './log-reader.ts';

export interface PartitionVerdict extends LogComparison {
  /** Records of the source above the end of the copy. */
  readonly behind: bigint;
  readonly sourceStart: bigint;
  readonly sourceEnd: bigint;
  readonly copyEnd: bigint;
}

export interface LogPair {
  readonly source: LogReader;
  readonly copy: LogReader;
}

export interface VerifiedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Compaction may have removed records at the source since they were copied: more at the copy is no difference. */
  readonly compacted: boolean;
}

/** Reads both logs raw, from where both begin to the end of the copy, and compares them. */
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
    { ...range, compacted: of.compacted },
  );
  return {
    ...comparison,
    behind: sourceRange.end > copyRange.end ? sourceRange.end - copyRange.end : 0n,
    sourceStart: sourceRange.start,
    sourceEnd: sourceRange.end,
    copyEnd: copyRange.end,
  };
}
