import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { checksumIsRight } from '../replication/batches/record-batch.ts';
import { sha256OfFile } from './durable-file.ts';
import { checksumsName, filesOf, type Manifest, type ManifestPartition, manifestName } from './manifest.ts';
import { indexLines, nextLine, QuarantineError, readManifest, storedBatches } from './quarantine-reader.ts';

export interface QuarantineVerdict {
  /** Absent when it could not be read. */
  readonly manifest: Manifest | undefined;
  readonly manifestSha256: string | undefined;
  /** Nothing when everything that was put there is there, unchanged, and nothing else. */
  readonly problems: readonly string[];
}

/**
 * Reads a quarantine from its first byte to its last: the checksum of every file, of every batch, and whether counts,
 * offsets and bytes are those of the manifest. Rejects with the reason of `signal` when it aborts.
 */
export async function verifyQuarantine(path: string, signal?: AbortSignal): Promise<QuarantineVerdict> {
  try {
    const manifest = await readManifest(path);
    const { sha256 } = await sha256OfFile(join(path, manifestName));
    const problems = [...(await checkFiles(path, manifest, sha256))];
    for (const partition of manifest.partitions) {
      signal?.throwIfAborted();
      const found = checkPartition(path, partition, signal);
      problems.push(...(await found.catch((error: unknown) => [textOfDamage(error)])));
    }
    return { manifest, manifestSha256: sha256, problems };
  } catch (error) {
    return { manifest: undefined, manifestSha256: undefined, problems: [textOfDamage(error)] };
  }
}

async function checkFiles(path: string, manifest: Manifest, manifestSha256: string): Promise<readonly string[]> {
  const files = manifest.partitions.flatMap(({ files: of }) => (of === undefined ? [] : filesOf(of)));
  const wanted = new Map([...files.map((file) => [file.path, file.sha256] as const), [manifestName, manifestSha256]]);
  const problems: string[] = [];
  const listed = await readChecksums(path);
  for (const [name, sum] of wanted) {
    if (listed.get(name) !== sum) problems.push(`${checksumsName} and the checksum of ${name} differ`);
  }
  for (const file of files) {
    const found = await sha256OfFile(join(path, file.path));
    if (found.bytes !== file.bytes) problems.push(`${file.path} has ${found.bytes} bytes instead of ${file.bytes}`);
    else if (found.sha256 !== file.sha256) problems.push(`${file.path} was changed: its checksum is wrong`);
  }
  for (const name of await filesBelow(path)) {
    if (!wanted.has(name) && name !== checksumsName) problems.push(`${name} does not belong there`);
  }
  return problems;
}

async function readChecksums(path: string): Promise<ReadonlyMap<string, string>> {
  const lines = (await readFile(join(path, checksumsName), 'utf8')).split('\n');
  return new Map(
    lines.flatMap((line) => {
      const found = /^([0-9a-f]{64}) {2}(.+)$/.exec(line);
      return found?.[1] === undefined || found[2] === undefined ? [] : [[found[2], found[1]] as const];
    }),
  );
}

async function filesBelow(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
}

async function checkPartition(
  path: string,
  of: ManifestPartition,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const where = `partition ${of.partition}`;
  if (of.files === undefined) return of.batches === 0 ? [] : [`${where} has no files`];
  const index = indexLines(join(path, of.files.index.path));
  const hash = createHash('sha256');
  const problems: string[] = [];
  let batches = 0;
  let records = 0;
  let onlyHere = 0n;
  for await (const { position, frame, header } of storedBatches(join(path, of.files.log.path))) {
    signal?.throwIfAborted();
    const line = await nextLine(index);
    if (!checksumIsRight(frame, header)) problems.push(`${where}: the batch at byte ${position} is damaged`);
    const known =
      line?.position === position &&
      line.bytes === frame.length &&
      line.firstOffset === String(header.baseOffset) &&
      line.lastOffset === String(header.lastOffset) &&
      line.records === header.records;
    if (!known) problems.push(`${where}: the index does not describe the batch at byte ${position}`);
    for (const [first, last] of line?.onlyHere ?? []) onlyHere += BigInt(last) - BigInt(first) + 1n;
    hash.update(frame);
    batches += 1;
    records += header.records;
  }
  const isLast = (await nextLine(index)) === undefined;
  const { size } = await stat(join(path, of.files.log.path));
  const counted =
    batches === of.batches &&
    isLast &&
    records === of.records &&
    onlyHere === BigInt(of.recordsOnlyHere) &&
    size === of.bytes &&
    hash.digest('hex') === of.sha256;
  return counted ? problems : [...problems, `${where}: what is there is not what the manifest says`];
}

/** What is wrong with the files is a finding; anything else is a bug. */
function textOfDamage(error: unknown): string {
  const ofFile = error instanceof Error && 'code' in error && typeof error.code === 'string';
  if (error instanceof QuarantineError || ofFile) return error.message;
  throw error;
}
