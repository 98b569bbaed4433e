import type pulumi from '@pulumi/pulumi';
import type { SiteId } from '../../src/pair/site.ts';

/** What every part of a site has to know of it. JSON but for the account: it goes into the state of components. */
export interface SiteScope {
  /** Name of the pair, as in names of AWS. */
  readonly pair: string;
  readonly site: SiteId;
  /** How the names of its resources in Pulumi's state begin, such as `pair-a`. They do not depend on the pair's name. */
  readonly name: string;
  readonly region: string;
  readonly accountId: pulumi.Output<string>;
}

/** What is kept in the state with a component of a site. */
export function scopeInputs({ pair, site, region }: SiteScope): { pair: string; site: SiteId; region: string } {
  return { pair, site, region };
}

/** The part of AWS a region belongs to, as it stands in ARNs. */
export function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
