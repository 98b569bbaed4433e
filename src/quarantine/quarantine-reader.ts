import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MalformedError } from '../kafka/errors.ts';
import { UncompressedTooLargeError } from '../replication/batches/compression.ts';
import { type BatchHeader, parseBatch } from '../replication/batches/record-batch.ts';
import { type BatchInFrame, decodeRecords, type RawRecord } from '../replication/batches/records.ts';
import {
  indexLineSchema,
  type IndexLine,
  type Manifest,
  type ManifestPartition,
  manifestName,
  manifestSchema,
  partialSuffix,
} from './manifest.ts';

/** A batch as it stands in the file. */
export interface StoredBatch {
  readonly position: number;
  readonly frame: Buffer;
  readonly header: BatchHeader;
}

export interface QuarantinedRecord extends RawRecord {
  readonly kind: 'record';
  readonly partition: number;
  readonly producerId: bigint;
  readonly aborted: boolean;
  /** False for records that are only here because another one of their batch is: the source has them. */
  readonly onlyHere: boolean;
}

/** A batch that was kept because it cannot be decoded: its bytes as they stood in the copy. */
export interface QuarantinedBytes {
  readonly kind: 'bytes';
  readonly partition: number;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  readonly bytes: Buffer;
}

/** Thrown for a folder that is no quarantine, or one that is damaged; the message says where. */
export class QuarantineError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'QuarantineError';
  }
}

/** Names of the finished quarantines in a folder, oldest first; none when there is no such folder. */
export async function listQuarantines(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  const names = entries.filter((entry) => entry.isDirectory() && !entry.name.endsWith(partialSuffix));
  return names.map(({ name }) => name).sort();
}

export async function readManifest(path: string): Promise<Manifest> {
  const file = join(path, manifestName);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new QuarantineError(`${file} cannot be read (${reason})`, { cause: error });
  });
  const parsed = manifestSchema.safeParse(jsonOrUndefined(text));
  if (parsed.success) return parsed.data;
  throw new QuarantineError(`${file} is not the manifest of a quarantine this version can read`);
}

/** The batches of a log file, one after the other. Throws {@link QuarantineError} for what is none. */
export async function* storedBatches(path: string): AsyncGenerator<StoredBatch> {
  const { size } = await stat(path);
  const handle = await open(path, 'r');
  try {
    const prefix = Buffer.alloc(12);
    for (let position = 0; position < size;) {
      const { bytesRead } = await handle.read(prefix, 0, prefix.length, position);
      const bytes = prefix.length + prefix.readInt32BE(8);
      if (bytesRead < prefix.length || bytes <= prefix.length || position + bytes > size) {
        throw new QuarantineError(`${path} holds no whole batch at byte ${position}`);
      }
      const frame = Buffer.alloc(bytes);
      await handle.read(frame, 0, bytes, position);
      const parsed = parseOrUndefined(frame);
      if (parsed?.kind !== 'batch') throw new QuarantineError(`${path} holds no batch at byte ${position}`);
      yield { position, frame, header: parsed.header };
      position += bytes;
    }
  } finally {
    await handle.close();
  }
}

/** The lines of an index, in the order of the batches they describe. Memory holds one. */
export async function* indexLines(path: string): AsyncGenerator<IndexLine> {
  const handle = await open(path, 'r');
  try {
    let number = 0;
    for await (const line of handle.readLines()) {
      number += 1;
      if (line === '') continue;
      const parsed = indexLineSchema.safeParse(jsonOrUndefined(line));
      if (!parsed.success) throw new QuarantineError(`${path} is not readable at line ${number}`);
      yield parsed.data;
    }
  } finally {
    await handle.close();
  }
}

/** Every record of a quarantine, by partition and offset. Does not verify: see `verifyQuarantine`. */
export async function* quarantinedRecords(
  path: string,
  manifest: Manifest,
): AsyncGenerator<QuarantinedRecord | QuarantinedBytes> {
  for (const partition of manifest.partitions) yield* partitionRecords(path, partition);
}

async function* partitionRecords(
  path: string,
  { partition, files }: ManifestPartition,
): AsyncGenerator<QuarantinedRecord | QuarantinedBytes> {
  if (files === undefined) return;
  const index = indexLines(join(path, files.index.path));
  for await (const batch of storedBatches(join(path, files.log.path))) {
    const line = await nextLine(index);
    if (line?.position !== batch.position)
      throw new QuarantineError(`${files.index.path} lacks the batch at byte ${batch.position}`);
    yield* recordsOf(batch, { partition, line });
  }
}

/** The records of one batch; its bytes where it cannot be decoded. */
export function* recordsOf(
  batch: BatchInFrame,
  { partition, line }: { readonly partition: number; readonly line: IndexLine },
): Generator<QuarantinedRecord | QuarantinedBytes> {
  const ranges = line.onlyHere.map(([first, last]) => ({ first: BigInt(first), last: BigInt(last) }));
  const records = decodedOrUndefined(batch);
  if (records === undefined) {
    const { baseOffset, lastOffset, start, end } = batch.header;
    const bytes = batch.frame.subarray(start, end);
    yield { kind: 'bytes', partition, firstOffset: baseOffset, lastOffset, bytes };
    return;
  }
  for (const record of records) {
    yield {
      ...record,
      kind: 'record',
      partition,
      producerId: BigInt(line.producerId),
      aborted: line.aborted,
      onlyHere: ranges.some(({ first, last }) => record.offset >= first && record.offset <= last),
    };
  }
}

/** The next line of an index; undefined behind the last one. */
export async function nextLine(index: AsyncGenerator<IndexLine>): Promise<IndexLine | undefined> {
  const next = await index.next();
  return next.done === true ? undefined : next.value;
}

function decodedOrUndefined(batch: BatchInFrame): readonly RawRecord[] | undefined {
  try {
    return decodeRecords(batch);
  } catch (error) {
    if (error instanceof MalformedError || error instanceof UncompressedTooLargeError) return undefined;
    throw error;
  }
}

function parseOrUndefined(frame: Buffer): ReturnType<typeof parseBatch> | undefined {
  try {
    return parseBatch(frame, 0, frame.length);
  } catch {
    return undefined;
  }
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
