import { join } from 'node:path';
import type { SiteId } from '../../../src/pair/site.ts';
import { Ledger } from '../../fixtures/ledger/ledger.ts';
import { type LedgerWriter, startLedgerWriter, type WriterKind } from '../../fixtures/ledger/ledger-writer.ts';
import type { MovingSites } from '../../fixtures/moving-sites.ts';
import { testFolder } from '../../fixtures/test-root.ts';
import { eventually } from '../../fixtures/wait.ts';

export const partitions = 3;

/** Applications at both sites that write all the time, with one ledger of what they were told. */
export class Applications {
  readonly ledger: Ledger;
  readonly #moving: MovingSites;
  readonly #writers: LedgerWriter[] = [];

  constructor(moving: MovingSites, name: string) {
    this.#moving = moving;
    this.ledger = new Ledger(join(testFolder(name), 'ledger.ndjson'));
  }

  write(site: SiteId, topic: string, kind: WriterKind): LedgerWriter {
    const name = `${topic}.${kind}.${site}.${this.#writers.length}`;
    const options = { ledger: this.ledger, name, kind, site, topic, partitions };
    const writer = startLedgerWriter(this.#moving.clusters[site].connection('app'), options);
    this.#writers.push(writer);
    return writer;
  }

  async stop(): Promise<void> {
    await stopAll(this.#writers);
  }
}

/** Every one of them has been told that something is there. */
export async function writing(some: readonly LedgerWriter[]): Promise<void> {
  await eventually('all of them write', () => {
    const silent = some.find(({ acknowledged }) => acknowledged === 0);
    if (silent === undefined) return true;
    throw new Error(silent.trouble);
  });
}

export async function stopAll(some: readonly LedgerWriter[]): Promise<void> {
  await Promise.all(some.map((writer) => writer.stop()));
}
