import type { LedgerEntry } from './ledger-entry.ts';
import type { LedgerPlace, StoredSegment } from './ledger-place.ts';
import { folderPlace } from './folder-place.ts';
import { decodeSegment } from './ledger-segment.ts';

export interface LedgerQuery {
  /** ms since 1970, by the clocks of the observers: older entries are left out, and older segments are not gone through. */
  readonly since: number;
  /** Default all. */
  readonly topics?: readonly string[];
}

/** Something that a ledger is not to have: a line that was removed, a segment that is missing. */
export interface LedgerProblem {
  readonly vantage: string;
  readonly life: string;
  /** One line. */
  readonly message: string;
}

export type LedgerItem =
  | { readonly kind: 'entry'; readonly entry: LedgerEntry }
  | { readonly kind: 'problem'; readonly problem: LedgerProblem };

export interface ReadLedger {
  /** Of each life in the order in which they were written. */
  readonly entries: readonly LedgerEntry[];
  readonly problems: readonly LedgerProblem[];
}

/**
 * What all observers wrote down there, also while they go on writing. Missing at the begin of a life is what its bound
 * has removed; missing anywhere else is a problem. Rejects when the folder cannot be read.
 */
export async function readLedger(folder: string, query: LedgerQuery): Promise<ReadLedger> {
  const entries: LedgerEntry[] = [];
  const problems: LedgerProblem[] = [];
  for await (const item of ledgerItems(folderPlace(folder), query)) {
    if (item.kind === 'entry') entries.push(item.entry);
    else problems.push(item.problem);
  }
  return { entries, problems };
}

/** So far a clock may have been set back within a segment. */
const clockStepMs = 60_000;

/** The same as a stream, of any place: one segment at a time is in memory. */
export async function* ledgerItems(place: LedgerPlace, query: LedgerQuery): AsyncGenerator<LedgerItem> {
  const lives = Map.groupBy(await place.segments(), ({ vantage, life }) => `${vantage}/${life}`);
  for (const segments of lives.values()) yield* itemsOfLife(place, segments, query);
}

async function* itemsOfLife(
  place: LedgerPlace,
  segments: readonly StoredSegment[],
  { since, topics }: LedgerQuery,
): AsyncGenerator<LedgerItem> {
  const wanted = topics === undefined ? undefined : new Set(topics);
  let before: { readonly index: number; readonly chain: string } | undefined;
  const inOrder = segments.toSorted((left, right) => left.index - right.index);
  for (const [position, segment] of inOrder.entries()) {
    const { vantage, life, index } = segment;
    const next = inOrder[position + 1];
    if (next !== undefined && next.startedAtMs <= since) continue;
    const tell = (message: string): LedgerItem => ({
      kind: 'problem',
      problem: { vantage, life, message: `segment ${index} of ${vantage}/${life}: ${message}` },
    });
    const text = await place.read(segment);
    // Its bound has removed it; or it was begun, and its first line is still to come.
    if (text === undefined || (!text.includes('\n') && next === undefined)) continue;
    // What could not be written whole was given up, and the next one has taken its place.
    if (text === '') continue;
    // The last one of a life that is long over: of those there is one for each start of a worker.
    if (next === undefined && endsBefore(text, since - clockStepMs)) continue;
    const decoded = decodeSegment(text);
    if (decoded.header === undefined) {
      yield tell(decoded.problem);
      continue;
    }
    const { header, events, chain, problems } = decoded;
    if (header.vantage !== vantage || header.life !== life || header.index !== index)
      yield tell(`it says that it is segment ${header.index} of ${header.vantage}/${header.life}`);
    if (before !== undefined && header.previous !== before.chain)
      yield tell(`it does not go on where segment ${before.index} ends: something between them is missing`);
    for (const problem of problems) yield tell(problem);
    before = { index, chain };
    for (const event of events) {
      if (event.at < since || (wanted !== undefined && !wanted.has(event.topic))) continue;
      yield { kind: 'entry', entry: { ...event, vantage, life } };
    }
  }
}

/** By its last whole line. Where that says nothing the segment is looked at as a whole. */
function endsBefore(text: string, ms: number): boolean {
  const end = text.lastIndexOf('\n');
  const line = text.slice(text.lastIndexOf('\n', end - 1) + 1, end);
  try {
    const event = JSON.parse(line) as { readonly at?: unknown } | null;
    return typeof event?.at === 'number' && event.at < ms;
  } catch {
    return false;
  }
}
