import fc from 'fast-check';
import { type PrefixOwners } from '../../src/pair/spec.ts';
import { otherSite, type SiteId } from '../../src/pair/site.ts';
import {
  type PrefixPolicy,
  type PrefixPolicyInput,
  prefixPolicySchema,
} from '../../src/prefix-policy/declared-policy.ts';
import { provenOwners } from './arbitraries.ts';

type Applications = NonNullable<NonNullable<PrefixPolicyInput['applications']>['a']>;

/** Up to three applications per site, with scopes of their own, and prefixes of groups and ids that may differ. */
export const anyPolicy: fc.Arbitrary<PrefixPolicy> = fc
  .record({ owners: provenOwners, groups: fc.option(provenOwners), transactionalIds: fc.option(provenOwners) })
  .chain(({ owners, groups, transactionalIds }) =>
    fc.record({ a: applications('a', owners), b: applications('b', owners) }).map((declared) =>
      prefixPolicySchema.parse({
        ...{ owners, applications: declared },
        ...(groups === null ? {} : { groups }),
        ...(transactionalIds === null ? {} : { transactionalIds }),
      }),
    ),
  );

function applications(site: SiteId, owners: PrefixOwners): fc.Arbitrary<Applications> {
  const scope = (prefix: string): fc.Arbitrary<string> =>
    fc.constantFrom('', 'x', 'orders-').map((rest) => prefix + rest);
  const application = fc.record(
    {
      principal: fc.constantFrom('User:x', 'User:y', 'User:CN=orders,O=Some'),
      host: fc.constantFrom('*', '10.0.0.7', 'fd00:0:0:0:0:0:0:7'),
      writes: fc.oneof(scope(owners[site]), fc.constant(false as const)),
      reads: scope(owners[otherSite(site)]),
    },
    { requiredKeys: ['principal'] },
  );
  return fc.uniqueArray(application, {
    maxLength: 3,
    selector: ({ principal, host }) => `${principal} ${host ?? '*'}`,
  });
}
