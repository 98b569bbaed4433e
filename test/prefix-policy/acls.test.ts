import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { otherSite } from '../../src/pair/site.ts';
import { type AclBinding, type AclOperation, renderSiteAcls, renderSiteGrants } from '../../src/prefix-policy/acls.ts';
import { isInternal, ownerOf } from '../../src/prefix-policy/prefix-policy.ts';
import { anyName, anySite, provenOwners } from './arbitraries.ts';

const principals = { umbra: 'User:umbra', app: 'User:app' };
const atB = renderSiteAcls({ site: 'b', owners: { a: 'a_', b: 'b_' }, principals });

interface Question {
  readonly principal: string;
  readonly operation: AclOperation;
  readonly resourceType?: AclBinding['resourceType'];
  readonly name: string;
}

/** Kafka's authorizer for ALLOW bindings, less what an operation implies: DESCRIBE is looked for by its own name. */
function allows(bindings: readonly AclBinding[], question: Question): boolean {
  const { principal, operation, resourceType = 'TOPIC', name } = question;
  return bindings.some((binding) => {
    if (binding.principal !== principal || binding.operation !== operation) return false;
    if (binding.resourceType !== resourceType) return false;
    if (binding.patternType === 'PREFIXED') return name.startsWith(binding.resourceName);
    return binding.resourceName === '*' || binding.resourceName === name;
  });
}

function operationsAt(resource: string, principal: string): readonly string[] {
  return atB
    .filter((binding) => `${binding.resourceType} ${binding.resourceName}` === resource)
    .filter((binding) => binding.principal === principal)
    .map((binding) => binding.operation)
    .sort();
}

describe('the rights of the application', () => {
  it('are everything it needs on its own names', () => {
    expect(operationsAt('TOPIC b_', 'User:app')).toEqual(['CREATE', 'DESCRIBE', 'READ', 'WRITE']);
    expect(operationsAt('TRANSACTIONAL_ID b_', 'User:app')).toEqual(['DESCRIBE', 'WRITE']);
    expect(operationsAt('GROUP b_', 'User:app')).toEqual(['DESCRIBE', 'READ']);
  });

  it("are reading, on the other site's", () => {
    expect(operationsAt('TOPIC a_', 'User:app')).toEqual(['DESCRIBE', 'READ']);
    expect(operationsAt('GROUP a_', 'User:app')).toEqual(['DESCRIBE', 'READ']);
    expect(operationsAt('TRANSACTIONAL_ID a_', 'User:app')).toEqual([]);
  });

  it('are nothing on the cluster and on internal topics', () => {
    const resources = atB.filter((binding) => binding.principal === 'User:app').map((binding) => binding.resourceName);
    expect(new Set(resources)).toEqual(new Set(['a_', 'b_']));
  });
});

describe('the rights of umbra', () => {
  it('are reading, where its link leaves', () => {
    expect(operationsAt('TOPIC b_', 'User:umbra')).toEqual(['DESCRIBE', 'DESCRIBE_CONFIGS', 'READ']);
    expect(operationsAt('GROUP b_', 'User:umbra')).toEqual(['DESCRIBE']);
  });

  it('are all a copy needs, where its link ends', () => {
    const all = ['ALTER', 'ALTER_CONFIGS', 'CREATE', 'DELETE', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'READ', 'WRITE'];
    expect(operationsAt('TOPIC a_', 'User:umbra')).toEqual(all);
    expect(operationsAt('TOPIC _umbra', 'User:umbra')).toEqual(all);
    expect(operationsAt('TOPIC _schemas', 'User:umbra')).toEqual(all);
    expect(operationsAt('GROUP a_', 'User:umbra')).toEqual(['DELETE', 'DESCRIBE', 'READ']);
    expect(operationsAt('CLUSTER kafka-cluster', 'User:umbra')).toEqual(['ALTER', 'DESCRIBE', 'DESCRIBE_CONFIGS']);
  });

  it('let its workers share the work, fence each other and see every name', () => {
    expect(operationsAt('GROUP umbra-', 'User:umbra')).toEqual(['READ']);
    expect(operationsAt('TRANSACTIONAL_ID umbra-', 'User:umbra')).toEqual(['DESCRIBE', 'WRITE']);
    expect(operationsAt('TOPIC *', 'User:umbra')).toEqual(['DESCRIBE']);
  });
});

