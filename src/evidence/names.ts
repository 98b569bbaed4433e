/**
 * Names in the folder of a chain:
 *
 * ```
 * 00000042-20261122-1030-orders-monthly.json           a document
 * 00000042-20261122-1030-orders-monthly.html           what belongs to it
 * 00000042-20261122-1030-orders-monthly.ledger.ndjson
 * head.json                                            which document is the last one
 * public-key-0123456789abcdef.pem                      of each key that signed here
 * ```
 */
export const headName = 'head.json';

const digits = 8;
/** What the digits of a name can say. */
export const sequenceMax = 10 ** digits - 1;

/** What every file of one report begins with; behind it comes a dot and what the file is. */
export function stemOf({ sequence, reportId }: { readonly sequence: number; readonly reportId: string }): string {
  return `${sequencePrefix(sequence)}${reportId}`;
}

export function documentName(document: { readonly sequence: number; readonly reportId: string }): string {
  return `${stemOf(document)}.json`;
}

export function publicKeyName(keyId: string): string {
  return `public-key-${keyId}.pem`;
}

/** What the names of all files of this place in the chain begin with. */
export function sequencePrefix(sequence: number): string {
  return `${String(sequence).padStart(digits, '0')}-`;
}

/** What a name says; undefined for one that is none of a chain. */
export function parseName(name: string): ParsedName | undefined {
  if (name === headName) return { kind: 'head' };
  const keyId = /^public-key-([0-9a-f]{16})\.pem$/.exec(name)?.[1];
  if (keyId !== undefined) return { kind: 'key', keyId };
  const match = /^(\d{8})-([a-z][a-z0-9-]{5,99})\.([a-z0-9._-]+)$/.exec(name);
  const [, sequence, reportId, suffix] = match ?? [];
  if (sequence === undefined || reportId === undefined || suffix === undefined) return undefined;
  return { kind: suffix === 'json' ? 'document' : 'attachment', sequence: Number(sequence), reportId };
}

export type ParsedName =
  | { readonly kind: 'head' }
  | { readonly kind: 'key'; readonly keyId: string }
  | { readonly kind: 'document' | 'attachment'; readonly sequence: number; readonly reportId: string };
