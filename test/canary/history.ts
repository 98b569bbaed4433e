import fc from 'fast-check';
import type { CanaryLog, LoggedRecord } from '../../src/canary/canary-log.ts';
import { canaryKey, decodeCanary, encodeCanary, hashOf } from '../../src/canary/canary-record.ts';
import type { LedgerEntry } from '../../src/canary/ledger/ledger-entry.ts';
import { otherSite, type SiteId } from '../../src/pair/site.ts';

export const topic = 'a_umbra-canary-000001';
const partitions = 3;
const vantages = ['a', 'b', 'outside'] as const;
const stepMs = 10;

/** `late`: nobody answered, and it is appended behind the next record of its partition. */
type Outcome = 'acked' | 'refused' | 'there' | 'late' | 'absent';

interface Step {
  readonly vantage: (typeof vantages)[number];
  readonly partition: number;
  readonly outcome: Outcome;
  /** Markers before it, which are offsets and no records. */
  readonly markers: number;
  /** Roles move before it. */
  readonly moves: boolean;
}

/** What observers and logs say of one course of events. */
export interface History {
  readonly entries: readonly LedgerEntry[];
  readonly logs: readonly CanaryLog[];
}

/** Histories in which everything is as it has to be: several observers, moves, refusals, silence, and retention. */
export const rightHistory: fc.Arbitrary<History> = fc
  .record({
    steps: fc.array(
      fc.record({
        vantage: fc.constantFrom(...vantages),
        partition: fc.nat(partitions - 1),
        outcome: fc.oneof(
          { weight: 6, arbitrary: fc.constant('acked' as const) },
          {
            weight: 1,
            arbitrary: fc.constantFrom('refused' as const, 'there' as const, 'late' as const, 'absent' as const),
          },
        ),
        markers: fc.oneof(
          { weight: 4, arbitrary: fc.constant(0) },
          { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) },
        ),
        moves: fc.oneof({ weight: 8, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      }),
      { minLength: 20, maxLength: 80 },
    ),
    retired: fc.tuple(fc.nat(5), fc.nat(5), fc.nat(5)),
  })
  .map(({ steps, retired }) => historyOf(steps, retired));

interface Writer {
  sequence: number;
  previous: string | null;
}

function historyOf(steps: readonly Step[], retired: readonly number[]): History {
  const entries: LedgerEntry[] = [];
  const writers = new Map<string, Writer>();
  const logs = Array.from({ length: partitions }, () => ({
    end: 0n,
    records: [] as LoggedRecord[],
    late: [] as (() => void)[],
  }));
  let [at, site, term] = [1_700_000_000_000, 'a' as SiteId, 0];
  for (const { vantage, partition, outcome, markers, moves } of steps) {
    at += stepMs;
    if (moves) [site, term] = [otherSite(site), term + 1];
    const log = logs[partition]!;
    const writer = writers.get(`${vantage} ${partition}`) ?? { sequence: 0, previous: null };
    writers.set(`${vantage} ${partition}`, writer);
    const id = { vantage, life: `life-of-${vantage}`, partition, sequence: writer.sequence };
    const mono = at - 1_700_000_000_000;
    const value = encodeCanary({
      pair: 'test',
      link: 'a-b',
      term,
      ...id,
      wallMs: at,
      monoMs: mono,
      previous: writer.previous,
    });
    const hash = hashOf(value);
    writer.sequence += 1;
    writer.previous = hash;
    const common = { ...id, topic, link: 'a-b', site, term };
    entries.push({ kind: 'sent', ...common, at, mono, hash });
    const answered = { ...common, at: at + 1, mono: mono + 1 };
    const append = (): void => {
      log.records.push({ offset: log.end, key: canaryKey(id), hash, decoded: decodeCanary(value) });
      log.end += 1n;
    };
    const waiting = log.late.splice(0);
    if (outcome === 'acked' || outcome === 'there') {
      log.end += BigInt(markers);
      if (outcome === 'acked') entries.push({ kind: 'acked', ...answered, offset: log.end, ms: 1 });
      else entries.push({ kind: 'unanswered', ...answered, error: 'no answer' });
      append();
      for (const late of waiting) late();
      continue;
    }
    log.late.push(...waiting);
    if (outcome === 'late') log.late.push(append);
    if (outcome === 'refused') entries.push({ kind: 'refused', ...answered, error: 'TOPIC_AUTHORIZATION_FAILED' });
    // Of a record that nobody answered a life that ended says no more than that it was sent.
    else if (writer.sequence % 2 === 0) entries.push({ kind: 'unanswered', ...answered, error: 'no answer' });
  }
  return {
    entries,
    logs: logs.map(({ end, records }, partition) => {
      const start = records[retired[partition]!]?.offset ?? 0n;
      return {
        topic,
        partition,
        start,
        end,
        readAtMs: at + 60_000,
        records: records.filter(({ offset }) => offset >= start),
      };
    }),
  };
}

/** The same history with other records in one of its logs. */
export function withRecords(
  { entries, logs }: History,
  partition: number,
  change: (log: CanaryLog) => readonly LoggedRecord[],
): History {
  return {
    entries,
    logs: logs.map((log) => {
      if (log.partition !== partition) return log;
      const records = change(log).toSorted((left, right) => (left.offset < right.offset ? -1 : 1));
      const end = (records.at(-1)?.offset ?? -1n) + 1n;
      return { ...log, records, end: end > log.end ? end : log.end };
    }),
  };
}

/** Acknowledged records that stand in the logs, with where they do. */
export function standingAcked({
  entries,
  logs,
}: History): readonly (LoggedRecord & { partition: number; life: string })[] {
  const acked = new Set(entries.filter(({ kind }) => kind === 'acked').map((entry) => canaryKey(entry)));
  return logs.flatMap(({ partition, records }) =>
    records
      .filter(({ key }) => acked.has(key ?? ''))
      .map((record) => ({ ...record, partition, life: record.decoded?.life ?? '' })),
  );
}