describe('the list of rights', () => {
  const input = fc.record({ site: anySite, owners: provenOwners });

  it('has no binding twice and comes in the same order each time', () => {
    fc.assert(
      fc.property(input, (given) => {
        const bindings = renderSiteAcls({ ...given, principals });
        expect(new Set(bindings.map((binding) => JSON.stringify(binding))).size).toBe(bindings.length);
        expect(renderSiteAcls({ ...given, principals })).toEqual(bindings);
      }),
    );
  });

  it('allows only: a DENY would beat the right of the link', () => {
    expect(new Set(atB.map((binding) => binding.permission))).toEqual(new Set(['ALLOW']));
  });

  it('says of each grant in one line why it is there, and holds exactly what the grants hold', () => {
    const grants = renderSiteGrants({ site: 'b', owners: { a: 'a_', b: 'b_' }, principals });
    for (const { why } of grants) expect(why).toMatch(/^[^\n]+$/);
    const granted = grants.flatMap((grant) =>
      grant.operations.map((operation) => JSON.stringify([grant.principal, grant.resource, operation])),
    );
    const bound = atB.map(({ principal, resourceType, resourceName, patternType, operation }) =>
      JSON.stringify([principal, { resourceType, resourceName, patternType }, operation]),
    );
    expect(new Set(bound)).toEqual(new Set(granted));
  });
});

describe('for any owners and site', () => {
  const cases = provenOwners.chain((owners) => fc.tuple(fc.constant(owners), anySite, anyName(owners)));

  it('the application may change a topic of its own site and no other', () => {
    fc.assert(
      fc.property(cases, ([owners, site, name]) => {
        const bindings = renderSiteAcls({ site, owners, principals });
        const own = ownerOf(name, owners) === site;
        for (const operation of ['WRITE', 'CREATE'] as const) {
          expect(allows(bindings, { principal: 'User:app', operation, name })).toBe(own);
        }
        for (const operation of ['DELETE', 'ALTER', 'ALTER_CONFIGS'] as const) {
          expect(allows(bindings, { principal: 'User:app', operation, name })).toBe(false);
        }
      }),
    );
  });

  it('umbra may write the names of the other site and its internal topics, never those of its own site', () => {
    fc.assert(
      fc.property(cases, ([owners, site, name]) => {
        const bindings = renderSiteAcls({ site, owners, principals });
        const expected = ownerOf(name, owners) === otherSite(site) || name === '_umbra' || name === '_schemas';
        for (const operation of ['WRITE', 'CREATE', 'ALTER', 'ALTER_CONFIGS', 'DELETE'] as const) {
          expect(allows(bindings, { principal: 'User:umbra', operation, name })).toBe(expected);
        }
      }),
    );
  });

  it('no topic has two writers', () => {
    fc.assert(
      fc.property(cases, ([owners, site, name]) => {
        const bindings = renderSiteAcls({ site, owners, principals });
        const writers = Object.values(principals).filter((principal) =>
          allows(bindings, { principal, operation: 'WRITE', name }),
        );
        expect(writers.length).toBeLessThanOrEqual(1);
        if (isInternal(name)) expect(writers).not.toContain('User:app');
      }),
    );
  });

  it("the application never joins umbra's groups nor takes its transactional ids", () => {
    fc.assert(
      fc.property(cases, fc.string({ maxLength: 4 }), ([owners, site], tail) => {
        const bindings = renderSiteAcls({ site, owners, principals });
        const name = `umbra-${tail}`;
        for (const resourceType of ['GROUP', 'TRANSACTIONAL_ID'] as const) {
          for (const operation of ['READ', 'WRITE'] as const) {
            expect(allows(bindings, { principal: 'User:app', operation, resourceType, name })).toBe(false);
          }
        }
      }),
    );
  });
});
