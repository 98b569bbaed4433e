import { z } from 'zod';
import { bootstrapServerSchema, clusterConfigSchema } from '../kafka/cluster-config.ts';
import { s3PlaceSchema } from '../aws/s3-place.ts';
import { siteIdSchema } from '../pair/site.ts';
import { drillsConfigSchema } from './drill/drills-config.ts';
import { refuseOwnCanary } from './drill/own-canary.ts';
import { embeddedMetricsSchema } from './metrics/embedded-metrics.ts';
import { registryConfigSchema } from '../sync/schemas/registry-config.ts';
import { refuseOwnProbe } from './repoint/own-probe.ts';
import { repointSchema } from './repoint/repoint-spec.ts';

/** By this name the events know whoever calls with `api.token`. */
export const unnamedToken = 'operator';

const tokenSchema = z
  .string()
  .min(16, 'must have at least 16 characters')
  .regex(/^\S*$/, 'must not hold spaces: it travels in a header');

/** Further tokens, each with the name that the events know its owner by. */
const apiTokensSchema = z
  .array(
    z.strictObject({
      name: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'must match [a-z][a-z0-9-]{0,39}'),
      /** A viewer reads everything and changes nothing. */
      role: z.enum(['viewer', 'operator'], { error: 'must be "viewer" or "operator"' }),
      token: tokenSchema,
    }),
  )
  .max(64);

const apiSchema = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1'),
    port: z.int().min(0).max(65_535),
    /**
     * Bearer token of the operator, asked of every request that is about the pair. Without any token the API binds to
     * loopback only. All workers of a site have the same tokens.
     */
    token: tokenSchema.optional(),
    tokens: apiTokensSchema.optional(),
    /** Where the other workers of the site reach this one, if that is not where it listens. */
    advertisedUrl: z.url({ protocol: /^https?$/ }).optional(),
  })
  .superRefine(({ token, tokens = [] }, context) => {
    const wrong = (path: readonly (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path: ['tokens', ...path], message });
    if (tokens.length > 0 && token === undefined && !tokens.some(({ role }) => role === 'operator'))
      wrong([], 'need one of the role "operator", or api.token: the workers call each other with it');
    const names = new Set([unnamedToken, 'local']);
    const secrets = new Set(token === undefined ? [] : [token]);
    for (const [index, each] of tokens.entries()) {
      if (names.has(each.name)) wrong([index, 'name'], `"${each.name}" is taken`);
      if (secrets.has(each.token)) wrong([index, 'token'], 'is the same as another one: nobody could say who called');
      names.add(each.name);
      secrets.add(each.token);
    }
  });

/** The token by which the workers of a site call each other. */
export function peerToken({ token, tokens = [] }: z.output<typeof apiSchema>): string | undefined {
  return token ?? tokens.find(({ role }) => role === 'operator')?.token;
}

const principal = z
  .string()
  .regex(/^[A-Za-z]+:.+$/, 'must begin with its type, such as "User:umbra"')
  .refine((name) => name !== 'User:*', 'must not be everybody: name the principal that umbra is');

const authorizer = z.strictObject({
  /** `super.users` of its brokers, with their type: no ACL stops them. */
  superUsers: z.array(principal).max(100).default([]),
  /** `allow.everyone.if.no.acl.found` of its brokers. */
  allowEveryoneIfNoAclFound: z.boolean().default(false),
});

/** Where applications reach a site, if that is another listener than umbra's (docs/clients.md). */
const clientsOfSite = z.strictObject({
  /** All addresses that this listener advertises. */
  bootstrapServers: z.array(bootstrapServerSchema).min(1, 'needs at least one host:port').max(1_000),
});

