import pulumi from '@pulumi/pulumi';
import type { SpecArgs, WorkerUrls } from './spec-args.ts';
import { secretToken, umbraOptions } from './umbra-resource.ts';

export interface PrefixPolicyArgs extends SpecArgs {
  /** Prefix of the topics whose home is that site. Neither may contain the other. */
  readonly owners: { readonly a: string; readonly b: string };
  readonly workers: WorkerUrls;
}

/** Which site owns which topic names, declared at both workers. */
export class PrefixPolicy extends pulumi.CustomResource {
  constructor(name: string, args: PrefixPolicyArgs, opts?: pulumi.CustomResourceOptions) {
    const { apiToken, ...rest } = args;
    super('umbra:index:PrefixPolicy', name, { ...rest, ...secretToken(apiToken) }, umbraOptions(opts));
  }
}
