import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Acl, aclKey, type KnownOperation } from '../../../src/kafka/acl-words.ts';
import { decide } from '../../../src/sync/acls/effective-rights.ts';
import { narrowAcls, type Narrowed, TooManyAclsError, wantedMax } from '../../../src/sync/acls/narrow-acls.ts';
import { promotionAcls } from '../../../src/sync/acls/promotion-acls.ts';
import { partsInScope, syncScope } from '../../../src/sync/acls/sync-scope.ts';
import {
  anAcl,
  anyAcls,
  hosts,
  ofLink,
  principals,
  readOperations,
  scope,
  topicOperations,
  umbra,
  universe,
} from './arbitraries.ts';

const writeOperations = topicOperations.filter(
  (operation) => !(readOperations as readonly string[]).includes(operation),
);
const all = ['TOPIC', 'GROUP', 'TRANSACTIONAL_ID', 'CLUSTER', 'USER', 'DELEGATION_TOKEN'] as const;

function narrow(source: readonly Acl[], others: readonly Acl[] = []): Narrowed {
  return narrowAcls({ source, others, scope, own: [umbra] });
}

/** Everybody's rights over all names, hosts and principals, as lines. */
function rights(
  acls: readonly Acl[],
  operations: readonly KnownOperation[],
  { names = ofLink, of = principals }: { names?: readonly string[]; of?: readonly string[] } = {},
): ReadonlySet<string> {
  const rules = { acls, superUsers: [], allowsWithoutAcl: false };
  const held = new Set<string>();
  for (const principal of of) {
    for (const host of hosts) {
      for (const operation of operations) {
        for (const name of names) {
          const { allowed } = decide({ principal, host, operation, resourceType: 'TOPIC', name }, rules);
          if (allowed) held.add([principal, host, operation, name].join(' '));
        }
      }
    }
  }
  return held;
}

const runs = { numRuns: 300 };

describe('what the standby is to have', () => {
  it('says nothing about names of its own, denies everybody nothing, and lets nobody change a copy', () => {
    fc.assert(
      fc.property(anyAcls({ types: all }, 12), anyAcls(), (source, others) => {
        const { wanted, withheld } = narrow(source, others);
        for (const acl of [...wanted, ...withheld]) {
          const [part] = partsInScope(acl, scope);
          expect(part).toEqual(
            acl.patternType === 'LITERAL'
              ? { kind: 'literal', name: acl.resourceName }
              : { kind: 'prefix', prefix: acl.resourceName },
          );
          expect(acl.principal).not.toBe(umbra);
        }
        for (const acl of wanted) {
          if (acl.permission === 'DENY') expect(acl.principal).not.toBe('User:*');
          else if (acl.resourceType === 'TOPIC') expect(readOperations).toContain(acl.operation);
        }
        const keys = wanted.map(aclKey);
        expect(new Set(keys).size).toBe(keys.length);
        expect(rights(wanted, topicOperations, { names: universe.filter((name) => !ofLink.includes(name)) })).toEqual(
          new Set(),
        );
        expect(rights(wanted, writeOperations)).toEqual(new Set());
      }),
      runs,
    );
  });

  it('gives everybody the rights to read that he has at the source, when none is denied to User:*', () => {
    fc.assert(
      fc.property(anyAcls({}, 12), (acls) => {
        const source = acls.filter(({ permission, principal }) => permission === 'ALLOW' || principal !== 'User:*');
        expect(rights(narrow(source).wanted, readOperations)).toEqual(rights(source, readOperations));
      }),
      runs,
    );
  });

  it('gives named principals their own rights even when some are denied to User:*', () => {
    fc.assert(
      fc.property(anyAcls({ principals: ['User:x', 'User:y', 'User:*'] }, 12), (acls) => {
        const source = acls.filter(({ permission, principal }) => permission === 'DENY' || principal !== 'User:*');
        expect(rights(narrow(source).wanted, readOperations)).toEqual(rights(source, readOperations));
      }),
      runs,
    );
  });

  it('never gives anybody a right that he does not have at the source, before and after a promotion', () => {
    fc.assert(
      fc.property(anyAcls({}, 12), fc.subarray([...ofLink]), (source, topics) => {
        const { wanted, withheld } = narrow(source);
        const atSource = rights(source, topicOperations);
        for (const grants of [[], promotionAcls(withheld, topics), promotionAcls(withheld, 'all')]) {
          expect([...rights([...wanted, ...grants], topicOperations)].filter((right) => !atSource.has(right))).toEqual(
            [],
          );
        }
      }),
      runs,
    );
  });

  it('takes by name what the source denies to everybody, from principals that only the standby allows something', () => {
    fc.assert(
      fc.property(
        anyAcls({ principals: ['User:*'] }, 6),
        anyAcls({ principals: ['User:x', 'User:y'] }, 6),
        (acls, theirs) => {
          const source = acls.filter(({ permission }) => permission === 'DENY');
          const others = theirs.filter(({ permission }) => permission === 'ALLOW');
          expect(rights([...others, ...narrow(source, others).wanted], topicOperations)).toEqual(
            rights([...others, ...source], topicOperations),
          );
        },
      ),
      runs,
    );
  });

  it('leaves out by name what is not a matter of names, is umbra’s, or is of a newer Kafka', () => {
    const source = [
      anAcl({ resourceType: 'CLUSTER', resourceName: 'kafka-cluster', operation: 'ALTER' }),
      anAcl({ resourceType: 'USER', resourceName: 'User:y', operation: 'CREATE_TOKENS' }),
      anAcl({ resourceName: '*', patternType: 'LITERAL', principal: umbra }),
      anAcl({ operation: 'OPERATION_17' }),
      anAcl({ resourceType: 'RESOURCE_TYPE_9' }),
    ];
    const narrowed = narrow(source);
    expect(narrowed.wanted).toEqual([]);
    expect(narrowed.notSynced.map(({ acl }) => acl)).toEqual(source);
  });

  it('is refused as a whole when there is too much of it', () => {
    const holders = Array.from({ length: 300 }, (_, index) => anAcl({ principal: `User:${index}` }));
    const denials = Array.from({ length: Math.ceil(wantedMax / 300) }, (_, index) =>
      anAcl({ principal: 'User:*', permission: 'DENY', resourceName: `a_${index}` }),
    );
    expect(() => narrow([...holders, ...denials])).toThrow(TooManyAclsError);
  });
});

