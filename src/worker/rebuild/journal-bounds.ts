/**
 * A record of the journal is one Kafka message: it must be written after the copy is gone, so it must not grow with
 * partitions or groups. The whole is in the manifest and in the worker's log.
 */
const entriesMax = 100;
const textCharsMax = 1_000;

/** Faults, of which one per partition may be there. */
export function boundedFaults<Fault extends { readonly message: string }>(faults: readonly Fault[]): Fault[] {
  return faults.slice(0, entriesMax).map((fault) => ({ ...fault, message: boundedText(fault.message) }));
}

/** Lines for a person; the last one says how many are left out. */
export function boundedRemarks(remarks: readonly string[]): string[] {
  const shown = remarks.slice(0, entriesMax).map(boundedText);
  const left = remarks.length - shown.length;
  return left === 0 ? shown : [...shown, `and ${left} more: all of them are in the worker's log`];
}

export function boundedText(text: string): string {
  return text.length <= textCharsMax ? text : `${text.slice(0, textCharsMax)}…`;
}
