import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Acl, aclKey } from '../../../src/kafka/acl-words.ts';
import type { AclBook, OwnState } from '../../../src/sync/acls/acl-memory.ts';
import { planApplicationAcls } from '../../../src/sync/acls/application-acls.ts';

const pool: readonly Acl[] = ['a_', 'a_x', 'b_'].flatMap((resourceName) =>
  (['READ', 'WRITE', 'DESCRIBE'] as const).map((operation): Acl => ({
    ...{ resourceType: 'TOPIC', resourceName, patternType: 'PREFIXED', principal: 'User:x', host: '*' },
    ...{ operation, permission: 'ALLOW' },
  })),
);
const some = fc.subarray([...pool]);
const states = fc.array(fc.constantFrom<OwnState>('intended', 'created'), { minLength: 9, maxLength: 9 });

function keys(acls: Iterable<Acl>): readonly string[] {
  return [...acls].map(aclKey).sort();
}

test('a plan ends with what is wanted and what others made, and takes back nothing but its own', () => {
  fc.assert(
    fc.property(some, some, some, states, (now, wanted, ours, of) => {
      const owned = ours.map((acl, index) => [aclKey(acl), { acl, state: of[index] ?? 'created' }] as const);
      const book: AclBook = { owned: new Map(owned), withheld: new Map() };
      const plan = planApplicationAcls({ now, wanted, book });
      const removed = new Set(keys(plan.remove));
      const after = new Set([...keys(now).filter((key) => !removed.has(key)), ...keys(plan.create)]);
      for (const key of keys(wanted)) expect(after).toContain(key);
      for (const acl of plan.remove) expect(book.owned.has(aclKey(acl))).toBe(true);
      const strangers = now.filter((acl) => !book.owned.has(aclKey(acl)));
      for (const key of keys(strangers)) expect(after).toContain(key);
      const left = [...after].filter((key) => !keys(wanted).includes(key));
      expect(left.every((key) => keys(strangers).includes(key))).toBe(true);
      // Nothing is to be done a second time.
      const made = [...ours.filter((acl) => keys(wanted).includes(aclKey(acl))), ...plan.create];
      const settled = new Map(made.map((acl) => [aclKey(acl), { acl, state: 'created' as const }]));
      const there = pool.filter((acl) => after.has(aclKey(acl)));
      const again = planApplicationAcls({ now: there, wanted, book: { owned: settled, withheld: new Map() } });
      expect([...again.create, ...again.remove, ...again.adopt]).toEqual([]);
    }),
  );
});

test('what a fence has taken away is neither made nor removed, and is whose it was when it is given back', () => {
  fc.assert(
    fc.property(some, some, some, some, states, (now, wanted, ours, fenced, of) => {
      const owned = ours.map((acl, index) => [aclKey(acl), { acl, state: of[index] ?? 'created' }] as const);
      const book: AclBook = { owned: new Map(owned), withheld: new Map() };
      const withdrawn = new Set(keys(fenced));
      const left = now.filter((acl) => !withdrawn.has(aclKey(acl)));
      const { create, remove } = planApplicationAcls({ now: left, wanted, book, withdrawn });
      for (const key of keys([...create, ...remove])) expect(withdrawn).not.toContain(key);
      const free = (acls: readonly Acl[]): readonly Acl[] => acls.filter((acl) => !withdrawn.has(aclKey(acl)));
      const without = planApplicationAcls({ now, wanted, book });
      expect(keys(create)).toEqual(keys(free(without.create)));
      expect(keys(remove)).toEqual(keys(free(without.remove)));
    }),
  );
});
