import { z } from 'zod';
import { regionSchema } from '../../aws/s3-place.ts';
import { bootstrapServerSchema, clusterFields, refuseClearIam } from '../../kafka/cluster-config.ts';
import type { OperationKind } from '../../operations/operation.ts';
import type { SiteId } from '../../pair/site.ts';
import { isInternal } from '../../prefix-policy/internal-names.ts';
import { Secret } from '../secret.ts';
import { dnsFields, refuseRecords } from './dns-records.ts';

/** How names of topics begin, or the whole name of one. */
const topicPrefix = z.string().regex(/^[a-zA-Z0-9._-]{1,249}$/, 'must be how names of topics begin');

const common = {
  /** What the reports call it. */
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/, 'must match [a-z][a-z0-9-]{0,39}')
    .optional(),
  /** Only for operations that move topics whose names begin so. A site also becomes primary of its own topics, coming home. */
  prefix: topicPrefix.optional(),
  /** For one attempt. */
  timeoutMs: z.int().min(100).max(120_000).default(10_000),
  /** How often it is tried, with growing pauses: six seconds of them in five attempts. */
  attempts: z.int().min(1).max(10).default(5),
};

/** Runs a program. */
export const commandHookSchema = z.strictObject({
  ...common,
  kind: z.literal('command'),
  /** Program and arguments, run without a shell. */
  command: z.array(z.string().max(4_096)).min(1, 'must name a program').max(100),
});

/** It takes a header's value as it is: what is no such value would only be found out in the middle of a move. */
const headerValue = z
  .string()
  .regex(/^[\t\x20-\x7e]*$/, 'must be printable ASCII')
  .transform((value) => new Secret(value));

/** Sends JSON. */
export const webhookSchema = z.strictObject({
  ...common,
  kind: z.literal('webhook'),
  /** May hold a token, so no report shows more of it than the host. */
  url: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).transform((value) => new Secret(value)),
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header'), headerValue).default({}),
});

const dnsHookSchema = z
  .strictObject({
    ...common,
    kind: z.literal('dns'),
    // A command can look at the topics; a record would be set for all of them.
    prefix: topicPrefix,
    ...dnsFields,
  })
  .superRefine(refuseRecords);

const parameterHookSchema = z.strictObject({
  ...common,
  kind: z.literal('parameter'),
  /** Of the parameter, which is also what the reports call it. */
  name: z
    .string()
    .regex(
      /^\/[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+){0,14}$/,
      'must be the path of a parameter, such as /umbra/orders/primary/a',
    )
    .max(1_011),
  // As for DNS: one text for all of them.
  prefix: topicPrefix,
  regions: z.array(regionSchema).min(1, 'needs at least one region').max(5),
});

const probeSchema = z.strictObject({
  ...common,
  kind: z.literal('probe'),
  // All the others wait for it.
  timeoutMs: common.timeoutMs.unwrap().default(5_000),
  attempts: common.attempts.unwrap().default(3),
  /** It is written into, so it is nobody's but the probe's. Operations that do not move it are not probed. */
  topic: z
    .string()
    .regex(/^[a-zA-Z0-9._-]{1,249}$/, 'must be the name of a topic')
    .refine((name) => !isInternal(name), 'must be a topic for applications: the probe writes into it'),
  /** Who the probe is to the cluster: an application with READ and WRITE on the topic, never umbra itself. */
  client: z
    .strictObject({
      ...clusterFields,
      /** Default: the addresses that applications are told of. */
      bootstrapServers: z.array(bootstrapServerSchema).min(1, 'needs at least one host:port').max(50).optional(),
    })
    .superRefine(refuseClearIam),
});

/**
 * What is done at the step *repoint* of an operation, in this order, probes first: whatever shows that applications can work
 * at the new primary, and whatever moves those that do not follow by themselves (a DNS record, an alias, a load balancer) and
 * breaks their connections to the site before.
 */
export const repointSchema = z
  .array(
    z.discriminatedUnion('kind', [commandHookSchema, webhookSchema, dnsHookSchema, parameterHookSchema, probeSchema]),
  )
  .max(20);

export type RepointHook = z.output<typeof repointSchema>[number];
export type CommandHook = Extract<RepointHook, { kind: 'command' }>;
export type Webhook = Extract<RepointHook, { kind: 'webhook' }>;
export type DnsHook = Extract<RepointHook, { kind: 'dns' }>;
export type ParameterHook = Extract<RepointHook, { kind: 'parameter' }>;
export type ProbeHook = Extract<RepointHook, { kind: 'probe' }>;

/** What a hook is told of the move. */
export interface Move {
  readonly operationId: string;
  readonly kind: OperationKind;
  readonly topics: readonly string[];
  readonly from: SiteId;
  /** The new primary. */
  readonly to: SiteId;
  /** When the operation began: ISO 8601, UTC, by the clock of the new primary. */
  readonly startedAt: string;
  /** The highest of the new terms. It says nothing of moves of other topics: terms grow topic by topic. */
  readonly term: number;
  /** The new term of each topic. */
  readonly terms: ReadonlyMap<string, number>;
  /** Of the new primary, as applications reach it. */
  readonly bootstrapServers: readonly string[];
}

/** The JSON that a webhook is sent, and that a command reads from its input: lists of topics may be too long for its environment. */
export function moveAsJson({ terms, ...move }: Move): string {
  const { operationId, kind, topics, from, to, startedAt, term, bootstrapServers } = move;
  const each = { startedAt, term, terms: Object.fromEntries(terms) };
  return JSON.stringify({ operationId, kind, topics, from, to, ...each, bootstrapServers });
}

/** What a command finds in its environment beside umbra's own. */
export function moveAsEnvironment(move: Move): Record<string, string> {
  return {
    UMBRA_OPERATION: move.operationId,
    UMBRA_KIND: move.kind,
    UMBRA_FROM: move.from,
    UMBRA_TO: move.to,
    UMBRA_TERM: String(move.term),
    UMBRA_TOPIC_COUNT: String(move.topics.length),
    UMBRA_BOOTSTRAP_SERVERS: move.bootstrapServers.join(','),
  };
}
