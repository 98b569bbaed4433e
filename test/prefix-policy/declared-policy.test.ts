import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { otherSite, sites } from '../../src/pair/site.ts';
import { type AclBinding, renderSiteAcls } from '../../src/prefix-policy/acls.ts';
import { type PrefixPolicy, prefixPolicySchema, siteAclInput } from '../../src/prefix-policy/declared-policy.ts';
import { whoReaches } from '../../src/sync/acls/effective-rights.ts';
import { anyPolicy } from './policy-arbitraries.ts';

const owners = { a: 'a_', b: 'b_' };

function issuesOf(input: unknown): readonly string[] {
  const parsed = prefixPolicySchema.safeParse(input);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('a declared prefix policy', () => {
  it('may be the two prefixes alone, as it was before', () => {
    const whole: PrefixPolicy = {
      ...{ owners, groups: owners, transactionalIds: owners, unowned: 'report' },
      applications: { a: [], b: [] },
    };
    expect(prefixPolicySchema.parse(owners)).toEqual(whole);
    expect(prefixPolicySchema.parse({ owners })).toEqual(whole);
  });

  it('fills in whole prefixes and any host', () => {
    const policy = prefixPolicySchema.parse({
      owners,
      groups: { a: 'ga-', b: 'gb-' },
      unowned: 'refuse',
      applications: {
        a: [
          { principal: 'User:orders' },
          { principal: 'User:audit', host: '10.0.0.7', writes: false, reads: 'b_log_' },
        ],
      },
    });
    expect(policy).toEqual({
      owners,
      groups: { a: 'ga-', b: 'gb-' },
      transactionalIds: owners,
      unowned: 'refuse',
      applications: {
        a: [
          { principal: 'User:orders', host: '*', writes: 'a_', reads: 'b_' },
          { principal: 'User:audit', host: '10.0.0.7', writes: undefined, reads: 'b_log_' },
        ],
        b: [],
      },
    });
  });

  it.each([
    [{ a: 'a_' }, 'owners.b', 'must be the prefix of the topics of site b'],
    [{ a: 'a_', b: 'a_x' }, 'owners.b', 'begins with the prefix'],
    [{ owners, groups: { a: 'g', b: 'g_b' } }, 'groups.b', 'begins with the prefix'],
    [{ owners, transactionalIds: { a: 'umbra-', b: 't' } }, 'transactionalIds.a', 'overlaps "umbra-"'],
    [{ owners, unowned: 'ignore' }, 'unowned', 'must be "report" or "refuse"'],
    [{ owners, applications: { a: [{ principal: 'orders' }] } }, 'applications.a.0.principal', 'begin with its type'],
    [{ owners, applications: { b: [{ principal: 'User:*' }] } }, 'applications.b.0.principal', 'is no fence'],
    [
      { owners, applications: { a: [{ principal: 'User:x', host: 'h' }] } },
      'applications.a.0.host',
      'as brokers write',
    ],
    [{ owners, applications: { a: [{ principal: 'User:x', host: '::1' }] } }, 'applications.a.0.host', 'as brokers'],
    [{ owners, applications: { a: [{ principal: 'User:x', writes: 'b_x' }] } }, 'applications.a.0.writes', '"a_"'],
    [{ owners, applications: { a: [{ principal: 'User:x', reads: 'a_x' }] } }, 'applications.a.0.reads', '"b_"'],
    [
      { owners, applications: { a: [{ principal: 'User:x', reads: false, writes: false }] } },
      'applications.a.0.reads',
      'no right at all',
    ],
    [{ owners, application: [] }, '', 'application'],
  ])('names the field that is wrong: %j', (input, path, message) => {
    const issues = issuesOf(input);
    expect(issues).toHaveLength(1);
    expect(issues[0]).toContain(`${path}: `);
    expect(issues[0]).toContain(message);
  });

  it('does not take umbra for an application', () => {
    const policy = prefixPolicySchema.parse({ owners, applications: { a: [{ principal: 'User:umbra' }] } });
    expect(() => siteAclInput(policy, 'a', 'User:umbra')).toThrow(/must not be one of its applications/);
    expect(() => siteAclInput(policy, 'b', 'User:umbra')).not.toThrow();
  });
});

describe('the ACLs of any policy', () => {
  const cases = fc.tuple(anyPolicy, fc.constantFrom(...sites));

  it('let no application write a name of the other site, from anywhere', () => {
    fc.assert(
      fc.property(cases, ([policy, site]) => {
        const acls = renderSiteAcls(siteAclInput(policy, site, 'User:umbra'));
        const names = { kind: 'prefix' as const, prefix: policy.owners[otherSite(site)] };
        for (const operation of ['WRITE', 'CREATE', 'DELETE', 'ALTER', 'ALTER_CONFIGS'] as const) {
          const reaches = whoReaches(
            { operation, resourceType: 'TOPIC', names },
            { acls, superUsers: [], allowsWithoutAcl: false },
          );
          expect(new Set(reaches.map(({ principal }) => principal))).toEqual(new Set(['User:umbra']));
        }
      }),
    );
  });

  it('give each application its scope and nothing else', () => {
    fc.assert(
      fc.property(cases, ([policy, site]) => {
        const acls = renderSiteAcls(siteAclInput(policy, site, 'User:umbra'));
        for (const { principal, host, writes, reads } of policy.applications[site]) {
          const theirs = acls.filter((acl) => acl.principal === principal && acl.host === host);
          const on = (type: AclBinding['resourceType'], prefix: string | undefined): readonly string[] =>
            theirs
              .filter((acl) => acl.resourceType === type && acl.resourceName === prefix)
              .map(({ operation }) => operation)
              .sort();
          if (writes !== undefined) expect(on('TOPIC', writes)).toEqual(['CREATE', 'DESCRIBE', 'READ', 'WRITE']);
          if (reads !== undefined) expect(on('TOPIC', reads)).toEqual(['DESCRIBE', 'READ']);
          for (const { resourceType, resourceName } of theirs) {
            const own = { TOPIC: policy.owners, GROUP: policy.groups, TRANSACTIONAL_ID: policy.transactionalIds };
            expect(resourceType).not.toBe('CLUSTER');
            if (resourceType === 'CLUSTER') continue;
            const [home, away] = [own[resourceType][site], own[resourceType][otherSite(site)]];
            expect(resourceName.startsWith(home) || resourceName.startsWith(away)).toBe(true);
          }
        }
      }),
    );
  });
});
