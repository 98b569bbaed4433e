import { expect, test } from 'vitest';
import { roleRecordSchema, type RoleView } from '../../../src/pair/ownership.ts';
import { compilePolicy, declaredPolicySchema } from '../../../src/prefix-policy/declared-policy.ts';
import { type Declared, declaredHash } from '../../../src/worker/drill/declared-now.ts';

const declared = declaredPolicySchema.parse({ owners: { a: 'a_', b: 'b_' } });
const said: Declared = {
  links: [
    { from: 'a', to: 'b' },
    { from: 'b', to: 'a' },
  ],
  policy: { ...compilePolicy(declared), declared },
  schemaPrimary: { site: 'a' },
  roles: [rolesOf(), rolesOf()],
};
const before = declaredHash(said);

function rolesOf(...given: readonly unknown[]): RoleView {
  const records = given.map((record) => roleRecordSchema.parse(record));
  return { kind: 'read', records: new Map(records.map((record) => [record.topic, record])) };
}

const away = { topic: 'a_orders', home: 'a', primary: 'b', term: 1 } as const;

test.each<[string, Partial<Declared>]>([
  ['a link', { links: [{ from: 'a', to: 'b' }] }],
  ['the prefixes', { policy: undefined }],
  ['the primary of schemas', { schemaPrimary: { site: 'b' } }],
  ['a real topic that is away, whichever site tells of it', { roles: [rolesOf(), rolesOf(away)] }],
])('another one is a change: %s', (_what, changed) => {
  expect(declaredHash({ ...said, ...changed })).not.toBe(before);
});

test.each<[string, Partial<Declared>]>([
  ['the order of links', { links: said.links.toReversed() }],
  ['a topic that is home again', { roles: [rolesOf({ ...away, primary: 'a', term: 2 }), rolesOf()] }],
  ['a canary that is away', { roles: [rolesOf({ ...away, topic: 'a_umbra-canary-000007' }), rolesOf()] }],
])('no change: %s', (_what, changed) => {
  expect(declaredHash({ ...said, ...changed })).toBe(before);
});

test('nothing is said of it while the roles of a site are not known', () => {
  expect(declaredHash({ ...said, roles: [rolesOf(), { kind: 'unread' }] })).toBeUndefined();
});
