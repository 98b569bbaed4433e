import { z } from 'zod';
import { type SiteId, siteIdSchema } from '../../pair/site.ts';
import { stateTopic } from '../../prefix-policy/internal-names.ts';
import type { SiteState } from './state.ts';

const sitePrefix = 'site/';
const siteRecordSchema = z.strictObject({ site: siteIdSchema });

/** Whose `_umbra` this is; undefined where nobody has led here yet. */
export function recordedSite(state: Pick<SiteState, 'section' | 'links' | 'shadows'>): SiteId | undefined {
  const [record] = state.section(sitePrefix, siteRecordSchema).all();
  if (record !== undefined) return record.site;
  // An older version did not write it down; but what it did write has to do with links that end here.
  const [link] = state.links();
  if (link !== undefined) return link.to;
  const end = state.shadows()[0]?.link.split('-').at(-1);
  return siteIdSchema.safeParse(end).data;
}

/** To be called by who leads: whoever takes the cluster for another site from then on is refused. */
export async function claimSite(
  state: Pick<SiteState, 'section' | 'links' | 'shadows'>,
  site: SiteId,
  signal: AbortSignal,
): Promise<void> {
  const why = whyForeign(recordedSite(state), site);
  if (why !== undefined) throw new Error(why);
  const section = state.section(sitePrefix, siteRecordSchema);
  if (section.all().length === 0) await section.write([['', { site }]], signal);
}

/** One line; undefined where the cluster may be that site. Pure. */
export function whyForeign(recorded: SiteId | undefined, site: SiteId): string | undefined {
  if (recorded === undefined || recorded === site) return undefined;
  return `the cluster given as site ${site} is site ${recorded} (${stateTopic} there says so): are the sites swapped? Give each site its own cluster back`;
}