describe('a promotion', () => {
  const named = anyAcls({ principals: ['User:x', 'User:y'] }, 12);

  it('of everything gives everybody his rights of the source', () => {
    fc.assert(
      fc.property(named, (source) => {
        const { wanted, withheld } = narrow(source);
        const after = [...wanted, ...promotionAcls(withheld, 'all')];
        expect(rights(after, topicOperations)).toEqual(rights(source, topicOperations));
      }),
      runs,
    );
  });

  it('of single topics gives everybody his rights of the source on them, and on no other', () => {
    fc.assert(
      fc.property(named, fc.subarray([...ofLink]), (source, topics) => {
        const { wanted, withheld } = narrow(source);
        const after = [...wanted, ...promotionAcls(withheld, topics)];
        expect(rights(after, topicOperations, { names: topics })).toEqual(
          rights(source, topicOperations, { names: topics }),
        );
        const others = ofLink.filter((name) => !topics.includes(name));
        expect(rights(after, topicOperations, { names: others })).toEqual(
          rights(wanted, topicOperations, { names: others }),
        );
      }),
      runs,
    );
  });
});

describe('the schemas of the schema primary', () => {
  const withSchemas = syncScope({
    prefixes: { TOPIC: 'a_', GROUP: 'a_', TRANSACTIONAL_ID: 'a_' },
    topics: ['_schemas'],
  });
  const everything = anAcl({
    ...{ resourceName: '*', patternType: 'LITERAL', principal: 'User:registry', operation: 'ALL' },
  });

  it('are read at the standby by who may at the source, and written by nobody', () => {
    const { wanted, withheld } = narrowAcls({ source: [everything], others: [], scope: withSchemas, own: [umbra] });
    const on = ({ resourceName, operation }: Acl): string => `${resourceName} ${operation}`;
    expect(wanted.map(on)).toEqual([
      ...['a_ READ', 'a_ DESCRIBE', 'a_ DESCRIBE_CONFIGS'],
      ...['_schemas READ', '_schemas DESCRIBE', '_schemas DESCRIBE_CONFIGS'],
    ]);
    expect(withheld.map(on)).toEqual(['a_ ALL', '_schemas ALL']);
  });
});
