import { renderJson, sha256Of } from './canonical.ts';
import { type Attachment, type EvidenceContent, evidenceContentSchema, type EvidenceDocument } from './document.ts';
import { type ChainEnd, completeHead, nextPlace, readChainEnd, refuseUnless } from './chain-end.ts';
import { EvidenceProblem } from './evidence-problem.ts';
import { sealHead } from './head.ts';
import type { EvidenceKey } from './keys.ts';
import { documentName, publicKeyName, sequencePrefix, stemOf } from './names.ts';
import { renderEvidencePage } from './page/evidence-page.ts';
import { type ChainLink, sealEvidence } from './seal.ts';
import type { EvidenceStore } from './store.ts';

export interface FileToKeep {
  /** What its name ends with, behind the report's: such as `ledger.ndjson`. `html` and `json` are taken. */
  readonly suffix: string;
  readonly what: Attachment['what'];
  readonly bytes: Uint8Array;
}

export interface ToRecord {
  readonly content: EvidenceContent;
  readonly files: readonly FileToKeep[];
  readonly key: EvidenceKey;
  /** Where the caller knows the chain to end. Without it the store's word is taken. */
  readonly expected?: ChainEnd | undefined;
}

interface NamedFile {
  readonly name: string;
  readonly what: Attachment['what'];
  readonly bytes: Uint8Array;
}

/**
 * Records a run: renders its page, seals its document behind the last one, and writes page and files, then the document, then
 * the head. A call that a crash ended is made again with the same content and files, and ends as one: so the caller keeps
 * both until this resolves. One process at a time records for a site.
 *
 * Rejects with an `EvidenceProblem` (`CHAIN_MOVED`, `CHAIN_DAMAGED`, `DIFFERENT`, `INPUT_REFUSED`), or with what the disk or
 * AWS said; the latter may pass.
 */
export async function recordEvidence(
  store: EvidenceStore,
  { content, files, key, expected }: ToRecord,
  signal?: AbortSignal,
): Promise<EvidenceDocument> {
  refuseContent(content);
  const found = await readChainEnd(store, signal);
  if (found.kind !== 'empty') refuseOtherOwner(content, found.last);
  const { repeated, end } = nextPlace(found, content.reportId);
  refuseUnless(store, { expected, end });
  // The document before this one may stand there without its head: its recording ended in between.
  if (!repeated && found.kind === 'ahead') await completeHead(store, found.last, { key, seen: found.seen }, signal);
  const previous: ChainLink | undefined = end.kind === 'empty' ? undefined : end;
  const sequence = (previous?.sequence ?? 0) + 1;
  const stem = stemOf({ sequence, reportId: content.reportId });
  const page = Buffer.from(renderEvidencePage(content, { previous }));
  const own = namedFiles(stem, [{ suffix: 'html', what: 'report', bytes: page }, ...files]);
  const left = await leftOver(store, { sequence, own: new Set(own.map(({ name }) => name)) }, signal);
  const attachments = [...own, ...left].map(attachmentOf);
  const document = sealEvidence({ content, previous, attachments, key });
  await store.put(publicKeyName(key.keyId), Buffer.from(key.publicKeyPem), signal);
  for (const { name, bytes } of own) await store.put(name, bytes, signal);
  await store.put(documentName({ sequence, reportId: content.reportId }), renderJson(document), signal);
  const seen = found.kind === 'ahead' && !repeated ? await store.readHead(signal) : found.seen;
  await store.replaceHead(renderJson(sealHead(document, key)), seen, signal);
  return document;
}

/** Before anything is written: what a document may not hold must not leave a page behind. */
function refuseContent(content: EvidenceContent): void {
  const [issue] = evidenceContentSchema.safeParse(content).error?.issues ?? [];
  if (issue === undefined) return;
  const field = issue.path.join('.');
  throw new EvidenceProblem('INPUT_REFUSED', `evidence of ${content.reportId}: ${field}: ${issue.message}`);
}

/** What stands in a write-once place stays there: a document in another site's chain would damage it for ever. */
function refuseOtherOwner({ reportId, pair }: EvidenceContent, last: EvidenceDocument): void {
  const { id, site } = last.pair;
  if (pair.id === id && pair.site === site) return;
  throw new EvidenceProblem(
    'INPUT_REFUSED',
    `evidence of ${reportId} is of site ${pair.site} of ${pair.id}, and the chain is of site ${site} of ${id}`,
  );
}

function namedFiles(stem: string, files: readonly FileToKeep[]): readonly NamedFile[] {
  const taken = new Set(['json']);
  return files.map(({ suffix, what, bytes }) => {
    if (taken.has(suffix) || !/^[a-z0-9][a-z0-9._-]{0,39}$/.test(suffix)) {
      throw new EvidenceProblem('INPUT_REFUSED', `${stem}.${suffix}: is no name for a file, or is taken`);
    }
    taken.add(suffix);
    return { name: `${stem}.${suffix}`, what, bytes };
  });
}

/**
 * Files at this place in the chain that are not this report's: of a recording before that never came to its document. Nobody
 * may remove them from a write-once place, so this document names them; else they would be strange files for ever.
 */
async function leftOver(
  store: EvidenceStore,
  { sequence, own }: { readonly sequence: number; readonly own: ReadonlySet<string> },
  signal: AbortSignal | undefined,
): Promise<readonly NamedFile[]> {
  const names = await store.list(signal);
  const left: NamedFile[] = [];
  for (const name of names) {
    if (!name.startsWith(sequencePrefix(sequence)) || own.has(name) || name.endsWith('.json')) continue;
    const bytes = await store.read(name, signal);
    if (bytes !== undefined) left.push({ name, what: 'left over', bytes });
  }
  return left;
}

function attachmentOf({ name, what, bytes }: NamedFile): Attachment {
  return { name, what, bytes: bytes.length, sha256: sha256Of(bytes) };
}
