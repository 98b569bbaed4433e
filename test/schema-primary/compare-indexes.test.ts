import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  IndexComparison,
  type ReadPositions,
  type SchemaComparison,
} from '../../src/schema-primary/compare-indexes.ts';
import { type SchemaLogRecord } from '../../src/schema-primary/log-entry.ts';
import { SchemaIndex } from '../../src/schema-primary/schema-index.ts';
import {
  anyRecord,
  compact,
  config,
  hashes,
  indexOf,
  type KeyValue,
  logOf,
  schemaRecord,
  tombstone,
} from './schema-log.ts';

function compare(
  primary: readonly SchemaLogRecord[],
  standby: readonly SchemaLogRecord[],
  standbyReadTo?: bigint,
): unknown {
  const ends = [primary, standby].map((log) => (log.at(-1)?.offset ?? -1n) + 1n) as [bigint, bigint];
  return twice(new IndexComparison(indexOf(primary), indexOf(standby)), {
    primary: ends[0],
    standby: standbyReadTo ?? ends[1],
  });
}

/** What only the copy has counts from the second look on. */
function twice(comparison: IndexComparison, read: ReadPositions): SchemaComparison {
  comparison.compare(read);
  return comparison.compare(read);
}

const two = logOf([schemaRecord('orders', 1, { id: 1 }), schemaRecord('orders', 2, { id: 2 })]);
const changed = (index: number, record: KeyValue): readonly SchemaLogRecord[] =>
  two.map((each, at) => (at === index ? { offset: each.offset, ...record } : each));

describe('two indexes beside each other', () => {
  test('a copy at any place of a log that the cleaner has been through is behind at most, never different', () => {
    const logs = fc.array(anyRecord, { maxLength: 50 }).map(logOf);
    fc.assert(
      fc.property(logs, fc.nat(50), fc.nat(50), (log, copied, cleaned) => {
        const primary = compact(log, BigInt(cleaned), 'kept');
        const end = BigInt(log.length);
        const standbyReadTo = BigInt(Math.min(copied, log.length));
        const standby = log.filter(({ offset }) => offset < standbyReadTo);
        const verdict = new IndexComparison(indexOf(primary), indexOf(standby)).compare({
          primary: end,
          standby: standbyReadTo,
        });
        expect(verdict).toMatchObject({ differences: [] });
        if (standbyReadTo === end) expect(verdict).toMatchObject({ behind: 0 });
      }),
    );
  });

  test('fed record by record it finds what it finds at once', () => {
    const logs = fc.array(anyRecord, { maxLength: 30 }).map(logOf);
    fc.assert(
      fc.property(logs, logs, fc.array(fc.boolean(), { maxLength: 60 }), (left, right, turns) => {
        const indexes = { primary: new SchemaIndex(hashes), standby: new SchemaIndex(hashes) };
        const comparison = new IndexComparison(indexes.primary, indexes.standby);
        const queues = { primary: [...left], standby: [...right] };
        for (const turn of [...turns, ...left.map(() => true), ...right.map(() => false)]) {
          const site = turn ? 'primary' : 'standby';
          const record = queues[site].shift();
          if (record !== undefined) comparison.changed(indexes[site].apply(record));
        }
        const read = { primary: 60n, standby: 60n };
        expect(twice(comparison, read)).toEqual(twice(new IndexComparison(indexOf(left), indexOf(right)), read));
      }),
    );
  });

  test('what the copy has not reached is behind, not missing', () => {
    expect(compare(two, two.slice(0, 1))).toEqual({ differences: [], behind: 1 });
  });

  test('a record that the copy passed without it is missing, with its id', () => {
    expect(compare(two, two.slice(1))).toMatchObject({
      behind: 0,
      differences: [{ kind: 'missing', label: 'subject "orders" version 1', primary: { id: 1, offset: 0n } }],
    });
  });

  test.each([
    ['another schema', schemaRecord('orders', 1, { id: 1, schema: '"x"' }), /id 1 of .* stands for another schema/],
    ['another id', schemaRecord('orders', 1, { id: 7 }), /has the id 1 at the primary and 7 in the copy/],
    [
      'deleted',
      schemaRecord('orders', 1, { id: 1, deleted: true }),
      /not deleted at the primary and deleted in the copy/,
    ],
  ])('%s for the same version is a difference in words', (_what, record, words) => {
    expect(compare(two, changed(0, record))).toMatchObject({
      differences: [{ kind: 'different', explanation: expect.stringMatching(words) as string }],
    });
  });

  test('another compatibility level is a difference', () => {
    const [one, other] = [logOf([config('s', 'NONE')]), logOf([config('s', 'FULL')])];
    expect(compare(one, other)).toMatchObject({ differences: [{ label: 'CONFIG of subject "s"' }] });
  });

  test('what somebody wrote to the copy is extra', () => {
    const standby = [...two, ...logOf([schemaRecord('mine', 1, { id: 3 })]).map((each) => ({ ...each, offset: 2n }))];
    expect(compare(two, standby)).toMatchObject({
      differences: [{ kind: 'extra', standby: { id: 3, subject: 'mine' }, primary: undefined }],
    });
  });

  test('a deletion that was compacted away counts only when the copy has passed where it can have stood', () => {
    // Offset 2 was the tombstone of version 1; the cleaner has taken both.
    const primary = new SchemaIndex(hashes);
    primary.apply(two[1]!);
    const standby = indexOf(two);
    const comparison = new IndexComparison(primary, standby);
    expect(comparison.compare({ primary: 3n, standby: 2n })).toMatchObject({ differences: [], behind: 1 });
    // The primary goes on; what is due was settled at the first look.
    expect(comparison.compare({ primary: 9n, standby: 2n })).toMatchObject({ differences: [], behind: 1 });
    expect(comparison.compare({ primary: 9n, standby: 3n })).toMatchObject({
      differences: [{ kind: 'extra', explanation: expect.stringContaining('delete.retention.ms') as string }],
    });
    comparison.changed(standby.apply({ offset: 5n, ...tombstone('orders', 1) }));
    expect(comparison.compare({ primary: 9n, standby: 6n })).toMatchObject({ differences: [], behind: 0 });
  });

  test('what the primary does not show is not judged before it was looked at again', () => {
    const primary = indexOf(two.slice(1));
    const comparison = new IndexComparison(primary, indexOf(two));
    expect(comparison.compare({ primary: 2n, standby: 2n })).toMatchObject({ differences: [], behind: 1 });
    // It had been written anew behind the place up to which the primary was read, and cleaned before that place.
    comparison.changed(primary.apply({ offset: 2n, ...schemaRecord('orders', 1, { id: 1 }) }));
    expect(comparison.compare({ primary: 3n, standby: 2n })).toMatchObject({ differences: [], behind: 1 });
  });

  test('a copy that ends behind the primary is compared all the same', () => {
    expect(compare(two.slice(0, 1), two, 2n)).toMatchObject({
      differences: [{ kind: 'extra', label: 'subject "orders" version 2' }],
    });
  });
});
