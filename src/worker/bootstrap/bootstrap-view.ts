import { z } from 'zod';
import { termSchema } from '../../pair/ownership.ts';
import { siteIdSchema } from '../../pair/site.ts';

/** Where a client reaches one site's cluster. */
export const siteAddressesSchema = z.strictObject({
  site: siteIdSchema,
  /** `host:port`, to begin with. */
  bootstrapServers: z.array(z.string()),
  /** Every address that is known to lead to this cluster, so that a client can tell whom a connection goes to. */
  brokers: z.array(z.strictObject({ host: z.string(), port: z.int() })),
});

export type SiteAddresses = z.output<typeof siteAddressesSchema>;

/** What is asked for; exactly one of them. */
const subject = { topic: z.string().optional(), prefix: z.string().optional() };

const common = {
  ...subject,
  /** Only ever to be believed upwards: an answer with a lower one is older. */
  term: termSchema,
  /** Both sites' `_umbra` were read within the last seconds; else the other one may show a higher term. */
  proven: z.boolean(),
};

/**
 * - `settled`: one site is primary, as far as is known
 * - `mixed`: topics with this prefix have different primaries; a client of all of them has no one place to go
 * - `split`: both sites claim the topic in the same term
 * - `misfiled`: a record names another home than the prefixes do
 *
 * In all but `settled` a client stays where it is.
 */
export const bootstrapViewSchema = z.discriminatedUnion('state', [
  z.strictObject({
    ...common,
    state: z.literal('settled'),
    primary: siteIdSchema,
    /** Of the primary. */
    bootstrapServers: siteAddressesSchema.shape.bootstrapServers,
    brokers: siteAddressesSchema.shape.brokers,
    /** The other site: what a client must not write to. */
    standby: siteAddressesSchema,
  }),
  z.strictObject({ ...common, state: z.enum(['mixed', 'split', 'misfiled']) }),
]);

export type BootstrapView = z.output<typeof bootstrapViewSchema>;

/** One for each owner's prefix, where nothing else was asked for. */
export const bootstrapAnswerSchema = z.union([
  bootstrapViewSchema,
  z.strictObject({ prefixes: z.array(bootstrapViewSchema) }),
]);

export type BootstrapAnswer = z.output<typeof bootstrapAnswerSchema>;
