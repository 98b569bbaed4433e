import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AclBinding, bindingKey } from '../../src/prefix-policy/acl-binding.ts';
import { diffAcls } from '../../src/prefix-policy/diff-acls.ts';

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
    fc.property(bindings, bindings, bindings, (wanted, owned, now) => {
      const { add, remove } = diffAcls({ now, wanted, owned });
      const removed = new Set(keys(remove));
      const after = new Set([...keys(now).filter((key) => !removed.has(key)), ...keys(add)]);
      const ours = new Set(keys(owned));
      const foreign = keys(now).filter((key) => !ours.has(key));
      expect([...after].sort()).toEqual([...new Set([...keys(wanted), ...foreign])].sort());
    }),
  );
});

test('nothing is created that is there and nothing removed that is not', () => {
  fc.assert(
    fc.property(bindings, bindings, bindings, (wanted, owned, now) => {
      const { add, remove } = diffAcls({ now, wanted, owned });
      const there = new Set(keys(now));
      expect(keys(add).filter((key) => there.has(key))).toEqual([]);
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
