import pulumi from '@pulumi/pulumi';
import type { PrefixPolicyInput } from '../../prefix-policy/declared-policy.ts';
import type { SpecArgs, WorkerUrls } from './spec-args.ts';
import { secretToken, umbraOptions } from './umbra-resource.ts';

/** What a policy may say beside the prefixes of topics; docs/acls.md has the fields. */
export interface PolicyArgs extends Omit<PrefixPolicyInput, 'owners'> {
  /** Of sites whose cluster has IAM access control; by default umbra is `User:umbra` in what is rendered. */
  readonly iam?: { readonly a?: IamSite | undefined; readonly b?: IamSite | undefined } | undefined;
}

interface IamSite {
  /** `arn:aws:kafka:<region>:<account>:cluster/<name>/<uuid>` */
  readonly clusterArn: pulumi.Input<string>;
  readonly umbra?: string;
}

export interface PrefixPolicyArgs extends SpecArgs, PolicyArgs {
  /** Prefix of the topics whose home is that site. Neither may contain the other. */
  readonly owners: { readonly a: string; readonly b: string };
  readonly workers: WorkerUrls;
}

/** Which site owns which names, and what applications may do with them, declared at both workers, which grant it. */
export class PrefixPolicy extends pulumi.CustomResource {
  /** By site: for each principal the statements for its role, and what IAM has no words for. */
  declare readonly iamPolicies: pulumi.Output<unknown>;

  constructor(name: string, args: PrefixPolicyArgs, opts?: pulumi.CustomResourceOptions) {
    const { apiToken, ...rest } = args;
    super(
      'umbra:index:PrefixPolicy',
      name,
      { ...rest, ...secretToken(apiToken), iamPolicies: undefined },
      umbraOptions(opts),
    );
  }
}
