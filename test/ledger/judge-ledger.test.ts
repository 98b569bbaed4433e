import { join } from 'node:path';
import { appendFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeLedger, type Judgement, type PartitionLog, type SeenRecord } from '../fixtures/ledger/judge-ledger.ts';
import { Ledger } from '../fixtures/ledger/ledger.ts';
import { testFolder } from '../fixtures/test-root.ts';

const topic = 'a_orders';
const cut = 6n;

/** Ten records at a, of which six were copied; then four at b. */
function moved(): { readonly ledger: Ledger; readonly records: SeenRecord[] } {
  const ledger = new Ledger();
  ledger.open('old');
  ledger.open('new');
  const old = ledger.next('old', 10);
  const next = ledger.next('new', 4);
  ledger.acknowledge({ site: 'a', topic, partition: 0, offset: 0n }, old, 1_000);
  ledger.acknowledge({ site: 'b', topic, partition: 0, offset: cut }, next, 2_000);
  const at = (offset: number, id: string): SeenRecord => ({ offset: BigInt(offset), id });
  const records = [...old.slice(0, 6).map((id, index) => at(index, id)), ...next.map((id, index) => at(6 + index, id))];
  return { ledger, records };
}

function judge(
  ledger: Ledger,
  records: readonly SeenRecord[],
  more: Partial<Parameters<typeof judgeLedger>[0]> = {},
): Judgement {
  const log: PartitionLog = { topic, partition: 0, start: 0n, end: 10n, records };
  const reigns = [
    { site: 'a', from: 0n },
    { site: 'b', from: cut },
  ] as const;
  return judgeLedger({ ledger, logs: [log], reigns: () => reigns, ...more });
}

const kindsOf = ({ problems }: Judgement): string[] => problems.map(({ kind, offset }) => `${kind} ${offset}`);

test('records below the cut are present, those above it are the tail, those of the new primary are its own', () => {
  const { ledger, records } = moved();
  const { partitions, problems } = judge(ledger, records);
  expect(problems).toEqual([]);
  expect(partitions).toMatchObject([{ present: 10, quarantined: 0, unanswered: 0 }]);
  expect(partitions[0]?.lost.map(({ id }) => id)).toEqual(['old#6', 'old#7', 'old#8', 'old#9']);
});

test('what was quarantined at its offset is not lost, and nothing else counts as that', () => {
  const { ledger, records } = moved();
  const saved = { topic, partition: 0 };
  const quarantined = [
    { ...saved, offset: 6n, id: 'old#6' },
    { ...saved, offset: 7n, id: 'old#8' },
  ];
  const { partitions } = judge(ledger, records, { quarantined });
  expect(partitions).toMatchObject([{ quarantined: 1 }]);
  expect(partitions[0]?.lost.map(({ id }) => id)).toEqual(['old#7', 'old#8', 'old#9']);
});

