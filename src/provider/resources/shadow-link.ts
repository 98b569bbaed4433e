import pulumi from '@pulumi/pulumi';
import type { SpecArgs } from './spec-args.ts';
import { secretToken, umbraOptions } from './umbra-resource.ts';

export interface ShadowLinkArgs extends SpecArgs {
  readonly from: 'a' | 'b';
  readonly to: 'a' | 'b';
  /** API of the worker at `to`: a link is defined, stored and run at its destination. */
  readonly worker: pulumi.Input<string>;
  /** Default `refuse`: the link is not deleted while topics follow it. `detach` leaves the copies as they are. */
  readonly onDelete?: 'refuse' | 'detach';
}

/** One direction of copying. */
export class ShadowLink extends pulumi.CustomResource {
  /** As last seen: `following`, `degraded`, `source-unreachable`, … */
  declare readonly state: pulumi.Output<string>;
  /** `acl`, or `unfenced` where the destination has no authorizer. */
  declare readonly fence: pulumi.Output<string>;

  constructor(name: string, args: ShadowLinkArgs, opts?: pulumi.CustomResourceOptions) {
    const { apiToken, ...rest } = args;
    const props = { ...rest, ...secretToken(apiToken), state: undefined, fence: undefined };
    super('umbra:index:ShadowLink', name, props, umbraOptions(opts));
  }
}
