import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CanaryProblemKind } from '../../src/canary/canary-problem.ts';
import { canaryKey, decodeCanary, encodeCanary, hashOf } from '../../src/canary/canary-record.ts';
import { judgeCanaries } from '../../src/canary/judge-canaries.ts';
import type { AckedEntry, LedgerEntry } from '../../src/canary/ledger/ledger-entry.ts';
import { otherSite } from '../../src/pair/site.ts';
import { type History, rightHistory, standingAcked, topic, withRecords } from './history.ts';

const numRuns = 150;
const pick = fc.nat(1_000_000);

function one<T>(list: readonly T[], at: number): T {
  fc.pre(list.length > 0);
  return list[at % list.length]!;
}

const kindsOf = (history: History): readonly CanaryProblemKind[] => [
  ...new Set(judgeCanaries(history).problems.map(({ kind }) => kind)),
];

test('a history in which everything is right has no problem, and every acknowledged record stands once', () => {
  fc.assert(
    fc.property(rightHistory, (history) => {
      const { counts, problems, rpo, twoWriters, unjudged } = judgeCanaries(history);
      expect(problems).toEqual([]);
      expect(twoWriters).toEqual([]);
      expect(rpo).toEqual({ records: 0, seconds: 0 });
      const acked = history.entries.filter(({ kind }) => kind === 'acked').length;
      const sent = history.entries.filter(({ kind }) => kind === 'sent').length;
      expect(counts).toEqual({
        ...{ sent: counts.sent, acked: counts.acked, once: acked - unjudged.retired },
        ...{ duplicate: 0, lost: 0, reordered: 0, ghost: 0, shifted: 0 },
      });
      expect(counts.acked).toBe(acked);
      expect(counts.sent).toBe(sent);
    }),
    { numRuns },
  );
});

test('a ledger that is read from some time on makes nobody’s records of those before', () => {
  fc.assert(
    fc.property(rightHistory, pick, ({ entries, logs }, at) => {
      const since = one(entries, at).at;
      expect(judgeCanaries({ entries: entries.filter((entry) => entry.at >= since), logs }).problems).toEqual([]);
    }),
    { numRuns },
  );
});

/** A history that is right but for one thing, and how that is called. */
type Fault = (history: History, at: number) => History;

