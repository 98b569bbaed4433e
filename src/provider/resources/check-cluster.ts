import pulumi from '@pulumi/pulumi';
import { z } from 'zod';
import { siteIdSchema } from '../../pair/site.ts';
import type { ClusterConfig } from './cluster-args.ts';
import { inClear } from './in-clear.ts';
import { providerVersion } from './provider-version.ts';

const answer = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('usable'),
    clusterId: z.string(),
    brokers: z.int(),
    /** Without one nothing can be withheld: the copies at this site are `unfenced`. */
    authorizer: z.boolean(),
    /** Which site of a pair it is already, by its own state. */
    site: siteIdSchema.optional(),
  }),
  z.strictObject({ kind: z.literal('refused'), reason: z.string() }),
]);

export type CheckedCluster = z.output<typeof answer>;

/** Asks whether a cluster can be a site: connects and authenticates. To be awaited before any resource is made. */
export async function checkCluster({ bootstrapServers, tls, sasl }: ClusterConfig): Promise<CheckedCluster> {
  // Plain values: the answer of an invoke with Outputs is one, and cannot be awaited.
  const cluster = inClear({ bootstrapServers, tls, sasl });
  const token = 'umbra:index:checkCluster';
  return answer.parse(await pulumi.runtime.invoke(token, { cluster }, { version: providerVersion }));
}
