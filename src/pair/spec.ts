import { z } from 'zod';
import { schemaPrimarySchema } from '../schema-primary/schema-primary.ts';
import { siteIdSchema } from './site.ts';
import { topicPolicySchema } from './topic-policy.ts';

/** Name of a pair; the same at both sites. It becomes part of metric labels, file names and resource names. */
export const pairNameSchema = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'must match [a-z][a-z0-9-]{0,39}');

/**
 * Which prefix of topic names is home at which site, e.g. `{ a: 'a_', b: 'b_' }`.
 * Shape only: whether the two prefixes are safe together is proven by `provePrefixes` (prefix-policy).
 */
export const prefixOwnersSchema = z.strictObject({
  a: z.string({ error: 'must be the prefix of the topics of site a, as text' }),
  b: z.string({ error: 'must be the prefix of the topics of site b, as text' }),
});

export type PrefixOwners = z.output<typeof prefixOwnersSchema>;

/**
 * What becomes of offsets that do not exist at the source (compaction, a log start above 0) where they are more than the
 * link fills unasked: `fault` stops the partition and names the price, `fill` pays it.
 */
export const gapDecisionSchema = z.enum(['fault', 'fill'], { error: 'must be "fault" or "fill"' });

export type GapDecision = z.output<typeof gapDecisionSchema>;

/**
 * What a link does where ACLs of the destination let somebody else write its copies: `report` names him, with `refuse` the
 * link does not start, nor where the destination has no authorizer.
 */
export const linkAclsSchema = z.strictObject({
  leaks: z.enum(['report', 'refuse'], { error: 'must be "report" or "refuse"' }).default('report'),
});

/** One direction of copying. It is defined at, stored at and run by `to`. */
export const linkSpecSchema = z
  .strictObject({
    from: siteIdSchema,
    to: siteIdSchema,
    /** Default `fault`. */
    gap: gapDecisionSchema.optional(),
    topics: topicPolicySchema.optional(),
    acls: linkAclsSchema.optional(),
  })
  .refine((link) => link.from !== link.to, {
    path: ['to'],
    error: 'must be the other site than "from": a link joins the two sites',
  });

export type LinkSpec = z.output<typeof linkSpecSchema>;

/** `a-b` for the link from site a to site b. */
export function linkId(link: Pick<LinkSpec, 'from' | 'to'>): string {
  return `${link.from}-${link.to}`;
}

/** Wiring and policy of a pair. Roles (who is primary of a topic now) are not declared, they are read: see ownership.ts. */
export const pairSpecSchema = z.strictObject({
  name: pairNameSchema,
  prefixPolicy: prefixOwnersSchema.optional(),
  schemaPrimary: schemaPrimarySchema.optional(),
  links: z.array(linkSpecSchema).superRefine(refuseDuplicateLinks),
});

export type PairSpec = z.output<typeof pairSpecSchema>;

function refuseDuplicateLinks(links: readonly LinkSpec[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  for (const [index, link] of links.entries()) {
    const id = linkId(link);
    if (seen.has(id)) {
      context.addIssue({
        code: 'custom',
        path: [index],
        message: `repeats the link ${id}: each direction may be declared once; remove one of them`,
      });
    }
    seen.add(id);
  }
}
