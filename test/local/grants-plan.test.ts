import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bindingKey, planGrants } from '../../src/local/grants-plan.ts';
import { type AclBinding } from '../../src/prefix-policy/acls.ts';

const bindings = fc
  .uniqueArray(fc.integer({ min: 0, max: 12 }))
  .map((numbers) => numbers.map((number): AclBinding => topicAcl(`t${number}`)));

function topicAcl(resourceName: string): AclBinding {
  return {
    ...{ resourceType: 'TOPIC', resourceName, patternType: 'LITERAL', principal: 'User:app', host: '*' },
    ...{ operation: 'READ', permission: 'ALLOW' },
  };
}

const keys = (list: readonly AclBinding[]): string[] => list.map(bindingKey).sort();

test('afterwards every wanted ACL is there, and of the others those that are not ours', () => {
  fc.assert(
    fc.property(bindings, bindings, bindings, (wanted, appliedByUs, existing) => {
      const { create, remove } = planGrants({ wanted, appliedByUs, existing });
      const removed = new Set(keys(remove));
      const after = new Set([...keys(existing).filter((key) => !removed.has(key)), ...keys(create)]);
      const ours = new Set(keys(appliedByUs));
      const foreign = keys(existing).filter((key) => !ours.has(key));
      expect([...after].sort()).toEqual([...new Set([...keys(wanted), ...foreign])].sort());
    }),
  );
});

test('nothing is created that is there and nothing removed that is not', () => {
  fc.assert(
    fc.property(bindings, bindings, bindings, (wanted, appliedByUs, existing) => {
      const { create, remove } = planGrants({ wanted, appliedByUs, existing });
      const there = new Set(keys(existing));
      expect(keys(create).filter((key) => there.has(key))).toEqual([]);
      expect(keys(remove).filter((key) => !there.has(key))).toEqual([]);
    }),
  );
});

test('two ACLs that differ in one field are two', () => {
  const one = topicAcl('t');
  const others: AclBinding[] = [
    { ...one, patternType: 'PREFIXED' },
    { ...one, operation: 'WRITE' },
    { ...one, permission: 'DENY' },
    { ...one, principal: 'User:umbra' },
  ];
  expect(new Set([one, ...others].map(bindingKey)).size).toBe(5);
});
