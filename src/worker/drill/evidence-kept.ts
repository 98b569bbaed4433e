import type { LedgerEntry } from '../../canary/ledger/ledger-entry.ts';
import { type ChainEnd, readChainEnd } from '../../evidence/chain-end.ts';
import type { EvidenceContent, EvidenceDocument } from '../../evidence/document.ts';
import { type EvidenceKey, keyIn, loadOrCreateKey } from '../../evidence/keys.ts';
import type { EvidencePlace } from '../../evidence/place.ts';
import { recordEvidence } from '../../evidence/record.ts';
import type { EvidenceStore } from '../../evidence/store.ts';
import type { SiteId } from '../../pair/site.ts';
import type { DrillsConfig } from './drills-config.ts';

export interface SealedReport {
  readonly content: EvidenceContent;
  readonly at: { readonly sequence: number; readonly hash: string };
}

export interface EvidenceKeptPorts {
  readonly pair: string;
  readonly site: SiteId;
  readonly place: DrillsConfig['evidence'];
  /** Of the newest run whose evidence `_umbra` knows; undefined where it knows none. */
  readonly last: () => { readonly sequence: number; readonly hash: string } | undefined;
}

/** Where this site keeps what its drills leave. */
export class EvidenceKept {
  readonly #ports: EvidenceKeptPorts;
  #store: Promise<EvidenceStore> | undefined;
  #key: EvidenceKey | undefined;

  constructor(ports: EvidenceKeptPorts) {
    this.#ports = ports;
  }

  /** The last document, where it is that of this run: somebody has sealed it and came no further. */
  async find(run: string, signal: AbortSignal): Promise<SealedReport | undefined> {
    const found = await readChainEnd(await this.#here(), signal);
    return found.kind === 'complete' && found.last.reportId === run ? sealed(found.last) : undefined;
  }

  async record(content: EvidenceContent, ledger: readonly LedgerEntry[], signal: AbortSignal): Promise<SealedReport> {
    const { place } = this.#ports;
    const store = await this.#here();
    if (place === undefined) throw new Error('no place for evidence is configured');
    this.#key ??= await keyOf(place);
    const lines = ledger.map((entry) => `${JSON.stringify(entry, inText)}\n`).join('');
    const files = lines === '' ? [] : [{ suffix: 'ledger.ndjson', what: 'ledger', bytes: Buffer.from(lines) } as const];
    const last = this.#ports.last();
    const expected: ChainEnd | undefined = last && { kind: 'document', ...last };
    return sealed(await recordEvidence(store, { content, files, key: this.#key, expected }, signal));
  }

  async #here(): Promise<EvidenceStore> {
    const { place, pair, site } = this.#ports;
    const kind = place === undefined ? undefined : placeOf(place);
    if (kind === undefined)
      throw new Error(
        'no place for evidence is configured: drills.evidence of the worker’s file says where it is kept',
      );
    // The SDK of S3 is loaded where somebody uses it.
    this.#store ??= import('../../evidence/place.ts').then(({ openEvidenceStore }) =>
      openEvidenceStore(kind, { pair, site }),
    );
    return this.#store;
  }
}

/** Of the pair: in a file, which is made where it is missing, or given with the configuration. */
async function keyOf({ keyFile, key }: NonNullable<DrillsConfig['evidence']>): Promise<EvidenceKey> {
  if (key !== undefined) return keyIn('drills.evidence.key', key.reveal());
  if (keyFile === undefined) throw new Error('invariant: evidence has a key or a file for one');
  return loadOrCreateKey(keyFile);
}

function placeOf({ folder, s3 }: NonNullable<DrillsConfig['evidence']>): EvidencePlace | undefined {
  if (s3 !== undefined) return { kind: 's3', ...s3 };
  return folder === undefined ? undefined : { kind: 'folder', path: folder };
}

/** Offsets are 64-bit. */
function inText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function sealed(document: EvidenceDocument): SealedReport {
  return { content: document, at: { sequence: document.chain.sequence, hash: document.hash } };
}