const fileSchema = z.strictObject({
  /** Name of the pair; the same at both sites. */
  pair: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'must match [a-z][a-z0-9-]{0,39}'),
  /** The site this worker runs at: it carries the link that ends here. */
  site: siteIdSchema,
  clusters: z.strictObject({ a: clusterConfigSchema, b: clusterConfigSchema }),
  /**
   * Who umbra is to each cluster, with its type. Needed where it authenticates by a certificate or a token; a SASL user
   * name is known as it is.
   */
  principals: z
    .strictObject({
      a: z.array(principal).min(1).max(10).optional(),
      b: z.array(principal).min(1).max(10).optional(),
    })
    .optional(),
  /** What brokers do not tell of their authorizer, and who may write the copies depends on (docs/acls.md). */
  authorizers: z.strictObject({ a: authorizer.optional(), b: authorizer.optional() }).optional(),
  /** The schema registries of the sites, for `umbra doctor` to ask who may write (docs/schemas.md). */
  registries: z.strictObject({ a: registryConfigSchema.optional(), b: registryConfigSchema.optional() }).optional(),
  /** What `GET /v1/bootstrap` tells applications. Default: what umbra itself connects to. */
  clients: z.strictObject({ a: clientsOfSite.optional(), b: clientsOfSite.optional() }).optional(),
  /** Run when this site has become primary of topics (docs/repoint.md); the same in the files of all its workers. */
  repoint: repointSchema.optional(),
  /** Who the canaries are, and where evidence of drills is kept (docs/drills.md). */
  drills: drillsConfigSchema.optional(),
  /** Where the site's spec comes as a document and its status is told as another one (docs/channel.md). */
  specChannel: s3PlaceSchema
    .extend({
      /** Time between two looks at the document. */ lookIntervalMs: z.int().min(200).max(3_600_000).default(5_000),
    })
    .optional(),
  api: apiSchema,
  /** The workers of a site share its work as members of one group at its cluster. */
  group: z
    .strictObject({
      /** A worker that is not heard of for this long has its work taken over. Brokers take 6 s to 30 min by default. */
      sessionTimeoutMs: z.int().min(1_000).max(1_800_000).default(10_000),
      heartbeatMs: z.int().min(100).max(60_000).default(1_000),
      /**
       * Makes the worker a static member (KIP-345): a successor of that name takes its place at once, and a clean stop
       * keeps the place until the session is over. No two workers of a site may have the same.
       */
      instanceId: z
        .string()
        .regex(/^[a-zA-Z0-9._-]{1,100}$/, 'must be 1 to 100 characters of a-z, A-Z, 0-9, ".", "_" and "-"')
        .optional(),
    })
    .refine(({ sessionTimeoutMs, heartbeatMs }) => heartbeatMs * 3 <= sessionTimeoutMs, {
      path: ['heartbeatMs'],
      error: 'must be at most a third of sessionTimeoutMs, so that one lost heartbeat costs nothing',
    })
    .prefault({}),
  /** Metrics for CloudWatch in the process's output, where a log driver takes them up (docs/metrics.md). */
  embeddedMetrics: embeddedMetricsSchema.optional(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  /**
   * Folder for what only a copy held before it was rebuilt (docs/quarantine.md). It must outlive the worker. Without
   * it "umbra worker" takes the folder `quarantine` beside the worker's file.
   */
  quarantineFolder: z.string().min(1).optional(),
  /** Where the folder does not outlive the worker: what is in it is put there too, before anything is deleted. */
  quarantineArchive: s3PlaceSchema.optional(),
  tuning: z
    .strictObject({
      /** Bytes of fetched batches held in memory per link, at most (one larger batch is still let through alone). */
      bufferBytesMax: z
        .int()
        .min(1 << 20)
        .max(2 ** 31)
        .default(32 << 20),
      /** Seconds between two looks at the source's topics. */
      discoveryIntervalMs: z.int().min(200).max(3_600_000).default(2_000),
      /** Time between two looks at the copies' log ends, which find foreign writes on idle partitions. */
      foreignWriteCheckMs: z.int().min(200).max(3_600_000).default(3_000),
    })
    .prefault({}),
});

/**
 * The file a worker process starts from (JSON, mode 0600: it holds credentials). It says where the clusters are and
 * nothing about what is replicated: links, prefix policy and schema primary arrive over the API and live in `_umbra`.
 */
export const workerConfigSchema = fileSchema.superRefine((config, context) => {
  for (const { path, message } of refuseOwnProbe(config))
    context.addIssue({ code: 'custom', path: [...path], message });
  const { clusters, drills } = config;
  for (const { path, message } of refuseOwnCanary({ clusters, clients: drills?.canary?.clients }))
    context.addIssue({ code: 'custom', path: ['drills', 'canary', 'clients', ...path], message });
});

export type WorkerConfig = z.output<typeof workerConfigSchema>;
export type WorkerConfigInput = z.input<typeof workerConfigSchema>;
