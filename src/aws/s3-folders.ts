import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import { awsProblem, errorNameOf } from './aws-problem.ts';
import type { S3Place } from './s3-place.ts';

/** Whole folders of this disk, kept elsewhere. Rejects with an `AwsProblem`. */
export interface FolderArchive {
  /**
   * Resolves when every file of the folder is there, with its SHA-256; what is there already is not sent again. The files
   * that `last` names come at the end: who finds them there finds all of it.
   */
  keep(folder: string, name: string, last: readonly string[], signal: AbortSignal): Promise<void>;
  /** Brings a folder back that is not on this disk; false where it is here, or was never kept whole. */
  bringBack(folder: string, name: string, last: readonly string[], signal: AbortSignal): Promise<boolean>;
}

/** Parts of this size are sent one after the other, each with a checksum that S3 verifies. */
const partBytes = 64 << 20;
const sumKey = 'sha256';
/** What may stand in a key behind the folder's name: never a way out of the folder. */
const safePath = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;

/** {@link FolderArchive} in a bucket of S3, below its prefix. Credentials come from the SDK's own chain. */
export class S3Folders implements FolderArchive {
  readonly #place: S3Place;
  #client: Promise<S3Client> | undefined;

  constructor(place: S3Place) {
    this.#place = place;
  }

  async keep(folder: string, name: string, last: readonly string[], signal: AbortSignal): Promise<void> {
    const files = await filesBelow(join(folder, name));
    const ordered = [...files.filter((file) => !last.includes(file)), ...last.filter((file) => files.includes(file))];
    for (const file of ordered) await this.#send(join(folder, name, file), `${name}/${file}`, signal);
  }

  async bringBack(folder: string, name: string, last: readonly string[], signal: AbortSignal): Promise<boolean> {
    if (await isThere(join(folder, name))) return false;
    for (const file of last) if ((await this.#sumOf(`${name}/${file}`, signal)) === undefined) return false;
    const part = join(folder, `.part-${name}`);
    await rm(part, { recursive: true, force: true });
    for (const file of await this.#list(name, signal)) {
      await mkdir(dirname(join(part, file)), { recursive: true, mode: 0o700 });
      await this.#fetch(`${name}/${file}`, join(part, file), signal);
    }
    await rename(part, join(folder, name));
    return true;
  }

  async #send(path: string, key: string, signal: AbortSignal): Promise<void> {
    const sum = await sha256Of(path);
    if ((await this.#sumOf(key, signal)) === sum) return;
    const { Upload } = await import('@aws-sdk/lib-storage');
    const client = await this.#connected();
    const upload = new Upload({
      client,
      params: {
        ...this.#keyOf(key),
        ...{ Body: createReadStream(path), ChecksumAlgorithm: 'SHA256', Metadata: { [sumKey]: sum } },
      },
      ...{ partSize: partBytes, queueSize: 1 },
    });
    const abort = (): void => void upload.abort();
    signal.addEventListener('abort', abort);
    try {
      await upload.done();
    } catch (error) {
      signal.throwIfAborted();
      throw awsProblem(error, { where: this.#where(key), action: 's3:PutObject' });
    } finally {
      signal.removeEventListener('abort', abort);
    }
    const there = await this.#sumOf(key, signal);
    if (there !== sum) throw awsProblem(new Error('it was written and is not there'), this.#asked(key));
  }

  /** What its writer said of it; S3 verified each part on its way. Undefined where there is none. */
  async #sumOf(key: string, signal: AbortSignal): Promise<string | undefined> {
    const { HeadObjectCommand } = await import('@aws-sdk/client-s3');
    const client = await this.#connected();
    try {
      const answer = await client.send(new HeadObjectCommand(this.#keyOf(key)), { abortSignal: signal });
      return answer.Metadata?.[sumKey] ?? '';
    } catch (error) {
      signal.throwIfAborted();
      if (['NotFound', 'NoSuchKey', '404'].includes(errorNameOf(error))) return undefined;
      throw awsProblem(error, this.#asked(key));
    }
  }

  async #list(name: string, signal: AbortSignal): Promise<readonly string[]> {
    const { paginateListObjectsV2 } = await import('@aws-sdk/client-s3');
    const client = await this.#connected();
    const Prefix = `${this.#place.prefix}${name}/`;
    const files: string[] = [];
    try {
      const pages = paginateListObjectsV2({ client }, { Bucket: this.#place.bucket, Prefix }, { abortSignal: signal });
      for await (const page of pages) {
        for (const { Key = '' } of page.Contents ?? []) files.push(Key.slice(Prefix.length));
      }
    } catch (error) {
      signal.throwIfAborted();
      throw awsProblem(error, { where: this.#where(`${name}/`), action: 's3:ListBucket' });
    }
    const strange = files.find((file) => !safePath.test(file));
    if (strange !== undefined)
      throw awsProblem(new Error(`${JSON.stringify(strange)} is no file of umbra's`), this.#asked(`${name}/`));
    return files;
  }

  async #fetch(key: string, path: string, signal: AbortSignal): Promise<void> {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    const client = await this.#connected();
    try {
      const answer = await client.send(new GetObjectCommand(this.#keyOf(key)), { abortSignal: signal });
      // In Node the body is a stream of Node's.
      await pipeline(answer.Body as Readable, createWriteStream(path, { mode: 0o600, flush: true }), { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw awsProblem(error, this.#asked(key));
    }
  }

  #asked(key: string): { readonly where: string; readonly action: string } {
    return { where: this.#where(key), action: 's3:GetObject (and s3:ListBucket on the bucket)' };
  }

  #where(key: string): string {
    return `s3://${this.#place.bucket}/${this.#place.prefix}${key}`;
  }

  #keyOf(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#place.bucket, Key: this.#place.prefix + key };
  }

  #connected(): Promise<S3Client> {
    this.#client ??= import('@aws-sdk/client-s3').then(
      ({ S3Client: Client }) => new Client({ region: this.#place.region }),
    );
    return this.#client;
  }
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .toSorted();
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
