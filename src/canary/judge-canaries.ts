import type { CanaryLog } from './canary-log.ts';
import { type CanaryCounts, type CanaryProblem, problemOf, type Unjudged } from './canary-problem.ts';
import { judgePartition, noCounts, nothingUnjudged } from './judge-partition.ts';
import { coverageOf } from './ledger-coverage.ts';
import type { AckedEntry, LedgerEntry } from './ledger/ledger-entry.ts';
import { type TwoWriters, twoWritersOf } from './two-writers.ts';

export interface CanaryEvidence {
  /** What observers were told: read after the logs, so that nothing stands in a log that they do not know of. */
  readonly entries: readonly LedgerEntry[];
  /** As the present primary has them: read before the entries. */
  readonly logs: readonly CanaryLog[];
  /** By `topic/partition`: records below are not judged, and what was acknowledged below does not count. Default all are. */
  readonly from?: ReadonlyMap<string, bigint>;
  /** How far the clocks of observers and of who read the logs may be apart. Default 2,000 ms. */
  readonly clocksApartMs?: number;
}

export interface CanaryJudgement {
  readonly counts: CanaryCounts;
  /** At most {@link problemsMax}; the counts are of all. */
  readonly problems: readonly CanaryProblem[];
  /** Of what was lost: how many, and the time from the sending of the first to the acknowledgement of the last. */
  readonly rpo: { readonly records: number; readonly seconds: number };
  readonly twoWriters: readonly TwoWriters[];
  /** What has none of the verdicts above, and why. */
  readonly unjudged: Unjudged;
}

export const problemsMax = 1_000;

/**
 * Holds the logs of the present primaries against everything that observers were told. Pure. Each sequence that was
 * acknowledged has one verdict:
 *
 * - `once`       it stands where it was told to be, and nowhere else
 * - `duplicate`  it stands twice
 * - `shifted`    it stands once, somewhere else
 * - `reordered`  the same, or there, but not in the order in which its life sent what was acknowledged
 * - `lost`       it stands nowhere
 * - `ghost`      another payload stands under its name; also a record that was never sent, or that was certainly refused
 *
 * What nobody answered may be there once or not, also behind later ones: its request may have been on its way. What
 * stood below the begin of the log is not judged.
 */
export function judgeCanaries({
  entries,
  logs,
  from = new Map(),
  clocksApartMs = 2_000,
}: CanaryEvidence): CanaryJudgement {
  const byPlace = Map.groupBy(entries, placeOf);
  const coverage = coverageOf(entries);
  const judged = logs.map((log) =>
    judgePartition(log, {
      ...{ entries: byPlace.get(placeOf(log)) ?? [], coverage, clocksApartMs },
      from: from.get(placeOf(log)) ?? 0n,
    }),
  );
  const twoWriters = twoWritersOf(entries);
  const problems = [
    ...judged.flatMap((each) => each.problems),
    ...unreadPlaces(byPlace, { logs, from }),
    ...twoWriters.map(twoWritersProblem),
  ];
  const lost = judged.flatMap((each) => each.lost);
  return {
    counts: judged.reduce((sum, { counts }) => added(sum, counts), noCounts),
    problems: problems.slice(0, problemsMax),
    rpo: { records: lost.length, seconds: secondsOf(lost) },
    twoWriters,
    unjudged: judged.reduce((sum, { unjudged }) => added(sum, unjudged), nothingUnjudged),
  };
}

function added<K extends string>(
  left: Readonly<Record<K, number>>,
  right: Readonly<Record<K, number>>,
): Record<K, number> {
  const sum: Record<K, number> = { ...left };
  for (const name in sum) sum[name] += right[name];
  return sum;
}

/** In the life and partition in which it spans most. */
function secondsOf(lost: readonly AckedEntry[]): number {
  const spans = new Map<string, { readonly from: number; readonly until: number }>();
  for (const each of lost) {
    const { vantage, life, mono, ms } = each;
    const place = `${placeOf(each)} ${vantage} ${life}`;
    const { from, until } = spans.get(place) ?? { from: Infinity, until: -Infinity };
    spans.set(place, { from: Math.min(from, mono - ms), until: Math.max(until, mono) });
  }
  return spans.values().reduce((longest, { from, until }) => Math.max(longest, until - from), 0) / 1_000;
}

/** Acknowledged, and nobody read what has become of it: a forgotten log must not look like a sound one. */
function unreadPlaces(
  byPlace: ReadonlyMap<string, readonly LedgerEntry[]>,
  { logs, from }: { readonly logs: readonly CanaryLog[]; readonly from: ReadonlyMap<string, bigint> },
): readonly CanaryProblem[] {
  const read = new Set(logs.map(placeOf));
  return [...byPlace].flatMap(([place, entries]): readonly CanaryProblem[] => {
    const first = entries.find(
      (entry): entry is AckedEntry => entry.kind === 'acked' && entry.offset >= (from.get(place) ?? 0n),
    );
    if (first === undefined || read.has(place)) return [];
    return [problemOf('unread', first, 'was acknowledged, and the log was not read')];
  });
}

function twoWritersProblem({ topic, vantage, life, first, late }: TwoWriters): CanaryProblem {
  const rival = `after site ${first.site} had acknowledged a write in term ${first.term}`;
  const text = `was acknowledged by site ${late.site} in term ${late.term}, ${rival}`;
  return problemOf('two writers', { topic, vantage, life, ...late }, text);
}

function placeOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`;
}
