import fc from 'fast-check';
import { expect, test } from 'vitest';
import { otherSite, type SiteId } from '../../src/pair/site.ts';
import { type AclBinding, type AclOperation, renderApplicationAcls } from '../../src/prefix-policy/acls.ts';
import type { PrefixPolicy } from '../../src/prefix-policy/declared-policy.ts';
import { type MovedNames, type MovedTopics, nothingMoved } from '../../src/prefix-policy/moved-names.ts';
import { anySite } from './arbitraries.ts';
import { anyPolicy } from './policy-arbitraries.ts';

const tails = ['x1', 'x2', 'orders-eu', 'y'];
const someTails = fc.oneof(fc.constant('all' as const), fc.subarray(tails));

function movedOf(policy: PrefixPolicy, site: SiteId, some: 'all' | readonly string[]): MovedTopics {
  if (some === 'all') return { kind: 'all' };
  return { kind: 'topics', topics: new Set(some.map((tail) => policy.owners[site] + tail)) };
}

const cases = fc.tuple(anyPolicy, anySite, someTails, someTails).map(([policy, site, a, b]) => {
  const moved: MovedNames = { a: movedOf(policy, 'a', a), b: movedOf(policy, 'b', b) };
  return { policy, site, moved };
});

function acls(policy: PrefixPolicy, site: SiteId, moved?: MovedNames): readonly AclBinding[] {
  const { owners, groups, transactionalIds, applications } = policy;
  const input = { site, owners, groups, transactionalIds, applications: applications[site] };
  return renderApplicationAcls(moved === undefined ? input : { ...input, moved });
}

function may(bindings: readonly AclBinding[], operation: AclOperation, name: string, principal: string): boolean {
  return bindings.some(
    (each) =>
      each.resourceType === 'TOPIC' &&
      each.principal === principal &&
      each.operation === operation &&
      (each.patternType === 'PREFIXED' ? name.startsWith(each.resourceName) : name === each.resourceName),
  );
}

function hasMoved(moved: MovedTopics, name: string): boolean {
  return moved.kind === 'all' || moved.topics.has(name);
}

test('who reads copies writes exactly those of them that were promoted here', () => {
  fc.assert(
    fc.property(cases, ({ policy, site, moved }) => {
      const after = acls(policy, site, moved);
      const foreign = otherSite(site);
      for (const { principal } of policy.applications[site]) {
        for (const name of tails.map((tail) => policy.owners[foreign] + tail)) {
          const reads = may(after, 'READ', name, principal);
          expect(may(after, 'WRITE', name, principal)).toBe(reads && hasMoved(moved[foreign], name));
        }
      }
    }),
  );
});

test('where all of a site’s topics have left, its applications only read them there', () => {
  fc.assert(
    fc.property(cases, ({ policy, site, moved }) => {
      const before = acls(policy, site);
      const after = acls(policy, site, moved);
      for (const { principal } of policy.applications[site]) {
        for (const name of tails.map((tail) => policy.owners[site] + tail)) {
          expect(may(after, 'READ', name, principal)).toBe(may(before, 'READ', name, principal));
          const writes = may(before, 'WRITE', name, principal) && moved[site].kind !== 'all';
          expect(may(after, 'WRITE', name, principal)).toBe(writes);
        }
      }
    }),
  );
});

test('nobody loses a group, a transactional id or a right to read, and while nothing has moved nothing is different', () => {
  fc.assert(
    fc.property(cases, ({ policy, site, moved }) => {
      const [before, after] = [acls(policy, site), acls(policy, site, moved)];
      expect(acls(policy, site, nothingMoved)).toEqual(before);
      const keys = new Set(after.map((each) => JSON.stringify(each)));
      const lost = before.filter((each) => !keys.has(JSON.stringify(each)));
      expect(lost.filter(({ resourceType }) => resourceType !== 'TOPIC')).toEqual([]);
      expect(lost.filter(({ operation }) => operation !== 'WRITE' && operation !== 'CREATE')).toEqual([]);
    }),
  );
});
