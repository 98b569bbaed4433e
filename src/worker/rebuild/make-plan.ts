import { statfs } from 'node:fs/promises';
import { committedPositions, type TopicPositions } from '../../kafka/group-positions.ts';
import { makeFolderDurably } from '../../quarantine/durable-file.ts';
import { autoCreatesTopics } from '../../kafka/topic-admin.ts';
import type { GroupPosition, ManifestFault, Tail } from '../../quarantine/manifest.ts';
import { tailAsFound } from '../reconcile/tail-method.ts';
import { planHash } from './plan-hash.ts';
import { predictPrice } from './predict-price.ts';
import { ReadMeter } from './read-meter.ts';
import type { RebuildPlan } from './rebuild-view.ts';
import {
  currentPartitions,
  type RebuildIds,
  type ScanOptions,
  scanTopic,
  type Sides,
  type TopicScan,
} from './scan-topic.ts';

export interface PlanRequest extends RebuildIds {
  readonly faults: readonly ManifestFault[];
  /** Of the log of an old primary. */
  readonly tail?: Omit<Tail, 'method'> | undefined;
  /** Folder of all quarantines. */
  readonly folder: string;
}

/** Room for manifest and checksums, and so that a full disk is not what a rebuild leaves behind. */
const reserveBytes = 64 << 20;
const indexBytesPerBatch = 400;

/** Compares both logs and says what a rebuild would do. Changes nothing but that it makes the folder. */
export async function makePlan(sides: Sides, request: PlanRequest, options: ScanOptions): Promise<RebuildPlan> {
  const { faults, folder, tail: asked, ...topics } = request;
  const ids = { ...topics, ...(asked === undefined ? {} : { tail: asked }) };
  const meter = new ReadMeter();
  const begunAtMs = performance.now();
  const scans = await scanTopic(sides, ids, { ...options, meter });
  const measured = { source: meter.of('source'), copy: meter.of('copy'), tookMs: performance.now() - begunAtMs };
  const partitions = scans.map(plannedPartition);
  const { positions, hidden } = await committedPositions(sides.target, ids.topic, partitions.length);
  const { copy: partitionsHere } = await currentPartitions(sides, ids);
  const tail = asked === undefined ? undefined : tailAsFound(asked, { partitions, partitionsHere });
  const plan = { ...topics, ...(tail === undefined ? {} : { tail }), partitions };
  return {
    ...plan,
    price: predictPrice(plan, measured),
    faults: [...faults],
    folder,
    neededBytes: neededBytes(partitions),
    freeBytes: await freeBytes(folder),
    groups: new Set(positions.map(({ group }) => group)).size,
    groupsHidden: [...hidden],
    autoCreated: (await autoCreatesTopics(sides.target)) ?? false,
    hash: planHash(plan),
  };
}

export function plannedPartition({
  partition,
  range,
  quarantined,
  offsetsToCopy,
}: TopicScan): RebuildPlan['partitions'][number] {
  return { partition, ...range, quarantined, offsetsToCopy };
}

export function renderPositions(positions: TopicPositions['positions']): GroupPosition[] {
  return positions.map(({ group, partition, offset, metadata }) => ({
    group,
    partition,
    offset: String(offset),
    ...(metadata === undefined || metadata === '' ? {} : { metadata }),
  }));
}

/** What the quarantine takes on the disk, where no batch is foreign in many pieces. Pure. */
export function neededBytes(partitions: RebuildPlan['partitions']): number {
  return partitions.reduce(
    (sum, { quarantined }) => sum + quarantined.bytes + quarantined.batches * indexBytesPerBatch,
    reserveBytes,
  );
}

/** Bytes that may still be written where the quarantine goes. Makes the folder if it is not there. */
export async function freeBytes(folder: string): Promise<number> {
  await makeFolderDurably(folder);
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
