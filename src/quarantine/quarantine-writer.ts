import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CopyOnlyBatch } from '../replication/logs/copy-only.ts';
import { DurableFile, folderMode, makeFolderDurably, sha256OfFile, syncFolder, writeDurably } from './durable-file.ts';
import {
  checksumsName,
  filesOf,
  indexName,
  type IndexLine,
  type Manifest,
  linesName,
  type ManifestFile,
  manifestName,
  manifestSchema,
  partialSuffix,
  partitionFolder,
  segmentName,
} from './manifest.ts';
import { recordsOf } from './quarantine-reader.ts';
import { recordLine } from './record-line.ts';
import { verifyQuarantine } from './verify-quarantine.ts';

interface OpenPartition {
  readonly log: DurableFile;
  readonly index: DurableFile;
  readonly lines: DurableFile | undefined;
}

export interface QuarantineOptions {
  /** The records that are only here as lines of JSON, too. */
  readonly lines?: boolean;
}

export type PartitionFiles = NonNullable<Manifest['partitions'][number]['files']>;

/**
 * Writes one quarantine: everything below `<folder>/<name>.<random>.partial` until {@link finish} has synced it, read it
 * back and found it complete; only then does it get its name. What an interrupted writer left is removed by the next one
 * of the same name. Should that one still be alive, it cannot finish, and does not touch what is the next one's; a
 * finished quarantine is never touched.
 */
export class QuarantineWriter {
  readonly #folder: string;
  readonly #name: string;
  readonly #partial: string;
  readonly #withLines: boolean;
  readonly #partitions = new Map<number, OpenPartition>();

  private constructor(folder: string, name: string, { lines = false }: QuarantineOptions) {
    this.#folder = folder;
    this.#name = name;
    this.#withLines = lines;
    this.#partial = join(folder, `${name}.${randomBytes(4).toString('hex')}${partialSuffix}`);
  }

  /** Throws when a quarantine of that name is finished already. */
  static async create(folder: string, name: string, options: QuarantineOptions = {}): Promise<QuarantineWriter> {
    await makeFolderDurably(folder);
    const writer = new QuarantineWriter(folder, name, options);
    if (await exists(writer.path)) throw new Error(`${writer.path} exists; a quarantine is never written over`);
    await removePartials(folder, name);
    await mkdir(writer.#partial, { mode: folderMode });
    return writer;
  }

  /** Where it is when it is finished. */
  get path(): string {
    return join(this.#folder, this.#name);
  }

  /** Batches of one partition come in the order of their offsets. */
  async add(partition: number, { batch, onlyHere }: CopyOnlyBatch): Promise<void> {
    const { frame, header } = batch;
    const files = this.#partitions.get(partition) ?? (await this.#open(partition, header.baseOffset));
    const line: IndexLine = {
      position: files.log.bytes,
      bytes: header.end - header.start,
      firstOffset: String(header.baseOffset),
      lastOffset: String(header.lastOffset),
      records: header.records,
      producerId: String(frame.readBigInt64BE(header.start + 43)),
      aborted: batch.dropped,
      onlyHere: onlyHere.map(({ first, last }) => [String(first), String(last)]),
    };
    await files.log.append(frame.subarray(header.start, header.end));
    await files.index.append(Buffer.from(`${JSON.stringify(line)}\n`));
    if (files.lines === undefined) return;
    for (const record of recordsOf({ frame, header }, { partition, line })) {
      if (record.kind === 'bytes' || record.onlyHere) await files.lines.append(Buffer.from(`${recordLine(record)}\n`));
    }
  }

  /** Closes a partition's files; undefined when it got no batch. */
  async finishPartition(partition: number): Promise<PartitionFiles | undefined> {
    const files = this.#partitions.get(partition);
    if (files === undefined) return undefined;
    this.#partitions.delete(partition);
    const described = {
      ...{ log: await this.#describe(files.log), index: await this.#describe(files.index) },
      ...(files.lines === undefined ? {} : { lines: await this.#describe(files.lines) }),
    };
    await syncFolder(join(this.#partial, partitionFolder(partition)));
    return described;
  }

  /** Writes the manifest, reads everything back, gives the folder its name. Returns the manifest's sha256. */
  async finish(manifest: Manifest, signal?: AbortSignal): Promise<string> {
    const text = `${JSON.stringify(manifestSchema.parse(manifest), undefined, 2)}\n`;
    const manifestPath = join(this.#partial, manifestName);
    await writeDurably(manifestPath, text);
    const { sha256 } = await sha256OfFile(manifestPath);
    const files = manifest.partitions.flatMap((partition) =>
      partition.files === undefined ? [] : filesOf(partition.files),
    );
    const sums = [...files, { path: manifestName, sha256 }].map((file) => `${file.sha256}  ${file.path}\n`);
    await writeDurably(join(this.#partial, checksumsName), sums.join(''));
    await syncFolder(this.#partial);
    const { problems } = await verifyQuarantine(this.#partial, signal);
    if (problems.length > 0) throw new Error(`what was written reads back wrong: ${problems[0] ?? ''}`);
    await rename(this.#partial, this.path);
    await syncFolder(this.#folder);
    return sha256;
  }

  /** Closes what is open and removes what was written; does nothing to a finished quarantine. */
  async abandon(): Promise<void> {
    for (const { log, index, lines } of this.#partitions.values())
      await Promise.all([log.abandon(), index.abandon(), lines?.abandon()]);
    this.#partitions.clear();
    await rm(this.#partial, { recursive: true, force: true });
  }

  async #open(partition: number, firstOffset: bigint): Promise<OpenPartition> {
    const folder = join(this.#partial, partitionFolder(partition));
    await mkdir(folder, { mode: folderMode });
    const log = await DurableFile.create(join(folder, segmentName(firstOffset)));
    const index = await DurableFile.create(join(folder, indexName));
    const lines = this.#withLines ? await DurableFile.create(join(folder, linesName)) : undefined;
    const files = { log, index, lines };
    this.#partitions.set(partition, files);
    return files;
  }

  async #describe(file: DurableFile): Promise<ManifestFile> {
    const { bytes } = file;
    const path = file.path.slice(this.#partial.length + 1).replaceAll('\\', '/');
    return { path, bytes, sha256: await file.finish() };
  }
}

async function removePartials(folder: string, name: string): Promise<void> {
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith(name) || !entry.endsWith(partialSuffix)) continue;
    const between = entry.slice(name.length, -partialSuffix.length);
    if (/^(\.[0-9a-f]{8})?$/.test(between)) await rm(join(folder, entry), { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
