import { canonicalJson } from './canonical-json.ts';
import type { SchemaReference, SchemaVersionEntry } from './log-entry.ts';

/** Hash functions, passed in: this room has none. Both answer hex digits. */
export interface Hashes {
  readonly sha256: (text: string) => string;
  readonly md5: (bytes: Uint8Array) => string;
}

/**
 * Digest of what an id stands for: type, text (JSON in one form, other text as it is), references in order of name,
 * metadata and rules. Two registries that answer an id with the same digest decode its records alike.
 */
export function schemaDigest(entry: SchemaVersionEntry, { sha256 }: Hashes): string {
  const text = entry.schemaType === 'PROTOBUF' ? undefined : canonicalJson(entry.schema);
  const references = entry.references
    .map(({ name, subject, version }) => [name, subject, version])
    .sort(([left = ''], [right = '']) => (left < right ? -1 : Number(left > right)));
  return sha256(
    JSON.stringify([
      entry.schemaType,
      text === undefined ? { text: entry.schema } : { json: text },
      references,
      entry.metadata ?? null,
      entry.ruleSet ?? null,
    ]),
  );
}

/**
 * The globally unique id by which newer serializers name a schema in a header: 32 hex digits, the registry's MD5 of the
 * schema. Undefined where the registry did not write it and it covers parts (metadata, rules) whose bytes only the
 * registry knows.
 */
export function schemaGuid(entry: SchemaVersionEntry, { md5 }: Hashes): string | undefined {
  if (entry.md5 !== undefined) {
    const written = Buffer.from(entry.md5, 'base64');
    return written.length === 16 ? written.toString('hex') : undefined;
  }
  if (entry.metadata !== undefined || entry.ruleSet !== undefined) return undefined;
  return md5(Buffer.concat([Buffer.from(entry.schema, 'utf8'), ...entry.references.map(referenceBytes)]));
}

function referenceBytes({ name, subject, version }: SchemaReference): Uint8Array {
  const number = Buffer.alloc(4);
  number.writeInt32BE(version | 0);
  return Buffer.concat([Buffer.from(name, 'utf8'), Buffer.from(subject, 'utf8'), number]);
}
