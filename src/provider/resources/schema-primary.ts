import pulumi from '@pulumi/pulumi';
import type { SpecArgs, WorkerUrls } from './spec-args.ts';
import { secretToken, umbraOptions } from './umbra-resource.ts';

export interface SchemaPrimaryArgs extends SpecArgs {
  /** The site whose `_schemas` flows; the other holds the copy. */
  readonly site: 'a' | 'b';
  /** How far above the highest id that was seen ids go on after a failover. Default 1000. */
  readonly idReserve?: number;
  readonly workers: WorkerUrls;
}

/** Which site may register schemas, declared at both workers. */
export class SchemaPrimary extends pulumi.CustomResource {
  constructor(name: string, args: SchemaPrimaryArgs, opts?: pulumi.CustomResourceOptions) {
    const { apiToken, ...rest } = args;
    super('umbra:index:SchemaPrimary', name, { ...rest, ...secretToken(apiToken) }, umbraOptions(opts));
  }
}
