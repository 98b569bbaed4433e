import { createHash } from 'node:crypto';
import { z } from 'zod';
import { drillListSchema } from '../drill/drill-spec.ts';
import { siteIdSchema } from '../pair/site.ts';
import { linkId, pairSpecSchema } from '../pair/spec.ts';
import { declaredPolicySchema } from '../prefix-policy/declared-policy.ts';
import { canonicalJson } from '../schema-primary/canonical-json.ts';

/** Names of the two documents of a site. */
export const documentNames = { spec: 'spec.json', status: 'status.json' } as const;

export const revisionSchema = z.int().min(1);

/** What is declared at one site: sections of the pair's spec, each at most once. */
export const siteSpecSchema = z
  .strictObject({
    ...pairSpecSchema.shape,
    prefixPolicy: declaredPolicySchema.optional(),
    /** Ids of links that may be forgotten although topics follow them; their copies stay as they are. */
    detach: z.array(z.string().min(1).max(64)).max(2).default([]),
    /** Of this site, by name. Left out they stay as they are; one that is not in it is taken back. */
    drills: drillListSchema.optional(),
  })
  .superRefine(({ links, detach }, context) => {
    for (const [index, id] of detach.entries()) {
      if (!links.some((link) => linkId(link) === id)) continue;
      const message = `is declared in "links", too: leave the link ${id} out of one of them`;
      context.addIssue({ code: 'custom', path: ['detach', index], message });
    }
  });

export type SiteSpec = z.output<typeof siteSpecSchema>;

/** What was declared last; whoever replaces it counts the revision up. */
const specDocumentSchema = z.strictObject({
  version: z.literal(1, { error: 'is a version of this document that this umbra does not know: use the same umbra' }),
  site: siteIdSchema,
  revision: revisionSchema,
  writtenAt: z.iso.datetime(),
  /** Of {@link specHash}: a document that was cut off, or edited by hand, is not taken. */
  hash: z.string().regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of the document as 64 hexadecimal digits'),
  spec: siteSpecSchema,
});

export type SpecDocument = z.output<typeof specDocumentSchema>;

/** SHA-256 of what counts, as it stands there: independent of the order of fields, and of what a newer version would fill in. */
export function specHash({ site, revision, spec }: { site?: unknown; revision?: unknown; spec?: unknown }): string {
  const text = canonicalJson(JSON.stringify({ site, revision, spec }));
  if (text === undefined) throw new Error('invariant: it was JSON');
  return createHash('sha256').update(text).digest('hex');
}

export function renderSpecDocument(document: Omit<SpecDocument, 'version' | 'hash'>): string {
  return `${JSON.stringify({ version: 1, ...document, hash: specHash(document) }, undefined, 2)}\n`;
}

export type ParsedSpecDocument =
  | { readonly kind: 'accepted'; readonly document: SpecDocument }
  /** One line. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Pure. Whose document it is belongs to what is checked: buckets are mixed up as easily as clusters. */
export function parseSpecDocument(
  text: string,
  { pair, site }: { readonly pair: string; readonly site: SpecDocument['site'] },
): ParsedSpecDocument {
  const refused = (reason: string): ParsedSpecDocument => ({ kind: 'refused', reason });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refused('is no JSON: it was cut off, or written by somebody else');
  }
  const parsed = specDocumentSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refused(`${z.core.toDotPath(issue?.path ?? [])}: ${issue?.message ?? 'is wrong'}`);
  }
  const document = parsed.data;
  if (document.spec.name !== pair)
    return refused(`is of the pair "${document.spec.name}", this is "${pair}": are the buckets mixed up?`);
  if (document.site !== site)
    return refused(`is of site ${document.site}, this is site ${site}: are the buckets swapped?`);
  if (document.hash !== specHash(json as object))
    return refused('does not have the hash that it names: it was edited by hand or damaged');
  return { kind: 'accepted', document };
}
