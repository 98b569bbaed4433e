import { renderJson } from './canonical.ts';
import { type EvidenceDocument, evidenceDocumentSchema } from './document.ts';
import { EvidenceProblem } from './evidence-problem.ts';
import { type Head, headSchema, sealHead } from './head.ts';
import type { EvidenceKey } from './keys.ts';
import { headName, parseName } from './names.ts';
import { parsePublicKey, signatureIsRight } from './public-key.ts';
import { type ChainLink, hashOf } from './seal.ts';
import type { EvidenceStore, SeenHead } from './store.ts';

/** Where a chain ends. */
export type ChainEnd = { readonly kind: 'empty' } | ({ readonly kind: 'document' } & ChainLink);

/** What a store holds at the end of its chain. */
export type FoundEnd =
  | { readonly kind: 'empty'; readonly seen: undefined }
  /** The head names the last document. */
  | { readonly kind: 'complete'; readonly seen: SeenHead | undefined; readonly last: EvidenceDocument }
  /** The last document stands there, and the head names the one before: a recording ended in between. */
  | { readonly kind: 'ahead'; readonly seen: SeenHead | undefined; readonly last: EvidenceDocument };

/** Where the chain in a store ends now; what a caller remembers, to give it as `expected` the next time. */
export async function chainEnd(store: EvidenceStore, signal?: AbortSignal): Promise<ChainEnd> {
  const found = await readChainEnd(store, signal);
  return found.kind === 'empty' ? { kind: 'empty' } : endOf(found.last);
}

export function endOf({ chain, hash }: EvidenceDocument): ChainEnd {
  return { kind: 'document', sequence: chain.sequence, hash };
}

/** Reads head and last document. Rejects with `CHAIN_DAMAGED` where they are not what was recorded. */
export async function readChainEnd(store: EvidenceStore, signal?: AbortSignal): Promise<FoundEnd> {
  const seen = await store.readHead(signal);
  const head = seen === undefined ? undefined : parseHead(store, seen);
  const name = lastDocumentName(store, await store.list(signal));
  if (name === undefined) {
    if (head === undefined) return { kind: 'empty', seen: undefined };
    throw damaged(store, `${headName} names document ${head.sequence}, and there is none`);
  }
  const last = await readDocument(store, name, signal);
  const { sequence, previous } = last.chain;
  if (head?.sequence === sequence && head.hash === last.hash) return { kind: 'complete', seen, last };
  if ((head?.sequence ?? 0) + 1 === sequence && previous === (head?.hash ?? null)) return { kind: 'ahead', seen, last };
  throw damaged(store, `the last document is ${name}, and ${headName} names ${named(head)}`);
}

export interface NextPlace {
  /** The last document is that of this report: it is recorded again, at the same place. */
  readonly repeated: boolean;
  /** What the report stands behind. */
  readonly end: ChainEnd;
}

/** Pure. */
export function nextPlace(found: FoundEnd, reportId: string): NextPlace {
  if (found.kind === 'empty') return { repeated: false, end: { kind: 'empty' } };
  const { last } = found;
  if (last.reportId !== reportId) return { repeated: false, end: endOf(last) };
  const { sequence, previous } = last.chain;
  const before: ChainEnd =
    previous === null ? { kind: 'empty' } : { kind: 'document', sequence: sequence - 1, hash: previous };
  return { repeated: true, end: before };
}

/** Throws `CHAIN_MOVED` where the chain does not end where the caller left it. */
export function refuseUnless(
  store: EvidenceStore,
  { expected, end }: { readonly expected: ChainEnd | undefined; readonly end: ChainEnd },
): void {
  if (expected === undefined || renderEnd(expected) === renderEnd(end)) return;
  throw new EvidenceProblem(
    'CHAIN_MOVED',
    `${store.where()}: the chain ends with ${renderEnd(end)}, and ${renderEnd(expected)} was recorded last: ` +
      'somebody removed or added a document; "umbra evidence verify" names it',
  );
}

/** Writes the head that a recording did not come to, if its document was signed with this key. */
export async function completeHead(
  store: EvidenceStore,
  last: EvidenceDocument,
  { key, seen }: { readonly key: EvidenceKey; readonly seen: SeenHead | undefined },
  signal?: AbortSignal,
): Promise<void> {
  const own = parsePublicKey(key.publicKeyPem);
  const signed = last.signatures.some(
    ({ keyId, signature }) => own?.keyId === keyId && signatureIsRight(own, last.hash, signature),
  );
  if (!signed) {
    throw damaged(store, `document ${last.chain.sequence} is behind the head and not signed with the key ${key.keyId}`);
  }
  await store.replaceHead(renderJson(sealHead(last, key)), seen, signal);
}

function lastDocumentName(store: EvidenceStore, names: readonly string[]): string | undefined {
  const found = names.flatMap((name) => {
    const parsed = parseName(name);
    return parsed?.kind === 'document' ? [{ name, sequence: parsed.sequence }] : [];
  });
  const sequence = Math.max(...found.map((each) => each.sequence));
  const [last, other] = found.filter((each) => each.sequence === sequence);
  if (other === undefined) return last?.name;
  throw damaged(store, `there are two documents with the number ${sequence}`);
}

async function readDocument(
  store: EvidenceStore,
  name: string,
  signal: AbortSignal | undefined,
): Promise<EvidenceDocument> {
  const bytes = await store.read(name, signal);
  const parsed = evidenceDocumentSchema.safeParse(jsonOf(bytes));
  if (!parsed.success) throw damaged(store, `${name} cannot be read as a document`);
  const { sequence, reportId } = { sequence: parsed.data.chain.sequence, reportId: parsed.data.reportId };
  const from = parseName(name);
  const fits = from?.kind === 'document' && from.sequence === sequence && from.reportId === reportId;
  if (!fits || hashOf(parsed.data) !== parsed.data.hash) throw damaged(store, `${name} was changed`);
  return parsed.data;
}

function parseHead(store: EvidenceStore, { bytes }: SeenHead): Head {
  const parsed = headSchema.safeParse(jsonOf(bytes));
  if (parsed.success) return parsed.data;
  throw damaged(store, `${headName} cannot be read`);
}

function jsonOf(bytes: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(bytes ?? []).toString());
  } catch {
    return undefined;
  }
}

function damaged(store: EvidenceStore, what: string): EvidenceProblem {
  const next = 'nothing was recorded; "umbra evidence verify" shows all of it';
  return new EvidenceProblem('CHAIN_DAMAGED', `${store.where()}: ${what}; ${next}`);
}

function named(head: Head | undefined): string {
  return head === undefined ? 'none' : `document ${head.sequence} with the hash ${head.hash}`;
}

function renderEnd(end: ChainEnd): string {
  return end.kind === 'empty' ? 'no document' : `document ${end.sequence} (${end.hash})`;
}
