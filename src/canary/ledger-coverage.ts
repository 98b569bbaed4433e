import type { CanaryId } from './canary-record.ts';
import type { LedgerEntry } from './ledger/ledger-entry.ts';

/** How far back the entries that were read tell: a record from before cannot be said to be nobody's. */
export interface LedgerCoverage {
  /**
   * Whether a record that no entry names was sent by nobody. `sentMs`: ms since 1970 that it says itself to be sent at.
   * Of an observer that told nothing, nothing is known: its ledger may be somewhere else.
   */
  isComplete(topic: string, id: CanaryId, sentMs: number | undefined): boolean;
}

export function coverageOf(entries: readonly LedgerEntry[]): LedgerCoverage {
  const sinceMs = new Map<string, number>();
  const lowest = new Map<string, number>();
  for (const { vantage, life, topic, partition, sequence, at } of entries) {
    sinceMs.set(vantage, Math.min(at, sinceMs.get(vantage) ?? Infinity));
    const writer = `${vantage}/${life}/${topic}/${partition}`;
    lowest.set(writer, Math.min(sequence, lowest.get(writer) ?? Infinity));
  }
  return {
    isComplete(topic, { vantage, life, partition, sequence }, sentMs) {
      const since = sinceMs.get(vantage);
      if (since === undefined) return false;
      const first = lowest.get(`${vantage}/${life}/${topic}/${partition}`);
      if (first !== undefined) return sequence >= first;
      return sentMs === undefined || sentMs >= since;
    },
  };
}
