import * as aws from '@pulumi/aws';
import pulumi from '@pulumi/pulumi';
import { type SiteId, sites } from '../../src/pair/site.ts';
import { partitionOf, type SiteScope, scopeInputs } from './scope.ts';
import { firstPointerText, parameterName } from './tasks.ts';

export interface PrimariesArgs {
  /** How the names of a site's topics begin. */
  readonly prefixes: Readonly<Record<SiteId, string>>;
  /** Where applications reach each site: `host:port,…`. */
  readonly bootstrapServers: Readonly<Record<SiteId, pulumi.Output<string>>>;
}

/**
 * Who is primary of each prefix, as applications of a region read it. Each begins with the site where its prefix is home, and
 * from then on is umbra's to write: roles are not declared.
 */
export class Primaries extends pulumi.ComponentResource {
  constructor(scope: SiteScope, { prefixes, bootstrapServers }: PrimariesArgs, opts: pulumi.ComponentResourceOptions) {
    super('umbra:aws:Primaries', `${scope.name}-primaries`, { ...scopeInputs(scope), prefixes }, opts);
    for (const owner of sites) {
      const value = bootstrapServers[owner].apply((servers) => firstPointerText(owner, prefixes[owner], servers));
      const args = { name: parameterName(scope.pair, owner), type: 'String', value };
      new aws.ssm.Parameter(`${scope.name}-primary-${owner}`, args, { parent: this, ignoreChanges: ['value'] });
    }
    this.registerOutputs({});
  }
}

/** ARNs of the parameters of a region. Said by name, so that rights need not wait for brokers. */
export function primaryArns({ pair, region, accountId }: SiteScope): readonly pulumi.Output<string>[] {
  const of = (id: string): string => `arn:${partitionOf(region)}:ssm:${region}:${id}:parameter`;
  return sites.map((owner) => accountId.apply((id) => `${of(id)}${parameterName(pair, owner)}`));
}
