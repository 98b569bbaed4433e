import { createHash } from 'node:crypto';
import { z } from 'zod';

/** Name of an observer: `a` and `b` for those at the sites, and any other for one outside. */
export const vantageSchema = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'must match [a-z][a-z0-9-]{0,39}');

/** One run of one observer; its sequences begin at 0. See {@link lifeOf}. */
export const lifeSchema = z.string().regex(/^[0-9a-z][0-9a-z-]{5,59}$/, 'must match [0-9a-z][0-9a-z-]{5,59}');

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex');

const count = z.int().min(0);

const canaryRecordSchema = z.strictObject({
  v: z.literal(1),
  pair: z.string().max(40),
  /** The link that copied the topic from its home when it was made: `a-b` for a topic of site a. */
  link: z.string().max(40),
  /** Of the topic, as its writer believed. */
  term: count,
  vantage: vantageSchema,
  life: lifeSchema,
  partition: count,
  /** Counts the records of one life for one partition of one topic, from 0. */
  sequence: count,
  /** When it was sent, in ms since 1970, and by the monotonic clock of its life. */
  wallMs: z.number(),
  monoMs: z.number(),
  /** {@link hashOf} the value before it of the same life, topic and partition; null for the first. */
  previous: sha256Schema.nullable(),
});

/** What the value of a canary record says. */
export type CanaryRecord = z.output<typeof canaryRecordSchema>;

/** Which record: no other one of its topic has the same. */
export interface CanaryId {
  readonly vantage: string;
  readonly life: string;
  readonly partition: number;
  readonly sequence: number;
}

const keyPattern =
  /^(?<vantage>[a-z][a-z0-9-]{0,39})\/(?<life>[0-9a-z][0-9a-z-]{5,59})\/(?<partition>\d{1,9})\/(?<sequence>\d{1,15})$/;

/** The value as it is sent: JSON with its fields in one order. */
export function encodeCanary(record: Omit<CanaryRecord, 'v'>): string {
  const { pair, link, term, vantage, life, partition, sequence, wallMs, monoMs, previous } = record;
  return JSON.stringify({
    v: 1,
    ...{ pair, link, term, vantage, life, partition, sequence, wallMs, monoMs, previous },
  } satisfies CanaryRecord);
}

/** Undefined for whatever is no value of a canary record. */
export function decodeCanary(value: string): CanaryRecord | undefined {
  let json: unknown;
  try {
    json = JSON.parse(value);
  } catch {
    return undefined;
  }
  return canaryRecordSchema.safeParse(json).data;
}

/** `<vantage>/<life>/<partition>/<sequence>`. */
export function canaryKey({ vantage, life, partition, sequence }: CanaryId): string {
  return `${vantage}/${life}/${partition}/${sequence}`;
}

/** Undefined for whatever is no key of a canary record. */
export function parseCanaryKey(key: string): CanaryId | undefined {
  const { vantage, life, partition, sequence } = keyPattern.exec(key)?.groups ?? {};
  if (vantage === undefined || life === undefined) return undefined;
  return { vantage, life, partition: Number(partition), sequence: Number(sequence) };
}

/** SHA-256 of the value, in hex. */
export function hashOf(value: string | Uint8Array): string {
  return createHash('sha256').update(value).digest('hex');
}

/** Name of a life that begins now: it sorts by time. `random`: hex digits that no other one has. */
export function lifeOf(now: Date, random: string): string {
  const [seconds = ''] = now.toISOString().toLowerCase().split('.');
  return lifeSchema.parse(`${seconds.replaceAll(/[-:]/g, '')}z-${random}`);
}
