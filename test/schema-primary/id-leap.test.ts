import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { highestCredible, planLeap } from '../../src/schema-primary/id-leap.ts';
import { hashes, indexOf, logOf, schemaRecord } from './schema-log.ts';
import { type Happening, type Product, RegistryModel } from './registry-model.ts';

const request = { operation: 'failover-20261122-080000-abcd', term: 1, reserve: 1000, sampled: [] };
const contextual = ':.other:orders';

function leaps(log: Parameters<typeof indexOf>[0], asked: Partial<Parameters<typeof planLeap>[1]> = {}): unknown {
  const plan = planLeap(indexOf(log), { ...request, ...asked }, hashes);
  return plan.kind === 'append' ? plan.leaps.map(({ context, version, id }) => ({ context, version, id })) : plan.kind;
}

const register = fc.record({ kind: fc.constant('register' as const), subject: fc.constantFrom('orders', contextual) });
const copy = fc.record({ kind: fc.constant('copy' as const), records: fc.nat(6) });
const failover = fc.constant({ kind: 'failover' as const });
const switchover = fc.constant({ kind: 'switchover' as const });
const rebuilt = fc.record({ kind: fc.constant('rebuild' as const), records: fc.integer({ min: 2, max: 40 }) });
const rebuiltWhole = fc.constant({ kind: 'rebuild' as const, records: Infinity });
const product: fc.Arbitrary<Product> = fc.constantFrom('confluent', 'karapace');
const reserve = fc.integer({ min: 3, max: 8 });

function neverTwice(happening: fc.Arbitrary<Happening>): void {
  fc.assert(
    fc.property(product, reserve, fc.array(happening, { maxLength: 60 }), (of, ids, happenings) => {
      const model = new RegistryModel(of, ids);
      // Of a context that is lost as a whole nobody can know: docs/schemas.md.
      for (const subject of ['orders', contextual]) model.register(subject);
      model.copy(2);
      for (const each of happenings) model.happen(each);
    }),
    { numRuns: 3_000 },
  );
}

describe('no id is given out twice', () => {
  test('over any failovers to and fro, of copies that lack any part, with a log that was lost before', () => {
    neverTwice(fc.oneof({ weight: 5, arbitrary: register }, copy, failover, rebuilt));
  });

  test('over failovers and switchovers of copies that were level once', () => {
    neverTwice(fc.oneof({ weight: 5, arbitrary: register }, copy, failover, switchover, rebuiltWhole));
  });

  test('where a site with an old log leapt far, and one that knows nothing of it comes near its ids in small leaps', () => {
    const model = new RegistryModel('karapace', 10);
    const some = (ids: number): void => Array.from({ length: ids }).forEach(() => model.register('orders'));
    const inSmallLeaps = (times: number, ids: number): void => {
      for (let each = 0; each < times; each++) {
        some(ids);
        model.copy(Infinity);
        model.failover();
      }
    };
    inSmallLeaps(8, 1);
    model.rebuild(1);
    model.failover();
    some(9);
    // Back to the log of before, which has nothing of that.
    model.failover();
    model.rebuild(Infinity);
    inSmallLeaps(20, 9);
    some(9);
    expect(model.given.size).toBe(8 + 9 + 20 * 9 + 9);
  });

  test('and without the marker the first lost registration is enough for one that is', () => {
    const model = new RegistryModel('karapace', 10);
    model.register('orders');
    model.copy(1);
    model.register('orders');
    model.failover();
    expect([...model.given.keys()]).toEqual(['1', '2']);
    model.register('orders');
    expect([...model.given.keys()]).toEqual(['1', '2', '12']);
    const second = indexOf(logOf([schemaRecord('orders', 1, { id: 1 })]));
    expect(second.ids.highestSeen + 1).toBe(2);
  });
});

