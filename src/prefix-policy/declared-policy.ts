import { z } from 'zod';
import { otherSite, sites, type SiteId } from '../pair/site.ts';
import { type PrefixOwners, prefixOwnersSchema } from '../pair/spec.ts';
import { type SiteAclInput, type SiteApplication } from './acls.ts';
import { provePrefixes } from './prefix-policy.ts';

/** What becomes of names that belong to no site: `report` shows them, with `refuse` no link starts while there are any. */
export const unownedDecisionSchema = z.enum(['report', 'refuse'], { error: 'must be "report" or "refuse"' });

export type UnownedDecision = z.output<typeof unownedDecisionSchema>;

/** Whose names an application has: a prefix, `false` for none. Left out: the whole prefix of the site. */
const scopeSchema = z.union([z.string().min(1), z.literal(false)], { error: 'must be a prefix as text, or false' });

/** Brokers compare hosts as text, and write IPv6 addresses in eight groups without leading zeros. */
const brokerAddress = /^(?:\d{1,3}(?:\.\d{1,3}){3}|(?:0|[1-9a-f][0-9a-f]{0,3})(?::(?:0|[1-9a-f][0-9a-f]{0,3})){7})$/;

const applicationSchema = z
  .strictObject({
    principal: z
      .string()
      .regex(/^[A-Za-z]+:.+$/, 'must begin with its type, such as "User:orders"')
      .refine((principal) => !principal.endsWith(':*'), 'must be one principal: a right for everybody is no fence'),
    host: z
      .string()
      .refine(
        (host) => host === '*' || brokerAddress.test(host),
        'must be "*" or an address as brokers write it, such as "10.0.0.7" or "fd00:0:0:0:0:0:0:7"',
      )
      .default('*'),
    writes: scopeSchema.optional(),
    reads: scopeSchema.optional(),
  })
  .refine(({ writes, reads }) => writes !== false || reads !== false, {
    path: ['reads'],
    error: 'must not be false where "writes" is: the application would have no right at all; leave it out instead',
  });

type DeclaredApplication = z.output<typeof applicationSchema>;

const applicationsSchema = z.array(applicationSchema).max(1_000, 'must be at most 1000');

/** What may be written down, field by field; {@link declaredPolicySchema} is the whole, proven. */
export const policyFields = {
  /** Of topics; of groups and transactional ids too, unless they have their own. */
  owners: prefixOwnersSchema,
  groups: prefixOwnersSchema.optional(),
  transactionalIds: prefixOwnersSchema.optional(),
  unowned: unownedDecisionSchema.optional(),
  /** Applications that connect to a site, by that site. */
  applications: z.strictObject({ a: applicationsSchema.default([]), b: applicationsSchema.default([]) }).optional(),
};

const fullPolicySchema = z
  .strictObject({
    ...policyFields,
    unowned: unownedDecisionSchema.default('report'),
    applications: policyFields.applications.unwrap().default({ a: [], b: [] }),
  })
  .superRefine((policy, context) => {
    for (const kind of ['owners', 'groups', 'transactionalIds'] as const) {
      const owners = policy[kind];
      if (owners === undefined) continue;
      for (const { path, message } of provePrefixes(owners, kind)) {
        context.addIssue({ code: 'custom', path: path.split('.'), message });
      }
    }
    for (const site of sites) {
      for (const [index, application] of policy.applications[site].entries()) {
        for (const { field, message } of misplacedScopes(application, site, policy.owners)) {
          context.addIssue({ code: 'custom', path: ['applications', site, index, field], message });
        }
      }
    }
  });

/** Who owns which names, and what the applications may do: everything that a pair declares about names, proven. */
export interface PrefixPolicy {
  /** Of topics. */
  readonly owners: PrefixOwners;
  readonly groups: PrefixOwners;
  readonly transactionalIds: PrefixOwners;
  readonly unowned: UnownedDecision;
  readonly applications: Readonly<Record<SiteId, readonly SiteApplication[]>>;
}

/**
 * The policy as it is declared, proven: the form in which it is passed on and stored. Also takes the older form,
 * `{ a: 'a_', b: 'b_' }`, which is the `owners` alone; paths of its errors then begin with `owners`.
 */
export const declaredPolicySchema = z.preprocess(
  (input) => (isOwnersAlone(input) ? { owners: input } : input),
  fullPolicySchema,
);

export type DeclaredPolicy = z.output<typeof declaredPolicySchema>;

/** {@link declaredPolicySchema} with its defaults filled in. */
export const prefixPolicySchema = declaredPolicySchema.transform(compilePolicy);

/** What is written down: every field but `owners` may be left out. */
export type PrefixPolicyInput = z.input<typeof fullPolicySchema>;

/** Pure. Not to be stored: what an application left out is filled in. */
export function compilePolicy(policy: DeclaredPolicy): PrefixPolicy {
  return {
    owners: policy.owners,
    groups: policy.groups ?? policy.owners,
    transactionalIds: policy.transactionalIds ?? policy.owners,
    unowned: policy.unowned,
    applications: {
      a: policy.applications.a.map((each) => compile(each, 'a', policy.owners)),
      b: policy.applications.b.map((each) => compile(each, 'b', policy.owners)),
    },
  };
}

function isOwnersAlone(input: unknown): boolean {
  return typeof input === 'object' && input !== null && !('owners' in input) && ('a' in input || 'b' in input);
}

function compile(
  { principal, host, writes, reads }: DeclaredApplication,
  site: SiteId,
  owners: PrefixOwners,
): SiteApplication {
  const scope = (declared: string | false | undefined, whole: string): string | undefined =>
    declared === false ? undefined : (declared ?? whole);
  return { principal, host, writes: scope(writes, owners[site]), reads: scope(reads, owners[otherSite(site)]) };
}

function misplacedScopes(
  { writes, reads }: DeclaredApplication,
  site: SiteId,
  owners: PrefixOwners,
): readonly { readonly field: 'writes' | 'reads'; readonly message: string }[] {
  const misplaced = (scope: string | false | undefined, of: SiteId): boolean =>
    typeof scope === 'string' && !scope.startsWith(owners[of]);
  const other = otherSite(site);
  return [
    ...(misplaced(writes, site)
      ? [{ field: 'writes' as const, message: `must begin with "${owners[site]}", the prefix of site ${site}` }]
      : []),
    ...(misplaced(reads, other)
      ? [{ field: 'reads' as const, message: `must begin with "${owners[other]}", the prefix of site ${other}` }]
      : []),
  ];
}

/** What `renderSiteAcls` and `renderSiteGrants` take for a site. Throws when umbra's principal is named as an application. */
export function siteAclInput(policy: PrefixPolicy, site: SiteId, umbra: string): SiteAclInput {
  const applications = policy.applications[site];
  if (applications.some(({ principal }) => principal === umbra)) {
    throw new Error(`${umbra} is umbra's principal at site ${site} and must not be one of its applications`);
  }
  const { owners, groups, transactionalIds } = policy;
  return { site, owners, groups, transactionalIds, principals: { umbra }, applications };
}
