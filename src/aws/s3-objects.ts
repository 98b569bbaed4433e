import { createHash } from 'node:crypto';
import { addAbortSignal, type Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { type Asked, awsProblem, errorNameOf } from './aws-problem.ts';
import { largeRequests, type RequestBounds, requestHandler } from './request-bounds.ts';
import type { S3Place } from './s3-place.ts';

/** What S3 says of an object without sending it. */
export interface StoredObject {
  /** What its writer said of it, in hex; S3 took nothing else. Undefined where its writer was not umbra. */
  readonly sha256: string | undefined;
  readonly bytes: number;
  readonly etag: string;
}

export interface ObjectToWrite {
  /** Of all of it, in hex. */
  readonly sha256: string;
  readonly bytes: number;
  /** Entity tag of the object that is replaced; undefined: there must be none yet. */
  readonly replaces: string | undefined;
  /** Of an object in one request, in a bucket that was made with object lock. */
  readonly lock?: ObjectLock;
}

/** Until when S3 keeps this version of an object, whoever asks to remove it. */
export interface ObjectLock {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE';
  readonly until: Date;
}

/** `conflict`: somebody else wrote it meanwhile, or an earlier attempt of ours did; nothing was changed. */
export type Written = 'written' | 'conflict';

/** The parts were not what was to be written; there is no object of them. */
export class ChangedError extends Error {
  constructor(where: string) {
    super(`${where}: the file changed while it was sent; it was not kept`);
    this.name = 'ChangedError';
  }
}

const sumKey = 'sha256';
const readAction = 's3:GetObject (and s3:ListBucket on the bucket)';

/**
 * Objects of any size below a prefix of a bucket: written whole or not at all, never over what the writer has not seen, and
 * never with other bytes than those of their hash. Every request ends with its signal. Rejects with an `AwsProblem`.
 */
export class S3Objects {
  readonly #place: S3Place;
  readonly #bounds: RequestBounds;
  #client: Promise<S3Client> | undefined;

  constructor(place: S3Place, bounds: RequestBounds = largeRequests) {
    this.#place = place;
    this.#bounds = bounds;
  }

  where(key: string): string {
    return `s3://${this.#place.bucket}/${this.#place.prefix}${key}`;
  }

  /** Undefined where there is none. */
  async head(key: string, signal: AbortSignal): Promise<StoredObject | undefined> {
    const { HeadObjectCommand } = await import('@aws-sdk/client-s3');
    const client = await this.#connected();
    try {
      const answer = await client.send(new HeadObjectCommand(this.#keyOf(key)), { abortSignal: signal });
      return { sha256: answer.Metadata?.[sumKey], bytes: answer.ContentLength ?? 0, etag: answer.ETag ?? '' };
    } catch (error) {
      signal.throwIfAborted();
      if (['NotFound', 'NoSuchKey', '404'].includes(errorNameOf(error))) return undefined;
      throw awsProblem(error, this.#asked(key));
    }
  }

  /** Keys, without what is asked for before them. */
  async list(folder: string, signal: AbortSignal): Promise<readonly string[]> {
    const { paginateListObjectsV2 } = await import('@aws-sdk/client-s3');
    const client = await this.#connected();
    const Prefix = this.#place.prefix + folder;
    const keys: string[] = [];
    try {
      const pages = paginateListObjectsV2({ client }, { Bucket: this.#place.bucket, Prefix }, { abortSignal: signal });
      for await (const page of pages)
        for (const { Key = '' } of page.Contents ?? []) keys.push(Key.slice(Prefix.length));
      return keys;
    } catch (error) {
      signal.throwIfAborted();
      throw awsProblem(error, { where: this.where(folder), action: 's3:ListBucket' });
    }
  }

  /** Its bytes as they come. What goes wrong where they are put is not a problem of AWS, and passes as it is. */
  async *read(key: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    const client = await this.#connected();
    try {
      const answer = await client.send(new GetObjectCommand(this.#keyOf(key)), { abortSignal: signal });
      // In Node the body is a stream of Node's.
      yield* addAbortSignal(signal, answer.Body as Readable) as AsyncIterable<Uint8Array>;
    } catch (error) {
      signal.throwIfAborted();
      throw awsProblem(error, this.#asked(key));
    }
  }

  /** In one request: S3 itself refuses other bytes than those of the hash. */
  async put(key: string, body: Uint8Array, object: ObjectToWrite, signal: AbortSignal): Promise<Written> {
    const { PutObjectCommand } = await import('@aws-sdk/client-s3');
    const command = new PutObjectCommand({
      ...this.#keyOf(key),
      ...{ Body: body, ContentLength: object.bytes, ChecksumSHA256: base64Of(object.sha256) },
      ...{ Metadata: { [sumKey]: object.sha256 }, ...conditionOf(object) },
      ...(object.lock === undefined
        ? {}
        : {
            ...{ ObjectLockMode: object.lock.mode, ObjectLockRetainUntilDate: object.lock.until },
            // S3 asks for its name with a lock, beside the sum itself.
            ChecksumAlgorithm: 'SHA256',
          }),
    });
    return this.#writing(key, signal, (client) => client.send(command, { abortSignal: signal }));
  }

  /**
   * In parts, one after the other, each refused by S3 when it arrives with other bytes. All of them become an object only when
   * they are what was to be written, else {@link ChangedError}. Parts that never do are left: their bucket's rule removes
   * them (umbra has no right to).
   */
  async putParts(
    key: string,
    parts: AsyncIterable<Uint8Array>,
    object: ObjectToWrite,
    signal: AbortSignal,
  ): Promise<Written> {
    const s3 = await import('@aws-sdk/client-s3');
    const client = await this.#connected();
    const options = { abortSignal: signal };
    const begin = new s3.CreateMultipartUploadCommand({
      ...this.#keyOf(key),
      ...{ ChecksumAlgorithm: 'SHA256', ChecksumType: 'COMPOSITE', Metadata: { [sumKey]: object.sha256 } },
    });
    const { UploadId } = await this.#asking(key, signal, () => client.send(begin, options));
    const hash = createHash('sha256');
    let bytes = 0;
    const sent: { readonly PartNumber: number; readonly ETag: string; readonly ChecksumSHA256: string }[] = [];
    for await (const part of parts) {
      hash.update(part);
      bytes += part.length;
      const PartNumber = sent.length + 1;
      const ChecksumSHA256 = createHash('sha256').update(part).digest('base64');
      const which = { ...this.#keyOf(key), UploadId, PartNumber };
      const command = new s3.UploadPartCommand({ ...which, Body: part, ContentLength: part.length, ChecksumSHA256 });
      const { ETag = '' } = await this.#asking(key, signal, () => client.send(command, options));
      sent.push({ PartNumber, ETag, ChecksumSHA256 });
    }
    if (bytes !== object.bytes || hash.digest('hex') !== object.sha256) throw new ChangedError(this.where(key));
    const complete = new s3.CompleteMultipartUploadCommand({
      ...{ ...this.#keyOf(key), UploadId, MultipartUpload: { Parts: sent } },
      ...{ ChecksumType: 'COMPOSITE', MpuObjectSize: bytes, ...conditionOf(object) },
    });
    return this.#writing(key, signal, () => client.send(complete, options));
  }

  async #writing(key: string, signal: AbortSignal, write: (client: S3Client) => Promise<unknown>): Promise<Written> {
    const client = await this.#connected();
    try {
      await write(client);
      return 'written';
    } catch (error) {
      signal.throwIfAborted();
      // 404: what was to be replaced, or the upload of an attempt whose answer was lost, is there no more.
      const conflicts = ['PreconditionFailed', 'ConditionalRequestConflict', 'NoSuchKey', 'NoSuchUpload'];
      if (conflicts.includes(errorNameOf(error))) return 'conflict';
      throw awsProblem(error, { where: this.where(key), action: 's3:PutObject' });
    }
  }

  async #asking<T>(key: string, signal: AbortSignal, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      signal.throwIfAborted();
      throw awsProblem(error, { where: this.where(key), action: 's3:PutObject' });
    }
  }

  #asked(key: string): Asked {
    return { where: this.where(key), action: readAction };
  }

  #keyOf(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#place.bucket, Key: this.#place.prefix + key };
  }

  #connected(): Promise<S3Client> {
    this.#client ??= import('@aws-sdk/client-s3').then(
      ({ S3Client: Client }) =>
        new Client({ region: this.#place.region, requestHandler: requestHandler(this.#bounds) }),
    );
    return this.#client;
  }
}

function conditionOf({ replaces }: ObjectToWrite): { readonly IfMatch: string } | { readonly IfNoneMatch: '*' } {
  return replaces === undefined ? { IfNoneMatch: '*' } : { IfMatch: replaces };
}

function base64Of(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}
