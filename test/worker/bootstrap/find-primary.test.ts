import { describe, expect, test } from 'vitest';
import { type RoleRecord, type RoleView, termSchema } from '../../../src/pair/ownership.ts';
import type { SiteId } from '../../../src/pair/site.ts';
import { primaryOfPrefix, primaryOfTopic } from '../../../src/worker/bootstrap/find-primary.ts';

const unread: RoleView = { kind: 'unread' };
const nothing: RoleView = { kind: 'read', records: new Map() };

function says(...records: readonly (readonly [topic: string, term: number, primary: SiteId])[]): RoleView {
  const roles = records.map(([topic, term, primary]): RoleRecord => ({
    topic,
    home: 'a',
    term: termSchema.parse(term),
    primary,
  }));
  return { kind: 'read', records: new Map(roles.map((role) => [role.topic, role])) };
}

const orders = { name: 'a_orders', home: 'a' } as const;

describe('the primary of a topic', () => {
  test('is home at term 0 where nobody has a record of it', () => {
    expect(primaryOfTopic(orders, { a: nothing, b: nothing })).toEqual({ state: 'settled', term: 0, primary: 'a' });
  });

  test('is the one at the higher term, whichever site says so', () => {
    const moved = { state: 'settled', term: 2, primary: 'b' };
    const [old, fresh] = [says(['a_orders', 1, 'a']), says(['a_orders', 2, 'b'])];
    expect(primaryOfTopic(orders, { a: old, b: fresh })).toEqual(moved);
    expect(primaryOfTopic(orders, { a: fresh, b: old })).toEqual(moved);
  });

  test('is the best that is known while the other view was never read', () => {
    const moved = { state: 'settled', term: 1, primary: 'b' };
    expect(primaryOfTopic(orders, { a: unread, b: says(['a_orders', 1, 'b']) })).toEqual(moved);
  });

  test('is nobody where both claim it in the same term', () => {
    const views = { a: says(['a_orders', 1, 'a']), b: says(['a_orders', 1, 'b']) };
    expect(primaryOfTopic(orders, views)).toEqual({ state: 'split', term: 1 });
  });

  test('is nobody where a record names another home', () => {
    const views = { a: says(['b_orders', 1, 'b']), b: nothing };
    expect(primaryOfTopic({ name: 'b_orders', home: 'b' }, views)).toEqual({ state: 'misfiled', term: 0 });
  });
});

describe('the primary of a prefix', () => {
  const prefix = { prefix: 'a_', home: 'a' } as const;

  test('is home at term 0 before there are topics', () => {
    expect(primaryOfPrefix(prefix, [], { a: nothing, b: nothing })).toEqual({
      state: 'settled',
      term: 0,
      primary: 'a',
    });
  });

  test('is nobody while a copy without a record is still at home', () => {
    const views = { a: nothing, b: says(['a_1', 1, 'b']) };
    expect(primaryOfPrefix(prefix, ['a_2', 'b_other'], views)).toEqual({ state: 'mixed', term: 1 });
  });

  test('is where all of them have moved, at the highest of their terms', () => {
    const views = { a: says(['a_1', 2, 'a']), b: says(['a_1', 3, 'b'], ['a_2', 1, 'b']) };
    expect(primaryOfPrefix(prefix, ['a_2'], views)).toEqual({ state: 'settled', term: 3, primary: 'b' });
  });

  test('is not touched by topics of other names', () => {
    const views = { a: nothing, b: says(['a_pay', 1, 'b']) };
    const found = primaryOfPrefix({ prefix: 'a_orders', home: 'a' }, ['a_orders_1'], views);
    expect(found).toEqual({ state: 'settled', term: 0, primary: 'a' });
  });

  test('is split when one of its topics is', () => {
    const views = { a: says(['a_1', 1, 'a']), b: says(['a_1', 1, 'b'], ['a_2', 4, 'b']) };
    expect(primaryOfPrefix(prefix, [], views)).toEqual({ state: 'split', term: 4 });
  });

  test('gets a higher term whenever it settles at another site', () => {
    // Every order in which two topics are moved to b and home again, one by one.
    let terms = { a_1: 0, a_2: 0 };
    const primaries = { a_1: 'a' as SiteId, a_2: 'a' as SiteId };
    let settled = { term: 0, primary: 'a' as SiteId };
    for (const topic of ['a_1', 'a_1', 'a_1', 'a_2', 'a_2', 'a_1', 'a_2', 'a_1', 'a_1', 'a_2'] as const) {
      terms = { ...terms, [topic]: terms[topic] + 1 };
      primaries[topic] = primaries[topic] === 'a' ? 'b' : 'a';
      const view = says(['a_1', terms.a_1, primaries.a_1], ['a_2', terms.a_2, primaries.a_2]);
      const found = primaryOfPrefix(prefix, [], { a: nothing, b: view });
      if (found.state !== 'settled') continue;
      if (found.primary !== settled.primary) expect(found.term).toBeGreaterThan(settled.term);
      settled = found;
    }
  });
});
