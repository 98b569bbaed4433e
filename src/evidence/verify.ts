import { renderJson, sha256Of } from './canonical.ts';
import type { Attachment, EvidenceDocument } from './document.ts';
import { type Head, headHash, headSchema } from './head.ts';
import { documentName, headName, parseName, publicKeyName, stemOf } from './names.ts';
import { parseDocument } from './read-documents.ts';
import { parsePublicKey, type PublicKey, signatureIsRight } from './public-key.ts';
import { hashOf } from './seal.ts';
import type { EvidenceReader } from './store.ts';

/** Something of a chain that is not as it was recorded. */
export interface ChainProblem {
  /** `order`: a document's place in the chain; `strange`: no document names the file. */
  readonly kind: 'missing' | 'strange' | 'changed' | 'signature' | 'order' | 'head' | 'key';
  readonly file: string;
  /** What and where, as one line without the file's name. */
  readonly message: string;
}

export interface ChainVerdict {
  readonly documents: number;
  readonly files: number;
  /** `beside`: keys from the same place were believed; who can change documents can change them, too. */
  readonly keys: { readonly from: 'given' | 'beside'; readonly ids: readonly string[] };
  /** Hashes of the documents that are right by themselves, in order. */
  readonly hashes: readonly string[];
  readonly last: { readonly sequence: number; readonly hash: string; readonly at: string } | undefined;
  /** None: every file is what was recorded, and no file is missing or added. */
  readonly problems: readonly ChainProblem[];
}

export interface VerifyOptions {
  /** Public keys that are known from elsewhere. None: those beside the documents are believed. */
  readonly keys: readonly PublicKey[];
  /** The report that is judged by itself, with its files: what stands before and behind it is not looked at. */
  readonly only?: string | undefined;
}

/**
 * Reads every file of a chain and recomputes hashes, signatures, sums and order. Needs nothing else. It cannot know that a
 * chain was put back as a whole, head and all, to what it was before: {@link missingDocument} does, for who kept a hash.
 */
export async function verifyChain(
  reader: EvidenceReader,
  { keys, only }: VerifyOptions,
  signal?: AbortSignal,
): Promise<ChainVerdict> {
  const all = await reader.list(signal);
  const names = only === undefined ? all : namesWith(only, all);
  const problems: ChainProblem[] = [];
  const tell = (kind: ChainProblem['kind'], file: string, message: string): void => {
    problems.push({ kind, file, message });
  };
  const beside: PublicKey[] = [];
  const documents: NamedDocument[] = [];
  let head: Head | undefined;
  const others = new Map<string, Sum>();
  for (const name of names) {
    signal?.throwIfAborted();
    const bytes = await reader.read(name, signal);
    if (bytes === undefined) {
      tell('missing', name, 'was removed while it was read');
      continue;
    }
    const parsed = parseName(name);
    if (parsed?.kind === 'document') documents.push(...readDocument(name, bytes, tell));
    else if (parsed?.kind === 'head') head = readHead(bytes, tell);
    else if (parsed?.kind === 'key') beside.push(...readKey(name, bytes, tell));
    else others.set(name, { bytes: bytes.length, sha256: sha256Of(bytes) });
  }
  const trusted = keys.length > 0 ? keys : beside;
  for (const { name, document } of documents) checkDocument(name, document, { trusted, tell });
  if (only === undefined) {
    checkOrder(documents, { names, tell });
    checkHead(head, documents, { names, trusted, tell });
  } else if (documents.length === 0) tell('missing', `*-${only}.json`, 'no document of this report can be read here');
  checkAttachments(documents, { others, tell });
  checkKeys(documents, { head, names: only === undefined ? names : all, tell, alone: only !== undefined });
  const last = documents.at(-1)?.document;
  return {
    ...{ documents: documents.length, files: names.length, problems },
    keys: { from: keys.length > 0 ? 'given' : 'beside', ids: trusted.map(({ keyId }) => keyId) },
    hashes: documents.map(({ document }) => document.hash),
    last: last === undefined ? undefined : { sequence: last.chain.sequence, hash: last.hash, at: last.endedAt },
  };
}

/** The files at the place of one report, and the keys. */
function namesWith(reportId: string, names: readonly string[]): readonly string[] {
  const own = names.map(parseName).find((parsed) => parsed?.kind === 'document' && parsed.reportId === reportId);
  return names.filter((name) => {
    const parsed = parseName(name);
    if (parsed?.kind === 'key') return true;
    return parsed !== undefined && 'sequence' in parsed && own?.kind === 'document' && parsed.sequence === own.sequence;
  });
}

