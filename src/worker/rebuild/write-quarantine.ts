import { join } from 'node:path';
import { committedPositions } from '../../kafka/group-positions.ts';
import { sha256OfFile, syncFolder } from '../../quarantine/durable-file.ts';
import { type Manifest, manifestFormat, manifestName, type ManifestPartition } from '../../quarantine/manifest.ts';
import { QuarantineError, readManifest } from '../../quarantine/quarantine-reader.ts';
import { type PartitionFiles, QuarantineWriter } from '../../quarantine/quarantine-writer.ts';
import { verifyQuarantine } from '../../quarantine/verify-quarantine.ts';
import { plannedPartition, renderPositions } from './make-plan.ts';
import { type HashedPartition, planHash } from './plan-hash.ts';
import type { RebuildRecord } from './rebuild-record.ts';
import { type ScanOptions, scanTopic, type Sides, type TopicScan } from './scan-topic.ts';
import { Stopped } from './stopped.ts';

export interface QuarantineContext {
  readonly sides: Sides;
  readonly pair: string;
  readonly version: string;
  readonly now: () => Date;
}

/** A quarantine that is complete, on the disk, and was read back. */
export interface FinishedQuarantine {
  readonly manifest: Manifest;
  readonly manifestSha256: string;
}

/**
 * Reads both logs once more and writes what only the copy holds. Throws {@link Stopped} when it is not exactly what
 * was confirmed; nothing is left on the disk then.
 */
export async function writeQuarantine(
  context: QuarantineContext,
  record: RebuildRecord,
  options: Pick<ScanOptions, 'signal' | 'onPartition'>,
): Promise<FinishedQuarantine> {
  const { tail } = record;
  const lines = tail?.decision?.kind === 'export';
  const writer = await QuarantineWriter.create(record.folder, record.name, { lines });
  try {
    const scans = await scanTopic(context.sides, record, {
      ...options,
      sink: (partition, found) => writer.add(partition, found),
    });
    const { topic, link, copyTopicId, copiedTopicId, sourceTopicId } = record;
    const ids = {
      ...{ topic, link, copyTopicId, copiedTopicId, sourceTopicId },
      ...(tail === undefined ? {} : { tail }),
    };
    const found = planHash({ ...ids, partitions: scans.map(plannedPartition) });
    if (found !== record.planHash) {
      throw new Stopped('what only the copy holds has changed since the plan was confirmed; make a new plan');
    }
    const files = new Map<number, PartitionFiles>();
    for (const { partition } of scans) {
      const described = await writer.finishPartition(partition);
      if (described !== undefined) files.set(partition, described);
    }
    const { positions } = await committedPositions(context.sides.target, topic, scans.length);
    const manifest: Manifest = {
      format: manifestFormat,
      umbra: context.version,
      reason: tail === undefined ? 'rebuild' : 'reconcile',
      pair: context.pair,
      ...ids,
      planHash: record.planHash,
      startedAt: record.startedAt,
      cutAt: context.now().toISOString(),
      faults: record.faults,
      partitions: scans.map((scan) => manifestPartition(scan, files.get(scan.partition))),
      groupPositions: renderPositions(positions),
    };
    return { manifest, manifestSha256: await writer.finish(manifest) };
  } finally {
    await writer.abandon();
  }
}

function manifestPartition(
  { partition, range, quarantined }: TopicScan,
  files: PartitionFiles | undefined,
): Manifest['partitions'][number] {
  return { partition, ...range, ...quarantined, ...(files === undefined ? {} : { files }) };
}

/**
 * The quarantine that an earlier life of the worker finished, read from its first byte to its last; undefined when
 * there is none. Throws {@link Stopped} when it is damaged or another one.
 */
export async function finishedQuarantine(record: RebuildRecord): Promise<FinishedQuarantine | undefined> {
  const path = quarantinePath(record);
  const { manifest, manifestSha256, problems } = await verifyQuarantine(path);
  if (manifest === undefined || manifestSha256 === undefined) return undefined;
  const [problem] = problems;
  if (problem !== undefined) throw new Stopped(`the quarantine ${path} is damaged: ${problem}`);
  // Of what it holds, not of what it says: only that is what was confirmed.
  const found = planHash({ ...manifest, partitions: manifest.partitions.map(confirmedPart) });
  if (found !== record.planHash || manifest.planHash !== found || manifest.copyTopicId !== record.copyTopicId) {
    throw new Stopped(`the quarantine ${path} is that of another rebuild`);
  }
  // The worker that gave it its name may have died before that was on the disk.
  await syncFolder(record.folder);
  return { manifest, manifestSha256 };
}

/** The same, for a copy that is about to be deleted. Throws {@link Stopped} when it is not there as it was written. */
export async function verifiedQuarantine(record: RebuildRecord, manifestSha256: string): Promise<Manifest> {
  const finished = await finishedQuarantine(record);
  if (finished?.manifestSha256 === manifestSha256) return finished.manifest;
  throw new Stopped(`the quarantine ${quarantinePath(record)} is not there any more as it was written`);
}

function confirmedPart({ partition, forkOffset, ...quarantined }: ManifestPartition): HashedPartition {
  return { partition, ...(forkOffset === undefined ? {} : { forkOffset }), quarantined };
}

/**
 * What the manifest of this rebuild says, without a look at the files it describes. Throws {@link QuarantineError} when
 * it cannot be read or is not the one that was written.
 */
export async function writtenManifest(
  record: Pick<RebuildRecord, 'folder' | 'name'>,
  manifestSha256: string,
): Promise<Manifest> {
  const path = quarantinePath(record);
  const manifest = await readManifest(path);
  const { sha256 } = await sha256OfFile(join(path, manifestName));
  if (sha256 !== manifestSha256) throw new QuarantineError(`the manifest in ${path} is not the one that was written`);
  return manifest;
}

export function quarantinePath({ folder, name }: Pick<RebuildRecord, 'folder' | 'name'>): string {
  return join(folder, name);
}
