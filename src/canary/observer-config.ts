import { z } from 'zod';
import { clusterConfigSchema } from '../kafka/cluster-config.ts';
import { pairNameSchema, prefixOwnersSchema } from '../pair/spec.ts';

/** What an observer outside of both sites is told: `umbra canary run --config FILE`. */
export const observerConfigSchema = z.strictObject({
  pair: pairNameSchema,
  /** Its name in ledgers and reports; `a` and `b` are those at the sites. */
  vantage: z.string().regex(/^[a-z][a-z0-9-]{1,39}$/, 'must match [a-z][a-z0-9-]{1,39}: one letter is a site'),
  /** As an application reaches them, with its credentials: it describes, reads and writes canary topics. */
  clusters: z.strictObject({ a: clusterConfigSchema, b: clusterConfigSchema }),
  /** `http://host:port` of workers, at least one of each site: the site that is lost must not be the only one asked. */
  workers: z
    .array(z.url({ protocol: /^https?$/ }))
    .min(1, 'needs the URL of a worker')
    .max(16),
  /** File with their token; a viewer's is enough. */
  tokenFile: z.string().min(1).optional(),
  /** Where it keeps its ledger: a folder outside of both clusters. A relative one is beside this file. */
  ledgerFolder: z.string().min(1),
  /** Default 64 MiB. */
  ledgerBytesMax: z
    .int()
    .min(4 << 20)
    .optional(),
  /** Records per second and partition. */
  rate: z.number().min(0.01).max(100).default(1),
  /** Default: what the workers say. */
  prefixes: prefixOwnersSchema.optional(),
});

export type ObserverConfig = z.output<typeof observerConfigSchema>;
