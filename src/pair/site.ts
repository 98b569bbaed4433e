import { z } from 'zod';

/** The two sites of a pair. A site is one Kafka cluster in one region; there is never a third. */
export const siteIdSchema = z.enum(['a', 'b'], { error: 'must be "a" or "b"' });

export type SiteId = z.output<typeof siteIdSchema>;

export const sites: readonly SiteId[] = siteIdSchema.options;

export function otherSite(site: SiteId): SiteId {
  return site === 'a' ? 'b' : 'a';
}
