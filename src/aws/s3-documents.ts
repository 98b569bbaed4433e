import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { type AwsProblem, awsProblem, errorNameOf } from './aws-problem.ts';
import { type Bounded, requestHandler, type SmallRequestBounds, smallRequests, withinTime } from './request-bounds.ts';
import type { S3Place } from './s3-place.ts';

export type ReadDocument =
  | { readonly kind: 'found'; readonly text: string; readonly etag: string; readonly modifiedAt: Date }
  /** It is still the one with this entity tag. */
  | { readonly kind: 'same' }
  | { readonly kind: 'missing' };

export type WrittenDocument =
  | { readonly kind: 'written'; readonly etag: string }
  /** Somebody else wrote it meanwhile; nothing was changed. */
  | { readonly kind: 'conflict' };

export interface WriteCondition {
  /** Entity tag of the document that is replaced; undefined: there must be none yet. */
  readonly replaces: string | undefined;
}

/** Documents that several writers read and replace as a whole. Rejects with an {@link AwsProblem}. */
export interface Documents {
  /** What people are told, such as `s3://bucket/key`. */
  where(name: string): string;
  read(name: string, unless: { readonly etag: string | undefined }, signal: AbortSignal): Promise<ReadDocument>;
  /** Replaces the document only if it is as the condition says: no writer overwrites what he has not seen. */
  write(name: string, text: string, condition: WriteCondition, signal: AbortSignal): Promise<WrittenDocument>;
}

const documentBytesMax = 64 << 20;

/**
 * {@link Documents} in a bucket of S3, by conditional requests (`If-Match`, `If-None-Match`). Credentials come from the
 * SDK's own chain: the environment, the task's role, a profile. The SDK is loaded with the first request.
 */
export class S3Documents implements Documents {
  readonly #place: S3Place;
  readonly #bounds: SmallRequestBounds;
  #client: Promise<S3Client> | undefined;

  constructor(place: S3Place, bounds: SmallRequestBounds = smallRequests) {
    this.#place = place;
    this.#bounds = bounds;
  }

  where(name: string): string {
    return `s3://${this.#place.bucket}/${this.#place.prefix}${name}`;
  }

  read(name: string, { etag }: { readonly etag: string | undefined }, signal: AbortSignal): Promise<ReadDocument> {
    return withinTime(this.#bounded(name), signal, (bounded) => this.#read(name, etag, bounded));
  }

  write(name: string, text: string, condition: WriteCondition, signal: AbortSignal): Promise<WrittenDocument> {
    return withinTime(this.#bounded(name), signal, (bounded) => this.#write(name, text, condition, bounded));
  }

  async #read(name: string, etag: string | undefined, signal: AbortSignal): Promise<ReadDocument> {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    const client = await this.#connected();
    const command = new GetObjectCommand({
      ...this.#keyOf(name),
      ...(etag === undefined ? {} : { IfNoneMatch: etag }),
    });
    try {
      const answer = await client.send(command, { abortSignal: signal });
      // In Node the body is a stream of Node's.
      const text = await textOf(answer.Body as Readable, answer.ContentLength ?? 0);
      return { kind: 'found', text, etag: answer.ETag ?? '', modifiedAt: answer.LastModified ?? new Date(0) };
    } catch (error) {
      signal.throwIfAborted();
      const said = errorNameOf(error);
      if (said === '304' || said === 'NotModified' || statusOf(error) === 304) return { kind: 'same' };
      if (said === 'NoSuchKey') return { kind: 'missing' };
      throw awsProblem(error, { where: this.where(name), action: 's3:GetObject (and s3:ListBucket on the bucket)' });
    }
  }

  async #write(
    name: string,
    text: string,
    { replaces }: WriteCondition,
    signal: AbortSignal,
  ): Promise<WrittenDocument> {
    const { PutObjectCommand } = await import('@aws-sdk/client-s3');
    const client = await this.#connected();
    const command = new PutObjectCommand({
      ...this.#keyOf(name),
      ...{ Body: text, ContentType: 'application/json' },
      ...(replaces === undefined ? { IfNoneMatch: '*' } : { IfMatch: replaces }),
    });
    try {
      const answer = await client.send(command, { abortSignal: signal });
      return { kind: 'written', etag: answer.ETag ?? '' };
    } catch (error) {
      signal.throwIfAborted();
      // 409: two conditional writes at once; 404: what was to be replaced is gone.
      if ([409, 412].includes(statusOf(error) ?? 0) || errorNameOf(error) === 'NoSuchKey') return { kind: 'conflict' };
      throw awsProblem(error, { where: this.where(name), action: 's3:PutObject' });
    }
  }

  #bounded(name: string): Bounded {
    return { where: this.where(name), wholeMs: this.#bounds.wholeMs };
  }

  #keyOf(name: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#place.bucket, Key: this.#place.prefix + name };
  }

  #connected(): Promise<S3Client> {
    this.#client ??= connect(this.#place.region, this.#bounds);
    return this.#client;
  }
}

async function connect(region: string, bounds: SmallRequestBounds): Promise<S3Client> {
  const { S3Client: Client } = await import('@aws-sdk/client-s3');
  return new Client({ region, requestHandler: requestHandler(bounds) });
}

/** Not more than a document has, whatever the answer said of its length, or did not say. */
async function textOf(body: Readable, length: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const refuse = (size: string): never => {
    body.destroy();
    throw new Error(`is ${size} bytes large, ${documentBytesMax} are read at most: it is not umbra's`);
  };
  if (length > documentBytesMax) refuse(String(length));
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > documentBytesMax) refuse(`${bytes} and more`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;
}

export type { AwsProblem };
