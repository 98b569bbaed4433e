import { otherSite, type SiteId } from '../pair/site.ts';
import type { PrefixOwners } from '../pair/spec.ts';
import type { AclBinding, AclOperation } from './acl-binding.ts';

/** Several operations on one resource for one purpose. `why` is one line, for the docs and for people who audit. */
export interface Grant {
  readonly principal: string;
  /** Where other than from anywhere (`*`). */
  readonly host?: string;
  readonly resource: Pick<AclBinding, 'resourceType' | 'resourceName' | 'patternType'>;
  readonly operations: readonly AclOperation[];
  readonly why: string;
}

/** How the names of one site begin. */
export interface Prefixes {
  readonly topics: string;
  readonly groups: string;
  readonly transactionalIds: string;
}

/** Which names are whose; groups and transactional ids begin as topics do unless they have prefixes of their own. */
export interface NamesOfSite {
  readonly site: SiteId;
  /** Of topics. Proven (see `provePrefixes`). */
  readonly owners: PrefixOwners;
  readonly groups?: PrefixOwners | undefined;
  readonly transactionalIds?: PrefixOwners | undefined;
}

export function prefixesAt({ site, owners, groups = owners, transactionalIds = owners }: NamesOfSite): {
  readonly own: Prefixes;
  readonly foreign: Prefixes;
} {
  const of = (each: SiteId): Prefixes => ({
    topics: owners[each],
    groups: groups[each],
    transactionalIds: transactionalIds[each],
  });
  return { own: of(site), foreign: of(otherSite(site)) };
}

export function prefixed(resourceType: AclBinding['resourceType'], resourceName: string): Grant['resource'] {
  return { resourceType, resourceName, patternType: 'PREFIXED' };
}

export function literal(resourceType: AclBinding['resourceType'], resourceName: string): Grant['resource'] {
  return { resourceType, resourceName, patternType: 'LITERAL' };
}
