import pulumi from '@pulumi/pulumi';
import type { z } from 'zod';
import type { linkAclsSchema } from '../../pair/spec.ts';
import type { topicPolicySchema } from '../../pair/topic-policy.ts';
import type { SpecArgs } from './spec-args.ts';
import { secretToken, umbraOptions } from './umbra-resource.ts';

export interface ShadowLinkArgs extends SpecArgs {
  readonly from: 'a' | 'b';
  readonly to: 'a' | 'b';
  /** API of the worker at `to`: a link is defined, stored and run at its destination. */
  readonly worker: pulumi.Input<string>;
  /**
   * What becomes of more missing offsets than the link fills unasked (1,000,000 in a row, 1,000,000,000 below the log's
   * start). Default `fault`: the partition stops and names the price. `fill` pays it.
   */
  readonly gap?: 'fault' | 'fill';
  /** What it does with topics beside their records; docs/topics.md has the fields. */
  readonly topics?: z.input<typeof topicPolicySchema>;
  /** What becomes of the link where somebody else may write its copies: named (default), or not started. */
  readonly acls?: z.input<typeof linkAclsSchema>;
  /** Default `refuse`: the link is not deleted while topics follow it. `detach` leaves the copies as they are. */
  readonly onDelete?: 'refuse' | 'detach';
}

/** One direction of copying. */
export class ShadowLink extends pulumi.CustomResource {
  /** As last seen: `following`, `degraded`, `source-unreachable`, … */
  declare readonly state: pulumi.Output<string>;
  /** `acl`; `leaking` where ACLs of the destination let others write copies; `unfenced` where it has no authorizer. */
  declare readonly fence: pulumi.Output<string>;

  constructor(name: string, args: ShadowLinkArgs, opts?: pulumi.CustomResourceOptions) {
    const { apiToken, ...rest } = args;
    const props = { ...rest, ...secretToken(apiToken), state: undefined, fence: undefined };
    super('umbra:index:ShadowLink', name, props, umbraOptions(opts));
  }
}
