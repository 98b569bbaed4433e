import { canonicalJson, sha256Of } from './canonical.ts';
import { type Attachment, type EvidenceContent, type EvidenceDocument, evidenceDocumentSchema } from './document.ts';
import { EvidenceProblem } from './evidence-problem.ts';
import type { EvidenceKey } from './keys.ts';
import { sequenceMax } from './names.ts';

/** A document's place in its chain, as the one behind it repeats it. */
export interface ChainLink {
  readonly sequence: number;
  readonly hash: string;
}

export interface ToSeal {
  readonly content: EvidenceContent;
  /** The document before; undefined for the first one of a chain. */
  readonly previous: ChainLink | undefined;
  readonly attachments: readonly Attachment[];
  readonly key: EvidenceKey;
}

/**
 * The document of a run, at its place in the chain, hashed and signed. The same input gives the same document. Throws
 * `INPUT_REFUSED`, which names the field, for what is none.
 */
export function sealEvidence({ content, previous, attachments, key }: ToSeal): EvidenceDocument {
  const sequence = (previous?.sequence ?? 0) + 1;
  if (sequence > sequenceMax) throw new EvidenceProblem('INPUT_REFUSED', `a chain holds ${sequenceMax} documents`);
  const unsealed = { ...content, chain: { sequence, previous: previous?.hash ?? null }, attachments };
  const hash = hashOf(unsealed);
  const signatures = [{ algorithm: 'Ed25519', keyId: key.keyId, signature: key.sign(hash) }];
  const parsed = evidenceDocumentSchema.safeParse({ ...unsealed, hash, signatures });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') ?? '';
  throw new EvidenceProblem('INPUT_REFUSED', `evidence of ${content.reportId}: ${field}: ${issue?.message ?? ''}`);
}

/** SHA-256 of the canonical JSON of everything but `hash` and `signatures`. */
export function hashOf(document: Omit<EvidenceDocument, 'hash' | 'signatures' | 'attachments'>): string {
  return sha256Of(canonicalJson({ ...document, hash: undefined, signatures: undefined }));
}
