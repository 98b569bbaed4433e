import type { Cluster } from '../../kafka/cluster.ts';
import { describeTopicConfigs } from '../../kafka/topic-admin.ts';
import type { CopyOnlyBatch } from '../../replication/logs/copy-only.ts';
import { LogReader } from '../../replication/logs/log-reader.ts';
import { linkProducerId } from '../../replication/partition/producer-identity.ts';
import type { Tail } from '../../quarantine/manifest.ts';
import {
  type PartitionScan,
  scanPartition,
  type ScannedPartition,
  type ScanLogs,
} from '../../quarantine/scan-partition.ts';
import { type OwnBelowRecord, ownBelowOf } from '../state/own-below.ts';
import type { ReadMeter } from './read-meter.ts';
import { Stopped } from './stopped.ts';

/** Which topics a rebuild is about: names are no identity. */
export interface RebuildIds {
  readonly topic: string;
  readonly link: string;
  readonly copyTopicId: string;
  readonly copiedTopicId: string;
  readonly sourceTopicId: string;
  /** Of a copy whose site was primary before: see `CopiedPartition`. */
  readonly ownBelow?: OwnBelowRecord | undefined;
  /** Of the log of an old primary, which is compared with its new one. */
  readonly tail?: Pick<Tail, 'cuts'> | undefined;
}

export interface Sides {
  readonly source: Cluster;
  readonly target: Cluster;
}

export interface TopicScan extends PartitionScan {
  readonly partition: number;
  /** Offsets of the source as it is now, from its start to its end. */
  readonly offsetsToCopy: number;
}

export interface ScanOptions {
  readonly signal: AbortSignal;
  readonly onPartition: (done: number, total: number) => void;
  readonly sink?: (partition: number, found: CopyOnlyBatch) => Promise<void>;
  /** Told of everything that is read. */
  readonly meter?: ReadMeter;
}

/** Partition counts of both sides, after a look at the topics' ids. Throws {@link Stopped} when one is another topic. */
export async function currentPartitions(
  { source, target }: Sides,
  ids: RebuildIds,
): Promise<{ readonly source: number; readonly copy: number }> {
  const copy = (await target.metadata([ids.topic])).topics.get(ids.topic);
  if (copy?.topicId !== ids.copyTopicId) throw new Stopped(`the copy of ${ids.topic} is not there any more`);
  const original = (await source.metadata([ids.topic])).topics.get(ids.topic);
  if (original === undefined) throw new Stopped(`the source has no topic ${ids.topic} any more`);
  if (original.topicId !== ids.sourceTopicId) {
    throw new Stopped(`the source topic ${ids.topic} was deleted and created anew since the plan`);
  }
  return { source: original.partitions.length, copy: copy.partitions.length };
}

/** Compares every partition of the copy with its source, one after the other. */
export async function scanTopic(sides: Sides, ids: RebuildIds, options: ScanOptions): Promise<readonly TopicScan[]> {
  const { signal, onPartition, sink, meter } = options;
  const counts = await currentPartitions(sides, ids);
  const compacted = await compactsAtSource(sides, ids.topic);
  const logs = meter?.metered(readersOf(sides)) ?? readersOf(sides);
  const total = Math.max(counts.copy, counts.source);
  const scans: TopicScan[] = [];
  for (let partition = 0; partition < total; partition++) {
    onPartition(partition, total);
    const toCopy =
      partition < counts.source ? await logs.source.range(ids.topic, partition, signal) : { start: 0n, end: 0n };
    const scan =
      partition < counts.copy
        ? await scanOne(logs, partition, { ids, counts: { ...counts, compacted }, signal, sink })
        : nothingThere;
    scans.push({ ...scan, partition, offsetsToCopy: Number(toCopy.end - toCopy.start) });
  }
  onPartition(total, total);
  return scans;
}

async function compactsAtSource({ source }: Sides, topic: string): Promise<boolean> {
  const policy = (await describeTopicConfigs(source, [topic])).get(topic)?.get('cleanup.policy') ?? '';
  return policy.split(',').some((each) => each.trim() === 'compact');
}

/** What the source topic is like. */
interface SourceShape {
  /** Its partitions. */
  readonly source: number;
  readonly compacted: boolean;
}

interface ScanOne extends Pick<ScanOptions, 'signal'> {
  readonly ids: RebuildIds;
  readonly counts: SourceShape;
  readonly sink: ScanOptions['sink'];
}

function scanOne(logs: ScanLogs, partition: number, { ids, counts, signal, sink }: ScanOne): Promise<PartitionScan> {
  const bound = sink === undefined ? {} : { sink: (found: CopyOnlyBatch) => sink(partition, found) };
  return scanPartition(logs, partitionToScan(ids, partition, counts), { ...bound, signal });
}

/** A partition as the scan wants it. The copy of a topic that is no more has nothing to be compared with. */
export function partitionToScan(
  ids: RebuildIds,
  partition: number,
  { source, compacted }: SourceShape,
): ScannedPartition {
  const cut = ids.tail === undefined ? undefined : BigInt(ids.tail.cuts[partition] ?? '0');
  const ownBelow = cut ?? ownBelowOf(ids)?.get(partition);
  return {
    topic: ids.topic,
    partition,
    producerId: linkProducerId(ids.link, ids.copiedTopicId, partition),
    atSource: ids.copiedTopicId === ids.sourceTopicId && partition < source,
    compacted,
    ...(ownBelow === undefined ? {} : { ownBelow }),
    ...(cut === undefined ? {} : { sourceTo: cut }),
  };
}

export function readersOf({ source, target }: Sides): { readonly source: LogReader; readonly copy: LogReader } {
  return { source: new LogReader(source), copy: new LogReader(target) };
}

const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

const noneUnexplained = { recordsUnexplained: 0, unexplainedSha256: emptySha256 };

/** A partition that the source got later than the copy. */
const nothingThere: PartitionScan = {
  range: { copyStart: '0', copyEnd: '0' },
  quarantined: { batches: 0, records: 0, recordsOnlyHere: 0, bytes: 0, sha256: emptySha256, ...noneUnexplained },
};
