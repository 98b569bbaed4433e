import { createHash } from 'node:crypto';
import { access, type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { AwsProblem } from './aws-problem.ts';
import type { RequestBounds } from './request-bounds.ts';
import { type ObjectToWrite, S3Objects, type StoredObject, type Written } from './s3-objects.ts';
import type { S3Place } from './s3-place.ts';

/** Whole folders of this disk, kept elsewhere. Rejects with an `AwsProblem`, or with what the disk said. */
export interface FolderArchive {
  /**
   * Resolves when every file of the folder is there, with its SHA-256; what is there already is not sent again. The files
   * that `last` names come at the end: who finds them there finds all of it.
   */
  keep(folder: string, name: string, last: readonly string[], signal: AbortSignal): Promise<void>;
  /** Brings a folder back that is not on this disk; false where it is here, or was never kept whole. */
  bringBack(folder: string, name: string, last: readonly string[], signal: AbortSignal): Promise<boolean>;
}

/** Files up to this size are one request, larger ones are parts of it: one is in memory at a time. */
const partBytesMin = 16 << 20;
/** S3 takes 10,000. */
const partsMax = 9_000;
/** What may stand in a key behind the folder's name: never a way out of the folder. */
const safePath = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;

/** {@link FolderArchive} in a bucket of S3, below its prefix. Credentials come from the SDK's own chain. */
export class S3Folders implements FolderArchive {
  readonly #objects: S3Objects;

  constructor(place: S3Place, bounds?: RequestBounds) {
    this.#objects = new S3Objects(place, bounds);
  }

  async keep(folder: string, name: string, last: readonly string[], signal: AbortSignal): Promise<void> {
    const files = await filesBelow(join(folder, name));
    const ordered = [...files.filter((file) => !last.includes(file)), ...last.filter((file) => files.includes(file))];
    for (const file of ordered) await this.#keepFile(join(folder, name, file), `${name}/${file}`, signal);
  }

  async bringBack(folder: string, name: string, last: readonly string[], signal: AbortSignal): Promise<boolean> {
    if (await isThere(join(folder, name))) return false;
    for (const file of last) if ((await this.#objects.head(`${name}/${file}`, signal)) === undefined) return false;
    const part = join(folder, `.part-${name}`);
    try {
      await rm(part, { recursive: true, force: true });
      for (const file of await this.#filesOf(name, signal)) {
        await mkdir(dirname(join(part, file)), { recursive: true, mode: 0o700 });
        await this.#fetch(`${name}/${file}`, join(part, file), signal);
      }
      await rename(part, join(folder, name));
    } finally {
      await rm(part, { recursive: true, force: true });
    }
    return true;
  }

  async #keepFile(path: string, key: string, signal: AbortSignal): Promise<void> {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const small = size <= partBytesMin ? await file.readFile() : undefined;
      const is = small === undefined ? await sumOf(file) : { sha256: sha256Of(small), bytes: small.length };
      const there = await this.#objects.head(key, signal);
      if (isSame(there, is)) return;
      const object = { ...is, replaces: there?.etag };
      await this.#write(key, object, signal, () =>
        small === undefined
          ? this.#objects.putParts(key, partsOf(file, partBytesFor(size)), object, signal)
          : this.#objects.put(key, small, object, signal),
      );
    } finally {
      await file.close();
    }
  }

  /** Whatever came of the request: it is kept when the object is there. */
  async #write(key: string, object: ObjectToWrite, signal: AbortSignal, write: () => Promise<Written>): Promise<void> {
    try {
      if ((await write()) === 'written') return;
    } catch (error) {
      // The answer may have been lost behind what was done; if not even that can be asked, the first error says more.
      const there =
        error instanceof AwsProblem ? await this.#objects.head(key, signal).catch(() => undefined) : undefined;
      signal.throwIfAborted();
      if (isSame(there, object)) return;
      throw error;
    }
    if (isSame(await this.#objects.head(key, signal), object)) return;
    throw new AwsProblem('unreachable', `${this.#objects.where(key)}: somebody else wrote it at the same time`);
  }

  async #filesOf(name: string, signal: AbortSignal): Promise<readonly string[]> {
    const keys = await this.#objects.list(`${name}/`, signal);
    // The console makes an empty object for each folder that is opened by hand.
    const files = keys.filter((key) => key !== '' && !key.endsWith('/'));
    const strange = files.find((file) => !safePath.test(file));
    if (strange === undefined) return files;
    const where = this.#objects.where(`${name}/`);
    throw new AwsProblem('refused', `${where}: ${JSON.stringify(strange)} is no file of umbra's; remove it`);
  }

  async #fetch(key: string, path: string, signal: AbortSignal): Promise<void> {
    const file = await open(path, 'wx', 0o600);
    try {
      for await (const chunk of this.#objects.read(key, signal)) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

type Sum = Pick<ObjectToWrite, 'sha256' | 'bytes'>;

function isSame(there: StoredObject | undefined, { sha256, bytes }: Sum): boolean {
  return there?.sha256 === sha256 && there.bytes === bytes;
}

function partBytesFor(bytes: number): number {
  return Math.max(partBytesMin, Math.ceil(bytes / partsMax));
}

async function* partsOf(file: FileHandle, partBytes: number): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    const part = Buffer.allocUnsafe(partBytes);
    let filled = 0;
    while (filled < partBytes) {
      const { bytesRead } = await file.read(part, filled, partBytes - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    if (filled > 0) yield part.subarray(0, filled);
    if (filled < partBytes) return;
    position += filled;
  }
}

async function sumOf(file: FileHandle): Promise<Sum> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const part of partsOf(file, 1 << 20)) {
    hash.update(part);
    bytes += part.length;
  }
  return { sha256: hash.digest('hex'), bytes };
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .toSorted();
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
