import { type CanaryLog, idOf, type LoggedRecord } from './canary-log.ts';
import { type CanaryId, canaryKey } from './canary-record.ts';
import type { AckedEntry, LedgerEntry, SentEntry } from './ledger/ledger-entry.ts';

/** All that is known of one sequence of one partition. */
export interface Sequence {
  readonly id: CanaryId;
  /** Undefined where the ledger does not reach back to it. */
  readonly sent: SentEntry | undefined;
  readonly acked: AckedEntry | undefined;
  /** With certainty not written. */
  readonly refused: boolean;
  /** Where it stands with the payload that was sent. */
  readonly standing: readonly LoggedRecord[];
  /** Where another payload has its name. */
  readonly altered: readonly LoggedRecord[];
}

/** A record that no entry tells of; without an id it is no canary's. */
export interface UntoldRecord {
  readonly record: LoggedRecord;
  readonly id: CanaryId | undefined;
}

/** Puts ledger and log of one partition side by side. Pure. */
export function sequencesOf(
  { partition, records }: CanaryLog,
  entries: readonly LedgerEntry[],
): { readonly told: readonly Sequence[]; readonly untold: readonly UntoldRecord[] } {
  const told = new Map<string, LedgerEntry[]>();
  for (const entry of entries) {
    const key = canaryKey(entry);
    const own = told.get(key);
    if (own === undefined) told.set(key, [entry]);
    else own.push(entry);
  }
  const found = new Map<string, LoggedRecord[]>();
  const untold: UntoldRecord[] = [];
  for (const record of records) {
    const id = idOf(record);
    const key = id === undefined ? '' : canaryKey(id);
    if (id?.partition !== partition || !told.has(key)) {
      untold.push({ record, id });
      continue;
    }
    const own = found.get(key);
    if (own === undefined) found.set(key, [record]);
    else own.push(record);
  }
  const sequences = [...told].flatMap(([key, own]) => {
    const [first] = own;
    return first === undefined ? [] : [sequenceOf(first, { own, found: found.get(key) ?? [] })];
  });
  return { told: sequences, untold };
}

function sequenceOf(
  { vantage, life, partition, sequence }: CanaryId,
  { own, found }: { readonly own: readonly LedgerEntry[]; readonly found: readonly LoggedRecord[] },
): Sequence {
  const sent = own.find((entry) => entry.kind === 'sent');
  const asSent = (record: LoggedRecord): boolean => sent === undefined || record.hash === sent.hash;
  return {
    id: { vantage, life, partition, sequence },
    sent,
    acked: own.find((entry) => entry.kind === 'acked'),
    refused: own.some((entry) => entry.kind === 'refused'),
    standing: found.filter(asSent),
    altered: found.filter((record) => !asSent(record)),
  };
}
