import type { SiteId } from '../pair/site.ts';

/** Topics of one site that are not primary at home: all that begin with its prefix, or single ones. */
export type MovedTopics = { readonly kind: 'all' } | { readonly kind: 'topics'; readonly topics: ReadonlySet<string> };

/** By home: what each site has given away to the other one. */
export type MovedNames = Readonly<Record<SiteId, MovedTopics>>;

const none: MovedTopics = { kind: 'topics', topics: new Set() };

export const nothingMoved: MovedNames = { a: none, b: none };

/** The moved topics that begin with `prefix`, one by one; `all` where whatever begins so has moved. */
export function movedWithin(moved: MovedTopics, prefix: string): 'all' | readonly string[] {
  return moved.kind === 'all' ? 'all' : [...moved.topics].filter((name) => name.startsWith(prefix)).sort();
}