const faults: Readonly<Record<string, readonly [CanaryProblemKind, Fault]>> = {
  'an acknowledged record that is gone': [
    'lost',
    (history, at) => {
      const gone = one(standingAcked(history), at);
      return withRecords(history, gone.partition, ({ records }) => records.filter(({ key }) => key !== gone.key));
    },
  ],
  'a record that stands twice': [
    'duplicate',
    (history, at) => {
      const twice = one(standingAcked(history), at);
      return withRecords(history, twice.partition, ({ records, end }) => [...records, { ...twice, offset: end }]);
    },
  ],
  'a record that nobody answered, twice': [
    'duplicate',
    (history, at) => {
      const acked = new Set(standingAcked(history).map(({ key }) => key));
      const there = history.logs.flatMap(({ partition, records }) =>
        records.filter(({ key }) => !acked.has(key)).map((record) => ({ ...record, partition })),
      );
      const twice = one(there, at);
      return withRecords(history, twice.partition, ({ records, end }) => [...records, { ...twice, offset: end }]);
    },
  ],
  'two records that have changed places': [
    'reordered',
    (history, at) => {
      const standing = standingAcked(history);
      const pairs = standing.flatMap((left) => {
        const later = standing.filter(
          ({ partition, life, offset }) => partition === left.partition && life === left.life && offset > left.offset,
        );
        return later.map((right) => [left, right] as const);
      });
      const [left, right] = one(pairs, at);
      const placeOf = new Map([
        [left.key, right.offset],
        [right.key, left.offset],
      ]);
      return withRecords(history, left.partition, ({ records }) =>
        records.map((record) => ({ ...record, offset: placeOf.get(record.key) ?? record.offset })),
      );
    },
  ],
  'a record that its observer never sent': [
    'ghost',
    (history, at) => {
      const last = one(
        [...Map.groupBy(history.entries, ({ life, partition }) => `${life} ${partition}`).values()].map((own) =>
          own.at(-1)!,
        ),
        at,
      );
      const id = { ...last, sequence: last.sequence + 1 + (at % 3) };
      const value = valueOf(id, null);
      return withRecords(history, last.partition, ({ records, end }) => [
        ...records,
        { offset: end, key: canaryKey(id), hash: hashOf(value), decoded: decodeCanary(value) },
      ]);
    },
  ],
  'a record of a life that never was': [
    'ghost',
    (history, at) => {
      const id = { ...one(history.entries, at), life: 'never-was', sequence: 0 };
      const value = valueOf(id, null);
      return withRecords(history, id.partition, ({ records, end }) => [
        ...records,
        { offset: end, key: canaryKey(id), hash: hashOf(value), decoded: decodeCanary(value) },
      ]);
    },
  ],
  'a payload that was changed': [
    'ghost',
    (history, at) => {
      const changed = one(standingAcked(history), at);
      return withRecords(history, changed.partition, ({ records }) =>
        records.map((record) =>
          record.key === changed.key ? { ...record, hash: hashOf('changed'), decoded: undefined } : record,
        ),
      );
    },
  ],
  'a record that was certainly refused': [
    'ghost',
    (history, at) => {
      const refused = one(
        history.entries.filter(({ kind }) => kind === 'refused'),
        at,
      );
      const sent = history.entries.find((entry) => entry.kind === 'sent' && canaryKey(entry) === canaryKey(refused));
      if (sent?.kind !== 'sent') throw new Error('it was sent');
      return withRecords(history, refused.partition, ({ records, end }) => [
        ...records,
        { offset: end, key: canaryKey(refused), hash: sent.hash, decoded: undefined },
      ]);
    },
  ],
  'records of another partition': [
    'ghost',
    (history, at) => {
      const strayed = one(standingAcked(history), at);
      return withRecords(history, (strayed.partition + 1) % 3, ({ records, end }) => [
        ...records,
        { ...strayed, offset: end },
      ]);
    },
  ],
  'offsets that have shifted from one place on': [
    'shifted',
    (history, at) => {
      const first = one(standingAcked(history), at);
      return withRecords(history, first.partition, ({ records }) =>
        records.map((record) => (record.offset < first.offset ? record : { ...record, offset: record.offset + 1n })),
      );
    },
  ],
  'two sites that take writes': [
    'two writers',
    (history, at) => {
      const newest = one(
        history.entries.filter((entry): entry is AckedEntry => entry.kind === 'acked' && entry.term > 0),
        at,
      );
      const own = history.entries.filter(
        ({ life, partition }) => life === newest.life && partition === newest.partition,
      );
      const sent = own.findLast((entry) => entry.kind === 'sent')!;
      const id = { ...newest, sequence: sent.sequence + 1 };
      const value = valueOf(id, sent.hash);
      const end = history.logs[newest.partition]!.end;
      const atMs = history.entries.at(-1)!.at;
      const mono = history.entries.at(-1)!.mono;
      const { vantage, life, partition, sequence, link } = id;
      const common = { vantage, life, partition, sequence, link, topic, site: otherSite(newest.site) };
      const late: readonly LedgerEntry[] = [
        { ...common, kind: 'sent', term: newest.term - 1, at: atMs + 10, mono: mono + 10, hash: hashOf(value) },
        { ...common, kind: 'acked', term: newest.term - 1, at: atMs + 11, mono: mono + 11, offset: end, ms: 1 },
      ];
      return withRecords({ ...history, entries: [...history.entries, ...late] }, newest.partition, ({ records }) => [
        ...records,
        { offset: end, key: canaryKey(id), hash: hashOf(value), decoded: decodeCanary(value) },
      ]);
    },
  ],
};

function valueOf(
  { vantage, life, partition, sequence, link, term, at, mono }: LedgerEntry,
  previous: string | null,
): string {
  return encodeCanary({
    pair: 'test',
    link,
    term,
    vantage,
    life,
    partition,
    sequence,
    wallMs: at,
    monoMs: mono,
    previous,
  });
}

describe('one fault alone is named by exactly its kind', () => {
  for (const [name, [kind, plant]] of Object.entries(faults)) {
    test(`${name}: ${kind}`, () => {
      fc.assert(
        fc.property(rightHistory, pick, (history, at) => {
          expect(kindsOf(plant(history, at))).toEqual([kind]);
        }),
        { numRuns },
      );
    });
  }
});