/** What is wrong where a document that somebody remembers by its hash is in none of these chains. */
export function missingDocument(verdicts: readonly ChainVerdict[], hash: string): ChainProblem | undefined {
  if (verdicts.some(({ hashes }) => hashes.includes(hash))) return undefined;
  const message = `no document has the hash ${hash}: it was removed, with all that came behind it`;
  return { kind: 'missing', file: headName, message };
}

/** Of documents that are gone so many are named: what a name or a head claims may be any number. */
const missingMax = 100;

type Tell = (kind: ChainProblem['kind'], file: string, message: string) => void;
type Sum = Pick<Attachment, 'bytes' | 'sha256'>;

interface NamedDocument {
  readonly name: string;
  readonly document: EvidenceDocument;
}

/** Nothing where it can be read no more: nothing else of it is judged. */
function readDocument(name: string, bytes: Uint8Array, tell: Tell): readonly NamedDocument[] {
  const read = parseDocument(name, bytes);
  if (read.kind === 'unreadable') {
    tell('changed', name, read.why);
    return [];
  }
  if (Buffer.compare(renderJson(read.document), bytes) !== 0) tell('changed', name, 'is not written as a document is');
  return [read];
}

function readHead(bytes: Uint8Array, tell: Tell): Head | undefined {
  const parsed = headSchema.safeParse(jsonOf(bytes));
  const { data } = parsed;
  if (data === undefined || Buffer.compare(renderJson(data), bytes) !== 0)
    tell('changed', headName, 'is not as it was written');
  return data;
}

function readKey(name: string, bytes: Uint8Array, tell: Tell): readonly PublicKey[] {
  const key = parsePublicKey(Buffer.from(bytes).toString());
  if (key === undefined) {
    tell('key', name, 'is no public key of Ed25519 in PEM');
    return [];
  }
  const asWritten = publicKeyName(key.keyId) === name && Buffer.from(key.pem).equals(bytes);
  if (!asWritten) tell('key', name, `holds another key, or the key ${key.keyId} written in another way`);
  return asWritten ? [key] : [];
}

interface Trusting {
  readonly trusted: readonly PublicKey[];
  readonly tell: Tell;
}

function checkDocument(name: string, document: EvidenceDocument, { trusted, tell }: Trusting): void {
  const { reportId, chain, hash, signatures } = document;
  const wanted = documentName({ sequence: chain.sequence, reportId });
  if (wanted !== name) tell('order', name, `holds what belongs into ${wanted}`);
  const is = hashOf(document);
  if (is !== hash) tell('changed', name, `has the hash ${is}, and says ${hash}`);
  for (const { keyId, signature } of signatures) {
    const wrong = wrongSignature({ keyId, signature, hash: is }, trusted);
    if (wrong !== undefined) tell('signature', name, wrong);
  }
}

function wrongSignature(
  { keyId, signature, hash }: { readonly keyId: string; readonly signature: string; readonly hash: string },
  trusted: readonly PublicKey[],
): string | undefined {
  const key = trusted.find((each) => each.keyId === keyId);
  if (key === undefined) return `is signed with the key ${keyId}, which is not among those it is held against`;
  return signatureIsRight(key, hash, signature) ? undefined : `has a signature that is not that of the key ${keyId}`;
}

interface Among {
  readonly names: readonly string[];
  readonly tell: Tell;
}

/** Documents come in the order of their names, so of their numbers. */
function checkOrder(documents: readonly NamedDocument[], { names, tell }: Among): void {
  const numbered = numberedDocuments(names);
  const last = Math.max(0, ...numbered.keys());
  for (let sequence = 1, missing = 0; sequence <= last && missing < missingMax; sequence++) {
    if (numbered.has(sequence)) continue;
    missing++;
    tell('missing', missingName(sequence, names), `there is no document ${sequence}`);
  }
  for (const [first, ...more] of numbered.values()) {
    for (const name of more) tell('order', name, `has the same number as ${first ?? ''}`);
  }
  const owner = documents[0]?.document.pair;
  const bySequence = new Map(documents.map((each) => [each.document.chain.sequence, each]));
  for (const { name, document } of documents) {
    const { sequence, previous } = document.chain;
    if (document.pair.id !== owner?.id || document.pair.site !== owner.site) {
      tell('order', name, `is of site ${document.pair.site} of ${document.pair.id}: this is another chain`);
    }
    if ((previous === null) !== (sequence === 1)) tell('order', name, 'only the first document has none before it');
    const before = bySequence.get(sequence - 1);
    if (before !== undefined && before.document.hash !== previous) {
      tell('order', name, `is chained to ${previous ?? 'nothing'}, and ${before.name} has ${before.document.hash}`);
    }
  }
}

