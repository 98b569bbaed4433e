import { z } from 'zod';
import { sites, type SiteId } from '../../pair/site.ts';
import { type Grant, renderSiteGrants } from '../../prefix-policy/acls.ts';
import { compilePolicy, type DeclaredPolicy, siteAclInput } from '../../prefix-policy/declared-policy.ts';
import { renderIamStatements } from '../../prefix-policy/iam-statements.ts';
import type { CheckFailure } from '../server/handler.ts';

const siteInput = z.strictObject({
  /** `arn:aws:kafka:<region>:<account>:cluster/<name>/<uuid>` */
  clusterArn: z.string(),
  /** Whom the role of umbra's workers stands for in what is rendered, with its type. */
  umbra: z.string().min(1).default('User:umbra'),
});

/** Of sites whose cluster has IAM access control. */
export const iamInputs = z.strictObject({ a: siteInput.optional(), b: siteInput.optional() }).optional();

const siteOutput = z.strictObject({
  /** By principal: the statements for its role. */
  policies: z.array(
    z.strictObject({
      principal: z.string(),
      statements: z.array(
        z.strictObject({ Effect: z.literal('Allow'), Action: z.array(z.string()), Resource: z.array(z.string()) }),
      ),
    }),
  ),
  /** What IAM has no words for, one line each. */
  omitted: z.array(z.string()),
});

export const iamOutputs = z.strictObject({ a: siteOutput.optional(), b: siteOutput.optional() }).optional();

type IamOutputs = z.output<typeof iamOutputs>;

interface IamGiven {
  readonly iam?: z.output<typeof iamInputs>;
}

/** Pure. What the roles of each site need, umbra's and the applications'; nothing where no site has IAM. */
export function renderIam({ iam }: IamGiven, declared: DeclaredPolicy): { readonly iamPolicies?: IamOutputs } {
  if (iam === undefined) return {};
  const rendered = sites.flatMap((site) => {
    const output = renderSite(site, iam[site], declared);
    return output === undefined ? [] : [[site, output] as const];
  });
  return { iamPolicies: Object.fromEntries(rendered) };
}

/** An ARN that is none, and an application that is umbra. */
export function iamFailures({ iam }: IamGiven, declared: DeclaredPolicy | undefined): readonly CheckFailure[] {
  if (declared === undefined) return [];
  return sites.flatMap((site) => {
    try {
      renderSite(site, iam?.[site], declared);
      return [];
    } catch (error) {
      return [{ property: 'iam', reason: `iam.${site}: ${error instanceof Error ? error.message : String(error)}` }];
    }
  });
}

function renderSite(
  site: SiteId,
  given: z.output<typeof siteInput> | undefined,
  declared: DeclaredPolicy,
): z.output<typeof siteOutput> | undefined {
  if (given === undefined) return undefined;
  const grants = renderSiteGrants(siteAclInput(compilePolicy(declared), site, given.umbra));
  const { policies, omitted } = renderIamStatements(grants, given.clusterArn);
  return {
    policies: policies.map(({ principal, statements }) => ({
      principal,
      statements: statements.map(({ Effect, Action, Resource }) => ({
        ...{ Effect, Action: [...Action], Resource: [...Resource] },
      })),
    })),
    omitted: omitted.map(({ grant, why }) => `${textOf(grant)}: ${why}`),
  };
}

function textOf({ principal, operations, resource }: Grant): string {
  return `${operations.join(', ')} on ${resource.resourceType} ${resource.resourceName} for ${principal}`;
}
