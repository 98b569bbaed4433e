import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Restored } from '../drill/rehearsal-record.ts';
import type { Cluster } from '../kafka/cluster.ts';
import {
  type Manifest,
  manifestFormat,
  partialSuffix,
  quarantineName,
  type Quarantined,
} from '../quarantine/manifest.ts';
import { storedBatches } from '../quarantine/quarantine-reader.ts';
import { QuarantineWriter } from '../quarantine/quarantine-writer.ts';
import { checksumIsRight } from '../replication/batches/record-batch.ts';
import { LogReader, type RawBatch } from '../replication/logs/log-reader.ts';

const batchesMax = 20;
const bytesMax = 1024 * 1024;
const offsetsBack = 1_000n;
const namePrefix = 'rehearsal-';

export interface SampleSource {
  readonly run: string;
  readonly pair: string;
  readonly link: string;
  /** Of umbra. */
  readonly version: string;
  readonly planHash: string;
  readonly now: Date;
  /** Of quarantines; the sample lies beside them for a moment. Undefined: in the system's folder for such files. */
  readonly folder: string | undefined;
  /** Copies; the first one with records to be read is taken. */
  readonly topics: readonly string[];
}

/**
 * Writes the newest batches of a copy as a quarantine, reads them back, compares them byte by byte with those of the log, and
 * removes them: what a restore needs works on this machine. Undefined where no copy has records. Rejects when aborted and when
 * the cluster does not answer.
 */
export async function restoreSample(
  here: Cluster,
  source: SampleSource,
  signal: AbortSignal,
): Promise<Restored | undefined> {
  const log = new LogReader(here);
  const { topics } = await here.metadata(source.topics, () => undefined);
  for (const topic of source.topics) {
    const known = topics.get(topic);
    for (const { partition } of known?.partitions ?? []) {
      const batches = await newestBatches(log, { topic, partition }, signal);
      if (batches.length === 0) continue;
      const sample = { topic, topicId: known?.topicId ?? '', partition, batches };
      return await inFolder(source, (folder) => writeAndRead(folder, { ...source, ...sample }, signal));
    }
  }
  return undefined;
}

/** Removes what samples of runs that are over have left beside quarantines. Idempotent. */
export async function removeSamples(folder: string | undefined, goesOn: (run: string) => boolean): Promise<void> {
  if (folder === undefined) return;
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(namePrefix) || !name.endsWith(partialSuffix)) continue;
    if (goesOn(name.slice(namePrefix.length, -partialSuffix.length))) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function newestBatches(
  log: LogReader,
  of: { readonly topic: string; readonly partition: number },
  signal: AbortSignal,
): Promise<readonly RawBatch[]> {
  const { start, end } = await log.range(of.topic, of.partition, signal);
  const from = end - offsetsBack > start ? end - offsetsBack : start;
  const batches: RawBatch[] = [];
  let bytes = 0;
  for await (const batch of log.batches(of, { from, to: end, bytesMax }, signal)) {
    if (batch.dropped || batch.header.records === 0) continue;
    batches.push(batch);
    bytes += batch.header.end - batch.header.start;
    if (bytes > bytesMax) break;
  }
  return batches.slice(-batchesMax);
}

/** A name that no list of quarantines shows; removed whatever happens. */
async function inFolder({ folder, run }: SampleSource, work: (folder: string) => Promise<Restored>): Promise<Restored> {
  const made = folder === undefined ? undefined : await mkdir(folder, { recursive: true, mode: 0o700 });
  const place =
    folder === undefined
      ? await mkdtemp(join(tmpdir(), 'umbra-rehearsal-'))
      : join(folder, `${namePrefix}${run}${partialSuffix}`);
  try {
    await rm(place, { recursive: true, force: true });
    await mkdir(place, { mode: 0o700 });
    return await work(place);
  } finally {
    await rm(place, { recursive: true, force: true });
    // Where there were no quarantines there is no folder for them either, as before.
    if (made !== undefined && folder !== undefined) await removeEmpty(folder, made);
  }
}

/** Folders that are empty, from one of them up to the first that was made for it. */
async function removeEmpty(folder: string, made: string): Promise<void> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const isRemoved = await rmdir(at).then(
      () => true,
      () => false,
    );
    if (!isRemoved || at === resolve(made)) return;
  }
}

export interface Sample extends SampleSource {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly batches: readonly RawBatch[];
}

export async function writeAndRead(folder: string, sample: Sample, signal: AbortSignal): Promise<Restored> {
  const { topic, partition, batches, planHash, now } = sample;
  const name = `${topic}/${partition}`;
  const damaged = batches.find(({ frame, header }) => !checksumIsRight(frame, header));
  if (damaged !== undefined)
    return {
      kind: 'sample',
      name,
      result: 'damaged',
      value: `the batch at offset ${damaged.header.baseOffset} is damaged`,
    };
  const writer = await QuarantineWriter.create(folder, quarantineName(topic, planHash, now));
  for (const batch of batches) {
    const range = { first: batch.header.baseOffset, last: batch.header.lastOffset };
    await writer.add(partition, { batch, onlyHere: [range], unexplained: [] });
  }
  const files = await writer.finishPartition(partition);
  if (files === undefined) throw new Error(`nothing of ${name} was written`);
  // Reads everything back and verifies it, too.
  await writer.finish(manifestOf(sample, files), signal);
  const written = batches.map(({ frame, header }) => frame.subarray(header.start, header.end));
  let read = 0;
  for await (const { frame } of storedBatches(join(writer.path, files.log.path))) {
    const wanted = written[read];
    if (wanted === undefined || !wanted.equals(frame))
      return { kind: 'sample', name, result: 'damaged', value: `batch ${read + 1} reads back as another one` };
    read += 1;
  }
  if (read !== written.length)
    return { kind: 'sample', name, result: 'damaged', value: `${read} of ${written.length} batches read back` };
  const value = `${read} batches were written as a quarantine, read back byte by byte, and removed`;
  return { kind: 'sample', name, result: 'intact', value };
}

function manifestOf(sample: Sample, files: NonNullable<Manifest['partitions'][number]['files']>): Manifest {
  const { topic, topicId, partition, batches, planHash, now, pair, link, version } = sample;
  const first = String(batches[0]?.header.baseOffset ?? 0n);
  const last = String(batches.at(-1)?.header.lastOffset ?? 0n);
  const range = { copyStart: first, copyEnd: String(BigInt(last) + 1n) };
  const at = now.toISOString();
  return {
    ...{ format: manifestFormat, umbra: version, reason: 'rebuild', pair, link, topic, planHash },
    ...{ copyTopicId: topicId, copiedTopicId: topicId, sourceTopicId: topicId, startedAt: at, cutAt: at, faults: [] },
    partitions: [{ partition, ...range, ...sumsOf(batches), firstOffset: first, lastOffset: last, files }],
    groupPositions: [],
  };
}

function sumsOf(batches: readonly RawBatch[]): Quarantined {
  const hash = createHash('sha256');
  for (const { frame, header } of batches) hash.update(frame.subarray(header.start, header.end));
  const sum = (of: (batch: RawBatch) => number): number => batches.reduce((total, batch) => total + of(batch), 0);
  return {
    batches: batches.length,
    records: sum(({ header }) => header.records),
    recordsOnlyHere: sum(({ header }) => Number(header.lastOffset - header.baseOffset) + 1),
    bytes: sum(({ header }) => header.end - header.start),
    sha256: hash.digest('hex'),
    recordsUnexplained: 0,
    unexplainedSha256: createHash('sha256').digest('hex'),
  };
}