describe('what is not judged', () => {
  const life = 'life-1';
  const sentAt = (sequence: number): number => 1_000 + sequence * 10;
  const values = [0, 1, 2, 3].reduce<readonly string[]>((before, sequence) => {
    const previous = before.length === 0 ? null : hashOf(before.at(-1)!);
    const id = { vantage: 'a', life, partition: 0, sequence };
    const at = sentAt(sequence);
    return [...before, encodeCanary({ pair: 'test', link: 'a-b', term: 0, ...id, wallMs: at, monoMs: at, previous })];
  }, []);
  const entries = values.flatMap((value, sequence): readonly LedgerEntry[] => {
    const common = { vantage: 'a', life, topic, link: 'a-b', partition: 0, sequence, site: 'a', term: 0 } as const;
    const at = sentAt(sequence);
    return [
      { kind: 'sent', ...common, at, mono: at, hash: hashOf(value) },
      { kind: 'acked', ...common, at: at + 5, mono: at + 5, offset: BigInt(sequence), ms: 5 },
    ];
  });
  const records = values.map((value, sequence) => ({
    ...{ offset: BigInt(sequence), key: canaryKey({ vantage: 'a', life, partition: 0, sequence }) },
    ...{ hash: hashOf(value), decoded: decodeCanary(value) },
  }));
  const log = { topic, partition: 0, start: 0n, end: 4n, readAtMs: 100_000, records };

  test('what was acknowledged above the end when the log was read may be on its way into it', () => {
    const read = { ...log, end: 3n, records: records.slice(0, 3), readAtMs: sentAt(3) };
    const { counts, problems, unjudged } = judgeCanaries({ entries, logs: [read] });
    expect(problems).toEqual([]);
    expect([counts.once, unjudged.pending]).toEqual([3, 1]);
  });

  test('what was acknowledged long before the log was read, above its end, is lost: a log that was cut off shows', () => {
    const { counts, rpo } = judgeCanaries({ entries, logs: [{ ...log, end: 2n, records: records.slice(0, 2) }] });
    expect(counts.lost).toBe(2);
    expect(rpo).toEqual({ records: 2, seconds: 0.015 });
  });

  test('what stood below the begin of the log is retired', () => {
    const { counts, problems, unjudged } = judgeCanaries({
      entries,
      logs: [{ ...log, start: 2n, records: records.slice(2) }],
    });
    expect(problems).toEqual([]);
    expect([counts.once, unjudged.retired]).toEqual([2, 2]);
  });

  test('below "from" nothing counts, and what was acknowledged there is still found where it turns up above', () => {
    const from = new Map([[`${topic}/0`, 2n]]);
    expect(judgeCanaries({ entries, logs: [log], from }).counts).toMatchObject({ sent: 2, acked: 2, once: 2 });
    const again = { ...log, end: 5n, records: [...records, { ...records[0]!, offset: 4n }] };
    const { counts, problems } = judgeCanaries({ entries, logs: [again], from });
    expect(counts).toMatchObject({ once: 2, duplicate: 1 });
    expect(problems.map(({ kind }) => kind)).toEqual(['duplicate']);
  });

  test('records from before the ledger begins, and of observers whose ledger is elsewhere, are nobody’s ghosts', () => {
    const younger = entries.filter(({ sequence }) => sequence >= 2);
    expect(judgeCanaries({ entries: younger, logs: [log] })).toMatchObject({
      problems: [],
      unjudged: { strangers: 2 },
    });
    const elsewhere = { ...records[0]!, offset: 4n, key: 'outside/life-9/0/0', decoded: undefined };
    const read = { ...log, end: 5n, records: [...records, elsewhere] };
    expect(judgeCanaries({ entries, logs: [read] })).toMatchObject({ problems: [], unjudged: { strangers: 1 } });
  });

  test('a log that nobody read is a problem, not a sound one', () => {
    expect(judgeCanaries({ entries, logs: [] }).problems.map(({ kind }) => kind)).toEqual(['unread']);
  });

  test('a record that names another one before it than was sent is a problem of the chain', () => {
    const other = entries.map((entry) =>
      entry.kind === 'sent' && entry.sequence === 1 ? { ...entry, hash: hashOf('another') } : entry,
    );
    const without = { ...log, records: records.filter(({ offset }) => offset !== 1n) };
    const kinds = judgeCanaries({ entries: other, logs: [without] }).problems.map(({ kind }) => kind);
    expect(kinds).toEqual(['lost', 'chain']);
  });

  test('an answer of the old primary that arrives after the new one’s first is not two writers: it was sent before', () => {
    const [last] = entries.slice(-1) as [AckedEntry];
    const moved: AckedEntry = {
      ...last,
      partition: 1,
      sequence: 0,
      offset: 0n,
      site: 'b',
      term: 1,
      mono: last.mono - 1,
    };
    expect(judgeCanaries({ entries: [...entries, moved], logs: [log] }).twoWriters).toEqual([]);
    const later: AckedEntry = { ...moved, mono: last.mono - 6 };
    expect(judgeCanaries({ entries: [...entries, later], logs: [log] }).twoWriters).toHaveLength(1);
  });
});
