import { expect, test } from 'vitest';
import { type RoleRecord, type RoleView, termSchema } from '../../src/pair/ownership.ts';
import { schemaPrimaryNow, schemasHome } from '../../src/pair/schemas-home.ts';
import type { SiteId } from '../../src/pair/site.ts';
import { schemasTopic } from '../../src/schema-primary/schema-primary.ts';

const unread: RoleView = { kind: 'unread' };

function says(...roles: readonly (readonly [term: number, primary: SiteId])[]): RoleView {
  const records = roles.map(([term, primary]): [string, RoleRecord] => [
    schemasTopic,
    { topic: schemasTopic, home: 'a', term: termSchema.parse(term), primary },
  ]);
  return { kind: 'read', records: new Map(records) };
}

test('schemas are registered where it was declared, until their role moves', () => {
  const views = { a: says(), b: says() };
  expect(schemasHome({ site: 'b' }, views)).toBe('b');
  expect(schemaPrimaryNow({ site: 'b' }, views)).toBe('b');
  expect(schemaPrimaryNow(undefined, views)).toBeUndefined();
  expect(schemaPrimaryNow({ site: 'a' }, { a: says(), b: says([1, 'b']) })).toBe('b');
});

test('the higher term is right, whichever site knows it', () => {
  expect(schemaPrimaryNow({ site: 'a' }, { a: says([2, 'a']), b: says([1, 'b']) })).toBe('a');
  expect(schemaPrimaryNow({ site: 'a' }, { a: says([2, 'a']), b: says([3, 'b']) })).toBe('b');
  expect(schemaPrimaryNow({ site: 'a' }, { a: unread, b: says([3, 'b']) })).toBe('b');
});

test('no declaration moves the role, or the home of a role that has moved', () => {
  const views = { a: says([1, 'b']), b: says([1, 'b']) };
  for (const declared of [{ site: 'a' }, { site: 'b' }, undefined] as const) {
    expect(schemasHome(declared, views)).toBe('a');
    expect(schemaPrimaryNow(declared, views)).toBe('b');
  }
});
