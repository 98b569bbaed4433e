/**
 * How records name their schema, by Confluent's wire format: the payload begins with a zero byte and the id in four bytes,
 * or a header carries a one byte and the schema's GUID in sixteen. Source: the serializers of Confluent 8.1 and later;
 * Karapace and Apicurio (compatibility mode) write the first form.
 */
import type { IdTable } from './id-table.ts';

export type NamedSchema =
  | { readonly kind: 'id'; readonly id: number }
  /** 32 hex digits. */
  | { readonly kind: 'guid'; readonly guid: string };

export interface NamingRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly (readonly [Uint8Array | null, Uint8Array | null])[];
}

const headerOf = { key: '__key_schema_id', value: '__value_schema_id' } as const;
const idForm = 0;
const guidForm = 1;
const idBytes = 5;
const guidBytes = 17;

/**
 * The schemas that key and value of a record seem to name. Any payload may begin with a zero byte: whether such bytes are
 * an id is for {@link judgeSchema} to say.
 */
export function schemasOf(record: NamingRecord): readonly NamedSchema[] {
  return (['key', 'value'] as const).flatMap((part) => {
    const named = inHeader(record, headerOf[part]) ?? schemaIdOf(record[part]);
    return named === undefined ? [] : [named];
  });
}

/** The schema that a payload names at its beginning. */
export function schemaIdOf(payload: Uint8Array | null): NamedSchema | undefined {
  if (payload === null || payload.length < idBytes || payload[0] !== idForm) return undefined;
  return { kind: 'id', id: new DataView(payload.buffer, payload.byteOffset).getInt32(1) };
}

function inHeader({ headers }: NamingRecord, wanted: string): NamedSchema | undefined {
  const found = headers.find(([name]) => name !== null && Buffer.from(name).toString('utf8') === wanted);
  const value = found?.[1] ?? null;
  if (value === null) return undefined;
  if (value.length >= guidBytes && value[0] === guidForm) {
    return { kind: 'guid', guid: Buffer.from(value.subarray(1, guidBytes)).toString('hex') };
  }
  return schemaIdOf(value);
}

/**
 * - `known`    the standby's log names it
 * - `waiting`  the primary's log names it and the standby's not yet
 * - `unknown`  neither names it, but it may be one: the header says so, or it is just above the highest id read
 * - `no-id`    bytes that look like an id and are none, or an id of another registry
 */
export type SchemaVerdict = 'known' | 'waiting' | 'unknown' | 'no-id';

/** Above the highest id read from the primary, so many may have been given away since. */
export const idsAheadMax = 1000;

export function judgeSchema(named: NamedSchema, primary: IdTable, standby: IdTable): SchemaVerdict {
  if (isIn(named, standby)) return 'known';
  if (isIn(named, primary)) return 'waiting';
  if (named.kind === 'guid') return 'unknown';
  const highest = Math.max(primary.highestSeen, standby.highestSeen);
  return named.id > 0 && named.id <= highest + idsAheadMax ? 'unknown' : 'no-id';
}

function isIn(named: NamedSchema, ids: IdTable): boolean {
  switch (named.kind) {
    case 'id':
      return ids.has(named.id);
    case 'guid':
      return ids.hasGuid(named.guid);
  }
}
