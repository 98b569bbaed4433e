import type { PrefixOwners } from '../pair/spec.ts';
import { ownerOf } from './prefix-policy.ts';

/** Names that belong to a site now and would not, or to the other one, under the next prefixes. Pure; both are proven. */
export function namesLetGo(
  names: Iterable<string>,
  { now, next }: { readonly now: PrefixOwners; readonly next: PrefixOwners },
): readonly string[] {
  return [...new Set(names)]
    .filter((name) => {
      const home = ownerOf(name, now);
      return home !== undefined && ownerOf(name, next) !== home;
    })
    .toSorted();
}