describe('a leap', () => {
  test('is the reserve above the highest id, that of deleted versions too, per context, and of an empty log as well', () => {
    expect(leaps([])).toEqual([{ context: '.', version: 1, id: 1000 }]);
    const log = logOf([
      schemaRecord('orders', 1, { id: 7 }),
      schemaRecord('orders', 2, { id: 9, deleted: true }),
      schemaRecord(contextual, 1, { id: 3 }),
    ]);
    expect(leaps(log)).toEqual([
      { context: '.', version: 1, id: 1009 },
      { context: '.other', version: 1, id: 1003 },
    ]);
  });

  test('has a marker in the form that registries write, deleted, with a schema that nobody registers', () => {
    const plan = planLeap(indexOf(logOf([schemaRecord(contextual, 1, { id: 3 })])), request, hashes);
    if (plan.kind !== 'append') throw new Error('nothing is to be appended');
    const [first, second] = plan.records.map(({ key, value }) => ({
      key: JSON.parse(key) as unknown,
      value: JSON.parse(value) as { readonly schema: string },
    }));
    expect(first).toMatchObject({
      key: { keytype: 'SCHEMA', subject: 'umbra-id-leap', version: 1, magic: 1 },
      value: { subject: 'umbra-id-leap', version: 1, id: 1000, deleted: true },
    });
    expect(second).toMatchObject({
      key: { keytype: 'SCHEMA', subject: ':.other:umbra-id-leap', version: 1, magic: 1 },
      value: { subject: ':.other:umbra-id-leap', version: 1, id: 1003, deleted: true },
    });
    const schema = JSON.parse(first?.value.schema ?? '') as unknown;
    expect(schema).toMatchObject({ type: 'record', name: 'IdLeap_failover_20261122_080000_abcd', fields: [] });
    expect(first?.value.schema).not.toBe(second?.value.schema);
  });

  test('is made once for an operation, whoever begins again and whatever was registered since', () => {
    fc.assert(
      fc.property(product, fc.nat(8), fc.nat(8), (of, before, after) => {
        const model = new RegistryModel(of, 100);
        for (let each = 0; each < before; each++) model.register('orders');
        model.failover();
        for (let each = 0; each < after; each++) model.register(each % 2 === 0 ? 'orders' : 'users');
        const records = model.primaryLog.length;
        expect(model.leap()).toBe(0);
        expect(model.primaryLog).toHaveLength(records);
        // Of another operation it knows nothing.
        expect(model.leap({ operation: 'failover-other' })).toBe(1);
      }),
    );
  });

  test('that came too late, since somebody had registered more than the reserve, is made again above it', () => {
    const plan = planLeap(indexOf([]), request, hashes);
    if (plan.kind !== 'append') throw new Error('nothing is to be appended');
    const log = logOf([schemaRecord('orders', 1, { id: 5000 }), ...plan.records]);
    expect(leaps(log)).toEqual([{ context: '.', version: 2, id: 6000 }]);
  });

  test('passes what samples show to have been given out, and is not led astray by bytes that are no id', () => {
    const log = logOf([schemaRecord('orders', 1, { id: 10 })]);
    expect(leaps(log, { sampled: [11, 900, 2_000_000_000, -5, 0] })).toEqual([{ context: '.', version: 1, id: 1900 }]);
    expect(highestCredible(10, [1900, 900])).toBe(1900);
    expect(highestCredible(10, [1011])).toBe(10);
  });

  test('is refused where no id would be left', () => {
    expect(leaps(logOf([schemaRecord('orders', 1, { id: 2 ** 31 - 10 })]))).toBe('exhausted');
  });

  test('counts the terms of which nothing arrived, and stays above the leaps that it knows', () => {
    const model = new RegistryModel('confluent', 1000);
    model.register('orders');
    model.copy(1);
    model.failover();
    const log = logOf(model.primaryLog);
    expect(leaps(log, { operation: 'failover-second', term: 2 })).toEqual([{ context: '.', version: 2, id: 3001 }]);
    expect(leaps(log, { operation: 'failover-third', term: 3 })).toEqual([{ context: '.', version: 3, id: 5001 }]);
    expect(leaps([], { term: 3 })).toEqual([{ context: '.', version: 3, id: 5000 }]);
  });
});
