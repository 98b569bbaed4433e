import { type FenceMemory, type FencePage, fencePageSchema } from '../../sync/acls/fence-book.ts';
import type { SiteState } from './state.ts';

const fencePrefix = 'fence/';

/** What the fences of a site stand on, as its `_umbra` keeps it: who may read it, at either site, knows what they changed. */
export function fenceMemory(state: Pick<SiteState, 'section'>): FenceMemory {
  const section = state.section(fencePrefix, fencePageSchema);
  return {
    pages: () => section.all(),
    put: (pages, signal) =>
      section.write(
        pages.map((page) => [`${page.id}/${page.page}`, isEmpty(page) ? undefined : page] as const),
        signal,
      ),
  };
}

function isEmpty({ names, withdrawn, added }: FencePage): boolean {
  return names.length + withdrawn.length + added.length === 0;
}
