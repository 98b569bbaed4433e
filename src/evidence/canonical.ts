import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** The one text that a JSON value has (RFC 8785): what is hashed. Throws for what JSON cannot say, such as NaN. */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new Error('invariant: what is sealed is a JSON value');
  return text;
}

/**
 * The one text that a value has in a file: canonical order of keys, in lines for people. A file whose bytes are others is not
 * as it was written, even where it says the same.
 */
export function renderJson(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(JSON.parse(canonicalJson(value)), undefined, 2)}\n`);
}

/** SHA-256 in hex. */
export function sha256Of(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
