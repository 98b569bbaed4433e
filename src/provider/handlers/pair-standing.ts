import type { SiteStanding } from '../../worker/control/spec-refusals.ts';
import type { WorkerApi } from '../ports.ts';

/** What of a site stands against other prefixes, as far as its worker says. */
export type PrefixStanding = Pick<SiteStanding, 'links' | 'moved' | 'copies'>;

export const nothingStands: PrefixStanding = { links: [], moved: [], copies: [] };

/** Throws what the worker answers, or that it does not. */
export async function standingAt(api: WorkerApi, signal: AbortSignal): Promise<PrefixStanding> {
  const [links, topics, roles] = await Promise.all([api.links(signal), api.topics(signal), api.roles(signal)]);
  return {
    links: links.map(({ id }) => id),
    moved: roles.map(({ topic }) => topic),
    copies: topics.map(({ name }) => name),
  };
}

/** Of both sites together. */
export function standingOf(sites: readonly PrefixStanding[]): PrefixStanding {
  return {
    links: [...new Set(sites.flatMap(({ links }) => links))].toSorted(),
    moved: [...new Set(sites.flatMap(({ moved }) => moved))].toSorted(),
    copies: sites.flatMap(({ copies }) => copies),
  };
}
