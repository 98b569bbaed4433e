import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Acl } from '../../../src/kafka/acl-words.ts';
import { decide, whoReaches } from '../../../src/sync/acls/effective-rights.ts';
import { covers, type NamePattern } from '../../../src/sync/acls/name-pattern.ts';
import { namesLeft, namesText } from '../../../src/sync/acls/names-left.ts';
import { anAcl, anyAcls, hosts, ofLink, prefix, principals, topicOperations, universe } from './arbitraries.ts';
import { naivelyAllowed } from './naive-authorizer.ts';

const authorizer = fc.record({
  acls: anyAcls({ types: ['TOPIC', 'TOPIC', 'TOPIC', 'GROUP'] }),
  superUsers: fc.subarray(['User:y', 'User:admin']),
  allowsWithoutAcl: fc.boolean(),
});

const names: NamePattern = { kind: 'prefix', prefix };

function acl(change: Partial<Acl>): Acl {
  return anAcl({ operation: 'WRITE', ...change });
}

describe('the right of one principal', () => {
  it('is what the rules say one by one, for any ACLs', () => {
    const questions = fc.record({
      principal: fc.constantFrom(...principals),
      host: fc.constantFrom(...hosts),
      operation: fc.constantFrom(...topicOperations),
      resourceType: fc.constantFrom('TOPIC' as const, 'GROUP' as const),
      name: fc.constantFrom(...universe),
    });
    fc.assert(
      fc.property(authorizer, fc.array(questions, { minLength: 20, maxLength: 20 }), (rules, asked) => {
        for (const question of asked) {
          expect(decide(question, rules).allowed).toBe(naivelyAllowed(question, rules));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('names the ACL that decided', () => {
    const [allow, deny] = [acl({}), acl({ permission: 'DENY', resourceName: 'a_x', patternType: 'LITERAL' })];
    const rules = { acls: [allow, deny], superUsers: [], allowsWithoutAcl: false };
    const question = { principal: 'User:x', host: '10.0.0.1', operation: 'WRITE', resourceType: 'TOPIC' } as const;
    expect(decide({ ...question, name: 'a_a' }, rules)).toEqual({ allowed: true, by: allow });
    expect(decide({ ...question, name: 'a_x' }, rules)).toEqual({ allowed: false, by: deny });
    expect(decide({ ...question, name: 'b' }, rules)).toEqual({ allowed: false, by: 'nothing allows it' });
  });
});

describe('who reaches the names with a prefix', () => {
  const exceptions = fc.subarray(['a_x', 'a_a', 'a__']);

  it('is exactly who may, for any ACLs: each entry has the right, and whoever has it has an entry', () => {
    fc.assert(
      fc.property(authorizer, exceptions, fc.constantFrom(...topicOperations), (rules, left, operation) => {
        const except = left.map((name): NamePattern => ({ kind: 'literal', name }));
        const reaches = whoReaches({ operation, resourceType: 'TOPIC', names, except }, rules);
        const asked = { operation, resourceType: 'TOPIC' } as const;
        const isIn = (name: string, { within, except: not }: (typeof reaches)[number]['names']): boolean =>
          covers(within, name) && !not.some((each) => covers(each, name));
        for (const reach of reaches) {
          const principal = reach.principal === 'User:*' ? 'User:stranger' : reach.principal;
          const host = reach.host === '*' ? 'elsewhere' : reach.host;
          expect(isIn(reach.names.example, reach.names)).toBe(true);
          for (const name of [...ofLink.filter((each) => isIn(each, reach.names)), reach.names.example]) {
            expect(left).not.toContain(name);
            expect(naivelyAllowed({ ...asked, principal, host, name }, rules)).toBe(true);
          }
        }
        for (const principal of principals.filter((each) => !rules.superUsers.includes(each))) {
          for (const host of hosts) {
            for (const name of ofLink.filter((each) => !left.includes(each))) {
              if (!naivelyAllowed({ ...asked, principal, host, name }, rules)) continue;
              const covering = reaches.filter(
                (reach) =>
                  [principal, 'User:*'].includes(reach.principal) &&
                  [host, '*'].includes(reach.host) &&
                  isIn(name, reach.names),
              );
              expect(covering).not.toEqual([]);
            }
          }
        }
      }),
      { numRuns: 1_500 },
    );
  });

  it('still has what a DENY leaves of an ALLOW, and says which names', () => {
    const acls = [
      acl({ resourceName: '*', patternType: 'LITERAL' }),
      acl({ permission: 'DENY', resourceName: 'a_orders', patternType: 'PREFIXED' }),
      acl({ permission: 'DENY', operation: 'ALL', resourceName: 'a_', patternType: 'LITERAL', principal: 'User:*' }),
      acl({ permission: 'DENY', host: '10.0.0.1' }),
      acl({ permission: 'DENY', principal: 'User:y' }),
    ];
    const reaches = whoReaches(
      { operation: 'WRITE', resourceType: 'TOPIC', names },
      { acls, superUsers: [], allowsWithoutAcl: false },
    );
    expect(reaches.map(({ principal, host, names: left }) => [principal, host, namesText(left), left.example])).toEqual(
      [['User:x', '*', '"a_"* except "a_", "a_orders"*', 'a_a']],
    );
  });
});

describe('what is left of names', () => {
  const letters = Array.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-');
  const all: NamePattern[] = letters.map((letter) => ({ kind: 'prefix', prefix: prefix + letter }));

  it('is nothing when every letter that can follow is taken, and the name itself', () => {
    expect(namesLeft(names, [...all, { kind: 'literal', name: prefix }])).toBeUndefined();
    expect(namesLeft(names, all)?.example).toBe('a_');
    const butOne = all.filter((each) => each.kind === 'prefix' && each.prefix !== 'a_q');
    expect(namesLeft(names, [...butOne, { kind: 'literal', name: prefix }])?.example).toBe('a_q');
  });

  it('is nothing below a prefix that is longer than any topic', () => {
    expect(namesLeft({ kind: 'prefix', prefix: 'a'.repeat(249) }, [])?.example).toBe('a'.repeat(249));
    expect(namesLeft({ kind: 'prefix', prefix: 'a'.repeat(250) }, [])).toBeUndefined();
  });

  it('names each exception once, the widest', () => {
    const taken: NamePattern[] = [
      { kind: 'literal', name: 'a_xy' },
      { kind: 'prefix', prefix: 'a_x' },
      { kind: 'prefix', prefix: 'a_x' },
      { kind: 'literal', name: 'b' },
    ];
    expect(namesLeft(names, taken)?.except).toEqual([{ kind: 'prefix', prefix: 'a_x' }]);
  });
});