function numberedDocuments(names: readonly string[]): ReadonlyMap<number, readonly string[]> {
  const numbered = new Map<number, string[]>();
  for (const name of names) {
    const parsed = parseName(name);
    if (parsed?.kind === 'document') numbered.set(parsed.sequence, [...(numbered.get(parsed.sequence) ?? []), name]);
  }
  return numbered;
}

/** What a document that is gone was called, as the files that belonged to it still say. */
function missingName(sequence: number, names: readonly string[]): string {
  for (const name of names) {
    const parsed = parseName(name);
    if (parsed?.kind === 'attachment' && parsed.sequence === sequence) return documentName(parsed);
  }
  return documentName({ sequence, reportId: '*' });
}

function checkHead(
  head: Head | undefined,
  documents: readonly NamedDocument[],
  { names, trusted, tell }: Among & Trusting,
): void {
  if (head === undefined) {
    if (!names.includes(headName)) tell('missing', headName, 'says which document is the last one, and is not there');
    return;
  }
  const wrong = wrongSignature({ ...head.signature, hash: headHash(head) }, trusted);
  if (wrong !== undefined) tell('signature', headName, wrong);
  const last = documents.at(-1);
  const count = Math.max(0, ...numberedDocuments(names).keys());
  for (let sequence = count + 1; sequence <= Math.min(head.sequence, count + missingMax); sequence++) {
    tell(
      'missing',
      missingName(sequence, names),
      `there is no document ${sequence}, and ${headName} names ${head.sequence}`,
    );
  }
  if (count > head.sequence) tell('head', headName, `names document ${head.sequence}, and there are ${count}`);
  if (last === undefined || last.document.chain.sequence !== head.sequence) return;
  const same = last.document.hash === head.hash && last.document.endedAt === head.at;
  const pair = last.document.pair;
  if (!same || pair.id !== head.pair || pair.site !== head.site)
    tell('head', headName, `says otherwise than ${last.name}`);
}

function checkAttachments(
  documents: readonly NamedDocument[],
  { others, tell }: { readonly others: ReadonlyMap<string, Sum>; readonly tell: Tell },
): void {
  const named = new Map<string, string>();
  for (const { name, document } of documents) {
    const stem = stemOf({ sequence: document.chain.sequence, reportId: document.reportId });
    for (const { name: file, what, bytes, sha256 } of document.attachments) {
      const owner = named.get(file);
      if (owner !== undefined) tell('order', file, `is named by ${name} and by ${owner}`);
      named.set(file, name);
      if (what !== 'left over' && !file.startsWith(`${stem}.`))
        tell('order', name, `names the file ${file}, which is not its own`);
      const is = others.get(file);
      if (is === undefined) tell('missing', file, `${name} names it, and it is not there`);
      else if (is.bytes !== bytes) tell('changed', file, `has ${is.bytes} bytes, ${name} says ${bytes}`);
      else if (is.sha256 !== sha256) tell('changed', file, `has the SHA-256 ${is.sha256}, ${name} says ${sha256}`);
    }
  }
  for (const file of others.keys()) if (!named.has(file)) tell('strange', file, 'no document names it');
}

/** The key of each signature lies beside it, and no other. */
function checkKeys(
  documents: readonly NamedDocument[],
  { head, names, tell, alone }: Among & { readonly head: Head | undefined; readonly alone: boolean },
): void {
  const signing = documents.flatMap(({ document }) => document.signatures.map(({ keyId }) => keyId));
  const used = new Set([...signing, ...(head === undefined ? [] : [head.signature.keyId])].map(publicKeyName));
  for (const name of used)
    if (!names.includes(name)) tell('missing', name, 'documents are signed with it, and it is not there');
  for (const name of alone ? [] : names) {
    if (parseName(name)?.kind === 'key' && !used.has(name)) tell('strange', name, 'nothing here is signed with it');
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}
