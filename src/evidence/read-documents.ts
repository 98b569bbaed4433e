import { type EvidenceDocument, evidenceDocumentSchema } from './document.ts';
import { parseName } from './names.ts';
import type { EvidenceReader } from './store.ts';

/** A document of a chain as it stands there, unverified; or why it cannot be read. */
export type ReadDocument =
  | { readonly kind: 'document'; readonly name: string; readonly document: EvidenceDocument }
  | { readonly kind: 'unreadable'; readonly name: string; readonly why: string };

/** Every document of a chain, in order; nothing of it is verified. */
export async function readDocuments(reader: EvidenceReader, signal?: AbortSignal): Promise<readonly ReadDocument[]> {
  const documents: ReadDocument[] = [];
  for (const name of await reader.list(signal)) {
    if (parseName(name)?.kind !== 'document') continue;
    signal?.throwIfAborted();
    documents.push(parseDocument(name, await reader.read(name, signal)));
  }
  return documents;
}

/** `undefined`: it was listed, and is gone. */
export function parseDocument(name: string, bytes: Uint8Array | undefined): ReadDocument {
  if (bytes === undefined) return { kind: 'unreadable', name, why: 'is not there any more' };
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return { kind: 'unreadable', name, why: 'is not JSON' };
  }
  const parsed = evidenceDocumentSchema.safeParse(value);
  if (parsed.success) return { kind: 'document', name, document: parsed.data };
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  return { kind: 'unreadable', name, why: `is no document: ${where}${issue?.message ?? ''}` };
}
