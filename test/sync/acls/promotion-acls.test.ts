import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Acl, aclKey } from '../../../src/kafka/acl-words.ts';
import { changingOperations } from '../../../src/sync/acls/plan-fence.ts';
import { notGiven, promotionAcls } from '../../../src/sync/acls/promotion-acls.ts';
import { anAcl, anyAcl, anyAcls, hosts, ofLink, principals, universe } from './arbitraries.ts';
import { naivelyAllowed } from './naive-authorizer.ts';

const runs = { numRuns: 150 };

/** What a standby withholds: ALLOWs on topics, each of one operation that changes something. */
const withheldAcls = fc.uniqueArray(
  anyAcl({ operations: [...changingOperations] }).map((acl): Acl => ({ ...acl, permission: 'ALLOW' })),
  { maxLength: 6, selector: aclKey },
);
const someTopics = fc.subarray([...ofLink], { minLength: 1, maxLength: 4 });

/** Who may change what, one question at a time, as lines. */
function changes(acls: readonly Acl[], names: readonly string[]): ReadonlySet<string> {
  const held = new Set<string>();
  for (const name of names) {
    for (const principal of principals) {
      for (const host of hosts) {
        for (const operation of changingOperations) {
          const asked = { principal, host, operation, resourceType: 'TOPIC', name } as const;
          if (naivelyAllowed(asked, { acls, superUsers: [], allowsWithoutAcl: false }))
            held.add([principal, host, operation, name].join(' '));
        }
      }
    }
  }
  return held;
}

describe('what a promotion grants', () => {
  it('lets in on the promoted topics exactly who was withheld, and nobody on any other name', () => {
    fc.assert(
      fc.property(withheldAcls, someTopics, (withheld, topics) => {
        const granted = promotionAcls(withheld, topics);
        const others = universe.filter((name) => !topics.includes(name));
        expect(changes(granted, topics)).toEqual(changes(withheld, topics));
        expect(changes(granted, others)).toEqual(new Set());
      }),
      runs,
    );
  });

  it('is one ALLOW for what several wider ones allow to the same principal', () => {
    const write = anAcl({ operation: 'WRITE' });
    const [narrow, wide] = [
      { ...write, resourceName: 'a_x' },
      { ...write, resourceName: '*' as const },
    ];
    const granted = promotionAcls([write, narrow, { ...wide, patternType: 'LITERAL' }], ['a_x', 'a_x']);
    expect(granted).toEqual([{ ...write, resourceName: 'a_x', patternType: 'LITERAL' }]);
  });

  it('of a whole link is what was withheld, as it was', () => {
    const withheld = [anAcl({ operation: 'WRITE' }), anAcl({ operation: 'ALTER', principal: 'User:y' })];
    expect(promotionAcls(withheld, 'all')).toEqual(withheld);
  });
});

describe('of what a promotion wants', () => {
  it('only what is missing is granted, and afterwards everybody may what was wanted', () => {
    fc.assert(
      fc.property(anyAcls(), withheldAcls, someTopics, (now, withheld, topics) => {
        const wanted = promotionAcls(withheld, topics);
        const missing = notGiven(now, { wanted, made: [] });
        expect(changes([...now, ...missing], universe)).toEqual(changes([...now, ...wanted], universe));
        for (const acl of missing) expect(now.map(aclKey)).not.toContain(aclKey(acl));
      }),
      runs,
    );
  });

  it('what was made for the same promotion before counts as wanted still: asked again after a crash it stays', () => {
    fc.assert(
      fc.property(anyAcls(), withheldAcls, someTopics, (now, withheld, topics) => {
        const wanted = promotionAcls(withheld, topics);
        const made = notGiven(now, { wanted, made: [] });
        expect(notGiven([...now, ...made], { wanted, made })).toEqual(made);
      }),
      runs,
    );
  });

  it('a right from one host does not stand for that from another, nor one operation for another', () => {
    const wanted = promotionAcls([anAcl({ operation: 'WRITE', host: '10.0.0.1' })], ['a_x']);
    const given = (change: Partial<Acl>): readonly Acl[] =>
      notGiven([anAcl({ operation: 'WRITE', ...change })], { wanted, made: [] });
    expect(given({})).toEqual([]);
    expect(given({ operation: 'ALL' })).toEqual([]);
    expect(given({ host: '10.0.0.2' })).toEqual(wanted);
    expect(given({ operation: 'ALTER' })).toEqual(wanted);
    expect(given({ principal: 'User:y' })).toEqual(wanted);
    expect(given({ resourceName: 'a_xx' })).toEqual(wanted);
    expect(given({ permission: 'DENY' })).toEqual(wanted);
  });
});
