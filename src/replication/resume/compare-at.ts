import type { Broker } from '../../kafka/cluster.ts';
import { tailDifference } from './compare-tail.ts';
import { type CopiedPartition, isOwn } from '../partition/copied-partition.ts';
import type { Leader } from '../partition/leaders.ts';
import { ownDifference } from './own-difference.ts';
import { readBatchAt, type ReadBatch } from '../logs/read-batch.ts';

/** One partition with its leaders on both sides, and connections to them. */
export interface BothLogs {
  readonly brokers: {
    readonly source: Broker;
    readonly target: Broker;
    /** Told how many bytes each read was answered with. */
    readonly onRead?: (bytes: number) => void;
  };
  readonly of: CopiedPartition;
  readonly source: Leader;
  readonly target: Leader;
}

export type FoundBatch = Extract<ReadBatch, { kind: 'batch' }>;

export type ComparedAt =
  | { readonly kind: 'same'; readonly copy: FoundBatch; readonly original: FoundBatch }
  | { readonly kind: 'different'; readonly copy: FoundBatch; readonly original: FoundBatch; readonly what: string }
  /** The copy has a batch there, the source shows none. */
  | { readonly kind: 'no-original'; readonly copy: FoundBatch; readonly original: Exclude<ReadBatch, FoundBatch> }
  | { readonly kind: 'no-copy'; readonly copy: Exclude<ReadBatch, FoundBatch> };

/** Compares the copy's batch that holds `offset` with what the source has at its place: one batch of each side. */
export async function compareAt({ brokers, of, source, target }: BothLogs, offset: bigint): Promise<ComparedAt> {
  const { partition } = of;
  const copy = await readBatchAt(brokers.target, {
    topicId: of.targetTopicId,
    partition,
    leaderEpoch: target.epoch,
    offset,
  });
  if (copy.kind !== 'batch') return { kind: 'no-copy', copy };
  brokers.onRead?.(copy.frame.length);
  const original = await readBatchAt(brokers.source, {
    topicId: of.sourceTopicId,
    partition,
    leaderEpoch: source.epoch,
    offset: copy.header.lastOffset,
  });
  if (original.kind !== 'batch') return { kind: 'no-original', copy, original };
  brokers.onRead?.(original.frame.length);
  const what = isOwn(of, copy.header.baseOffset)
    ? await ownDifference(original, copy)
    : await tailDifference(original, copy, of.producerId);
  return what === undefined ? { kind: 'same', copy, original } : { kind: 'different', copy, original, what };
}
