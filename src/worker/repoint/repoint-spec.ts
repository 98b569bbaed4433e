import { z } from 'zod';
import type { OperationKind } from '../../operations/operation.ts';
import type { SiteId } from '../../pair/site.ts';
import { Secret } from '../secret.ts';

const common = {
  /** What the reports call it. */
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/, 'must match [a-z][a-z0-9-]{0,39}')
    .optional(),
  /** For one attempt. */
  timeoutMs: z.int().min(100).max(120_000).default(10_000),
  /** How often it is tried, with growing pauses: six seconds of them in five attempts. */
  attempts: z.int().min(1).max(10).default(5),
};

const commandHookSchema = z.strictObject({
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

const webhookSchema = z.strictObject({
  ...common,
  kind: z.literal('webhook'),
  /** May hold a token, so no report shows more of it than the host. */
  url: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).transform((value) => new Secret(value)),
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header'), headerValue).default({}),
});

/**
 * What is done at the step *repoint* of an operation, in this order: whatever moves applications that do not follow by
 * themselves (an alias, a load balancer) and breaks their connections to the site before. There is no kind for DNS
 * records: every provider has a client of its own, which is a command.
 */
export const repointSchema = z.array(z.discriminatedUnion('kind', [commandHookSchema, webhookSchema])).max(20);

export type RepointHook = z.output<typeof repointSchema>[number];
export type CommandHook = Extract<RepointHook, { kind: 'command' }>;
export type Webhook = Extract<RepointHook, { kind: 'webhook' }>;

/** What a hook is told of the move. */
export interface Move {
  readonly operationId: string;
  readonly kind: OperationKind;
  readonly topics: readonly string[];
  readonly from: SiteId;
  /** The new primary. */
  readonly to: SiteId;
  /** The highest of the new terms. A hook that has heard of a higher one for these topics is late, and does nothing. */
  readonly term: number;
  /** Of the new primary, as applications reach it. */
  readonly bootstrapServers: readonly string[];
}

/** The JSON that a webhook is sent, and that a command reads from its input: lists of topics may be too long for its environment. */
export function moveAsJson({ operationId, kind, topics, from, to, term, bootstrapServers }: Move): string {
  return JSON.stringify({ operationId, kind, topics, from, to, term, bootstrapServers });
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
