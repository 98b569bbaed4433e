import { isDeepStrictEqual } from 'node:util';
import { linkId } from '../pair/spec.ts';
import type { WorkerService } from '../worker/service.ts';
import type { JudgedSpec } from '../worker/spec-channel-view.ts';
import type { SiteDeclared } from '../worker/spec-desk.ts';
import type { SiteSpec } from './spec-document.ts';

/** One section of a declaration, as an order to the worker that leads the site. */
export interface SiteOrder {
  /** As {@link sectionNames} calls it. */
  readonly section: string;
  run(service: WorkerService, signal: AbortSignal): Promise<unknown>;
}

/** What a refusal calls the section that it is about. */
export const sectionNames = {
  prefixPolicy: 'prefix policy',
  schemaPrimary: 'schema primary',
  link: (id: string) => `link ${id}`,
  drill: (name: string) => `drill ${name}`,
} as const;

/**
 * Pure: what makes a site be as declared, in an order in which nothing stands on what is not there yet. Links that are not
 * declared any more go first, since prefixes are not changed under them; then the policy, on which links rest. A section
 * that a document leaves out stays as it is. Who registers schemas is a role, which moves: that it is elsewhere now than was
 * declared (`taken`) is no reason to declare it again.
 */
export function siteOrders(
  { prefixPolicy, schemaPrimary, links, detach, drills }: SiteSpec,
  inForce: SiteDeclared,
  taken?: Pick<JudgedSpec, 'schemaPrimary'>,
): readonly SiteOrder[] {
  const orders: SiteOrder[] = [];
  const declared = new Set(links.map(linkId));
  for (const id of inForce.links.map(linkId)) {
    if (declared.has(id)) continue;
    const mode = detach.includes(id) ? 'detach' : 'refuse';
    orders.push({
      section: sectionNames.link(id),
      run: (service, signal) => service.deleteLink(id, mode, signal),
    });
  }
  if (prefixPolicy !== undefined && !isDeepStrictEqual(prefixPolicy, inForce.prefixPolicy)) {
    orders.push({
      section: sectionNames.prefixPolicy,
      run: (service, signal) => service.putPrefixPolicy(prefixPolicy, signal),
    });
  }
  const samePrimary = [inForce.schemaPrimary, taken?.schemaPrimary].some((each) =>
    isDeepStrictEqual(each, schemaPrimary),
  );
  if (schemaPrimary !== undefined && !samePrimary) {
    orders.push({
      section: sectionNames.schemaPrimary,
      run: (service, signal) => service.putSchemaPrimary(schemaPrimary, signal),
    });
  }
  for (const link of links) {
    if (inForce.links.some((each) => isDeepStrictEqual(each, link))) continue;
    orders.push({ section: sectionNames.link(linkId(link)), run: (service, signal) => service.putLink(link, signal) });
  }
  orders.push(...drillOrders(drills, inForce.drills));
  return orders;
}

function drillOrders(declared: SiteSpec['drills'], inForce: SiteDeclared['drills']): readonly SiteOrder[] {
  if (declared === undefined) return [];
  const gone = inForce.filter(({ name }) => !declared.some((each) => each.name === name));
  const other = declared.filter((drill) => !inForce.some((each) => isDeepStrictEqual(each, drill)));
  return [
    ...gone.map(({ name }): SiteOrder => {
      return { section: sectionNames.drill(name), run: (service, signal) => service.drills().remove(name, signal) };
    }),
    ...other.map((drill): SiteOrder => {
      return { section: sectionNames.drill(drill.name), run: (service, signal) => service.drills().put(drill, signal) };
    }),
  ];
}
