import { describe, expect, test } from 'vitest';
import { type LostTail, lostTail } from '../../src/schema-primary/lost-tail.ts';
import { config, deleteSubject, indexOf, type KeyValue, logOf, schemaRecord, tombstone } from './schema-log.ts';

const shared = [schemaRecord('orders', 1, { id: 1 }), schemaRecord('users', 1, { id: 2 })];
const leap = schemaRecord('umbra-id-leap', 1, { id: 1002, schema: '"leap"', deleted: true });

function compared(lost: readonly KeyValue[], since: readonly KeyValue[]): LostTail {
  const [old, now] = [
    [...shared, ...lost],
    [...shared, ...since],
  ].map((records) => indexOf(logOf(records)));
  if (old === undefined || now === undefined) throw new Error('there are two');
  return lostTail({ old, now, cut: BigInt(shared.length) });
}

describe('what an old primary registered after the cut', () => {
  test('is named as a gap, with the id that its schema has by now where it was registered again', () => {
    const lost = [schemaRecord('orders', 2, { id: 3 }), schemaRecord('users', 2, { id: 4 })];
    const again = schemaRecord('users', 2, { id: 1003, schema: '"schema 4"' });
    const { collisions, gaps, versions } = compared(lost, [leap, again]);
    expect(collisions).toEqual([]);
    expect(versions).toEqual([]);
    expect(gaps).toEqual([
      {
        ...{ context: '.', id: 3, subject: 'orders', version: 2, offset: 2n },
        explanation: 'the new primary does not know the id 3',
      },
      {
        ...{ context: '.', id: 4, subject: 'users', version: 2, offset: 3n },
        explanation: 'the new primary does not know the id 4; the same schema has the id 1003 there',
      },
    ]);
  });

  test('is a collision where the id stands for another schema by now, which a leap prevents', () => {
    const lost = [schemaRecord('orders', 2, { id: 3 })];
    const taken = schemaRecord('users', 2, { id: 3, schema: '"another"' });
    expect(compared(lost, [taken]).collisions).toMatchObject([{ id: 3, subject: 'orders', version: 2 }]);
    const leapt = schemaRecord('users', 2, { id: 1003, schema: '"another"' });
    expect(compared(lost, [leap, leapt]).collisions).toEqual([]);
    // In another context it is another id.
    const elsewhere = schemaRecord(':.x:users', 1, { id: 3, schema: '"another"' });
    expect(compared(lost, [leap, elsewhere])).toMatchObject({ collisions: [], gaps: [{ id: 3 }] });
  });

  test('is named where the same version of a subject became another schema', () => {
    const lost = [schemaRecord('orders', 2, { id: 3 })];
    const other = schemaRecord('orders', 2, { id: 1003, schema: '"another"' });
    const explanation = 'subject "orders" version 2 is another schema at the new primary, with the id 1003';
    expect(compared(lost, [leap, other]).versions).toMatchObject([{ id: 3, explanation }]);
  });

  test('names lost configs and deletions, soft ones and those for good, and nothing where nothing was lost', () => {
    const { changes, gaps } = compared(
      [config('orders', 'FULL'), deleteSubject('users', 1), tombstone('orders', 1)],
      [],
    );
    expect(gaps).toEqual([]);
    expect(changes).toEqual([
      'CONFIG of subject "orders": FULL',
      'DELETE_SUBJECT of subject "users": up to version 1',
      'subject "orders" version 1 was deleted for good',
    ]);
    expect(compared([], [leap])).toEqual({ collisions: [], gaps: [], versions: [], changes: [] });
  });
});
