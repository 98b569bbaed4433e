import { describe, expect, test } from 'vitest';
import { otherSite, sites } from '../../src/pair/site.ts';
import type { Grant } from '../../src/prefix-policy/grant.ts';
import { umbraGrants, renderWorkerRoleGrants } from '../../src/prefix-policy/umbra-grants.ts';

const names = { owners: { a: 'a_', b: 'b_' } };
const umbra = 'User:umbra';

/** Each operation with its resource. */
function rightsOf(grants: readonly Grant[]): ReadonlySet<string> {
  return new Set(
    grants.flatMap(({ resource, operations }) =>
      operations.map((each) => `${each} ${resource.resourceType} ${resource.patternType} ${resource.resourceName}`),
    ),
  );
}

describe('rights of a role', () => {
  test.each(sites)(
    'at site %s the own workers and those of the other site have together what one principal has',
    (site) => {
      const own = renderWorkerRoleGrants({ ...names, site, umbra, markers: true }).own;
      const other = renderWorkerRoleGrants({ ...names, site: otherSite(site), umbra, markers: true }).other;
      const together = rightsOf([...own, ...other]);
      const one = rightsOf(umbraGrants(umbra, { ...names, site }));
      expect([...one].filter((right) => !together.has(right))).toEqual([]);
      // And what umbra grants itself as ACLs while roles are reversed, which a role must have from the start.
      const beside = [...together].filter((right) => !one.has(right));
      const [home, away] = [names.owners[site], names.owners[otherSite(site)]];
      const writes = ['ALTER', 'ALTER_CONFIGS', 'CREATE', 'DELETE', 'WRITE'].map(
        (each) => `${each} TOPIC PREFIXED ${home}`,
      );
      const groups = ['READ', 'DELETE'].map((each) => `${each} GROUP PREFIXED ${home}`);
      expect(beside.sort()).toEqual([...writes, ...groups].sort());
      expect(away).not.toBe(home);
    },
  );

  test('without markers the cluster is not altered, and no other right is less', () => {
    const all = rightsOf(renderWorkerRoleGrants({ ...names, site: 'a', umbra, markers: true }).own);
    const less = rightsOf(renderWorkerRoleGrants({ ...names, site: 'a', umbra, markers: false }).own);
    expect([...all].filter((right) => !less.has(right))).toEqual(['ALTER CLUSTER LITERAL kafka-cluster']);
  });
});
