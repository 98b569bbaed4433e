import * as aws from '@pulumi/aws';
import pulumi from '@pulumi/pulumi';
import { sites } from '../../src/pair/site.ts';
import { partitionOf, type SiteScope, scopeInputs } from './scope.ts';
import { parameterName } from './tasks.ts';

/**
 * Who is primary of each prefix, as applications of a region read it. Each begins with the site where its prefix is home, and
 * from then on is umbra's to write: roles are not declared.
 */
export class Primaries extends pulumi.ComponentResource {
  readonly arns: readonly pulumi.Output<string>[];

  constructor(scope: SiteScope, opts: pulumi.ComponentResourceOptions) {
    super('umbra:aws:Primaries', `${scope.name}-primaries`, scopeInputs(scope), opts);
    const { pair, name, region, accountId } = scope;
    for (const owner of sites) {
      const args = { name: parameterName(pair, owner), type: 'String', value: owner };
      new aws.ssm.Parameter(`${name}-primary-${owner}`, args, { parent: this, ignoreChanges: ['value'] });
    }
    this.arns = sites.map((owner) =>
      accountId.apply((id) => `arn:${partitionOf(region)}:ssm:${region}:${id}:parameter${parameterName(pair, owner)}`),
    );
    this.registerOutputs({ arns: this.arns });
  }
}