describe('planted faults', () => {
  test('a record that is gone', () => {
    const { ledger, records } = moved();
    expect(kindsOf(judge(ledger, records.toSpliced(3, 1)))).toEqual(['missing 3']);
  });

  test('a record that stands twice', () => {
    const { ledger, records } = moved();
    expect(kindsOf(judge(ledger, [...records, { offset: 10n, id: 'old#2' }]))).toEqual(['doubled 10']);
  });

  test('a record that stands in another partition as well', () => {
    const { ledger, records } = moved();
    const beside = { topic, partition: 1, start: 0n, end: 1n, records: [{ offset: 0n, id: 'old#2' }] };
    const log = { topic, partition: 0, start: 0n, end: 10n, records };
    expect(kindsOf(judge(ledger, records, { logs: [log, beside] }))).toEqual(['doubled 0']);
  });

  test('records that were shifted by one', () => {
    const { ledger, records } = moved();
    const shifted = records.map(({ offset, id }) => ({ offset: offset < cut ? offset : offset + 1n, id }));
    expect(kindsOf(judge(ledger, shifted))).toEqual(['moved 6', 'moved 7', 'moved 8', 'moved 9']);
  });

  test('another record at the offset of one that was acknowledged', () => {
    const { ledger, records } = moved();
    const strange = records.with(4, { offset: 4n, id: 'a stranger' });
    expect(kindsOf(judge(ledger, strange))).toEqual(['replaced 4']);
  });

  test('a record that nobody sent, and one that was aborted', () => {
    const { ledger, records } = moved();
    ledger.open('careful');
    ledger.abort(ledger.next('careful', 1));
    const more = [...records, { offset: 10n, id: 'old#99' }, { offset: 11n, id: 'careful#0' }];
    expect(kindsOf(judge(ledger, more))).toEqual(['ghost 10', 'ghost 11']);
  });

  test('a record that the new primary took before it was that', () => {
    const { ledger, records } = moved();
    ledger.acknowledge({ site: 'b', topic, partition: 0, offset: 2n }, ledger.next('new', 1));
    expect(kindsOf(judge(ledger, records))).toEqual(['usurped 2']);
  });

  test('two records that were promised the same offset', () => {
    const { ledger, records } = moved();
    ledger.acknowledge({ site: 'b', topic, partition: 0, offset: 7n }, ledger.next('new', 1));
    expect(kindsOf(judge(ledger, records))).toEqual(['contested 7', 'replaced 7']);
  });

  test('a partition that nobody looked at', () => {
    const { ledger, records } = moved();
    ledger.acknowledge({ site: 'a', topic, partition: 1, offset: 0n }, ledger.next('old', 1));
    expect(kindsOf(judge(ledger, records))).toEqual(['unread 0']);
  });
});

test('what was sent and never answered may be there', () => {
  const { ledger, records } = moved();
  const [id = ''] = ledger.next('new', 1);
  const { partitions, problems } = judge(ledger, [...records, { offset: 10n, id }]);
  expect(problems).toEqual([]);
  expect(partitions).toMatchObject([{ unanswered: 1 }]);
});

test('what a site acknowledged while it was not primary stays its tail when it is primary again', () => {
  const { ledger, records } = moved();
  // A writer at a that was not fenced, before roles came home at offset 10.
  ledger.acknowledge({ site: 'a', topic, partition: 0, offset: 11n }, ledger.next('old', 1), 1_500);
  const reigns = [
    { site: 'a', from: 0n },
    { site: 'b', from: cut, sinceMs: 1_900 },
    { site: 'a', from: 10n, sinceMs: 3_000 },
  ] as const;
  const { partitions, problems } = judge(ledger, records, { reigns: () => reigns });
  expect(problems).toEqual([]);
  expect(partitions[0]?.tail).toHaveLength(5);
});

test('whatever is done to a log, what is present, the tail and the problems add up to what was acknowledged', () => {
  const fault = fc.record({ at: fc.nat({ max: 9 }), what: fc.constantFrom('drop', 'replace', 'none') });
  fc.assert(
    fc.property(fc.array(fault, { maxLength: 6 }), (faults) => {
      const { ledger, records } = moved();
      const broken = new Map(records.map((record) => [record.offset, record]));
      for (const { at, what } of faults) {
        if (what === 'drop') broken.delete(BigInt(at));
        if (what === 'replace') broken.set(BigInt(at), { offset: BigInt(at), id: `a stranger ${at}` });
      }
      const { partitions, problems } = judge(ledger, [...broken.values()]);
      const [finding] = partitions;
      expect((finding?.present ?? 0) + (finding?.tail.length ?? 0) + problems.length).toBe(
        ledger.acknowledgements.length,
      );
    }),
  );
});

test('a ledger that another process wrote is read back, but for a line that was cut off', () => {
  const file = join(testFolder('ledger'), 'ledger.ndjson');
  const ledger = new Ledger(file);
  ledger.open('w');
  ledger.acknowledge({ site: 'a', topic, partition: 2, offset: 40n }, ledger.next('w', 2), 7);
  ledger.abort(ledger.next('w', 1));
  appendFileSync(file, '{"kind":"ack');
  const read = Ledger.read(file);
  expect(read.acknowledgements).toEqual(ledger.acknowledgements);
  expect(read.acknowledgements).toHaveLength(2);
  expect([...read.aborted]).toEqual(['w#2']);
  expect([read.knows('w#2'), read.knows('w#3'), read.knows('v#0'), read.knows('w')]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});
