import * as aws from '@pulumi/aws';
import pulumi from '@pulumi/pulumi';
import { partitionOf, type SiteScope, scopeInputs } from './scope.ts';
import { keyPolicyText } from './statements.ts';

/** The key of a site, for brokers, secrets, logs and buckets. It is kept: what is left in the buckets is worth nothing without it. */
export class SiteKey extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;
  readonly keyId: pulumi.Output<string>;

  constructor(scope: SiteScope, opts: pulumi.ComponentResourceOptions) {
    const { name, region, accountId } = scope;
    super('umbra:aws:Key', `${name}-encryption`, scopeInputs(scope), opts);
    const kept = { parent: this, retainOnDelete: true };
    const policy = accountId.apply((id) => keyPolicyText({ accountId: id, region, partition: partitionOf(region) }));
    const key = new aws.kms.Key(
      `${name}-key`,
      { description: `umbra ${name}`, enableKeyRotation: true, deletionWindowInDays: 30, policy },
      kept,
    );
    this.arn = key.arn;
    this.keyId = key.keyId;
    this.registerOutputs({ arn: this.arn });
  }
}
