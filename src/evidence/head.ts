import { z } from 'zod';
import { siteIdSchema } from '../pair/site.ts';
import { canonicalJson, sha256Of } from './canonical.ts';
import { type EvidenceDocument, signatureSchema } from './document.ts';
import type { EvidenceKey } from './keys.ts';

/** Which document of a chain is the last one. It is the only file that is ever replaced. */
export const headSchema = z.strictObject({
  schemaVersion: z.literal(1),
  pair: z.string(),
  site: siteIdSchema,
  /** Of the last document; there are as many. */
  sequence: z.int().min(1),
  /** Of the last document. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** When the run of the last document ended. */
  at: z.iso.datetime(),
  /** Over the SHA-256 of the canonical JSON of everything else. */
  signature: signatureSchema,
});

export type Head = z.output<typeof headSchema>;

/** The same document has the same head. */
export function sealHead(last: EvidenceDocument, key: EvidenceKey): Head {
  const unsigned = {
    ...({ schemaVersion: 1, pair: last.pair.id, site: last.pair.site } as const),
    ...{ sequence: last.chain.sequence, hash: last.hash, at: last.endedAt },
  };
  const signature = key.sign(headHash(unsigned));
  return { ...unsigned, signature: { algorithm: 'Ed25519', keyId: key.keyId, signature } };
}

/** What the signature of a head is over. */
export function headHash(head: Omit<Head, 'signature'>): string {
  return sha256Of(canonicalJson({ ...head, signature: undefined }));
}
