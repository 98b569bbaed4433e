import type { SiteId } from '../pair/site.ts';
import type { WorkerConfig } from './worker-config.ts';

export type SitePrincipals = { readonly kind: 'known'; readonly names: readonly string[] } | UnknownPrincipals;

export interface UnknownPrincipals {
  readonly kind: 'unknown';
  readonly why: string;
  readonly remedy: string;
}

/** Who umbra is to the authorizer of a site's cluster, and what that one goes by beside its ACLs. */
export interface SiteRights {
  /** Of umbra, with their type. */
  readonly principals: SitePrincipals;
  readonly superUsers: readonly string[];
  readonly allowsWithoutAcl: boolean;
}

/** {@link siteRights} of both. */
export function rightsAtSites(config: Declared): Readonly<Record<SiteId, SiteRights>> {
  return { a: siteRights(config, 'a'), b: siteRights(config, 'b') };
}

type Declared = Pick<WorkerConfig, 'clusters' | 'principals' | 'authorizers'>;

/**
 * Pure. What the worker's file declares; of principals else what the credentials tell: a user name is one, a certificate's
 * or a token's depends on rules of the brokers. Who connects without any of these has no principal of its own.
 */
export function siteRights({ clusters, principals, authorizers }: Declared, site: SiteId): SiteRights {
  const { superUsers = [], allowEveryoneIfNoAclFound: allowsWithoutAcl = false } = authorizers?.[site] ?? {};
  const rest = { superUsers, allowsWithoutAcl };
  const declared = principals?.[site];
  if (declared !== undefined) return { principals: { kind: 'known', names: declared }, ...rest };
  const { sasl, tls } = clusters[site];
  const unknown = (by: string): SiteRights => ({
    principals: {
      kind: 'unknown',
      why: `which principal umbra is at site ${site} is not known: it authenticates by ${by}`,
      remedy: `Declare it in the worker's file, such as "principals": { "${site}": ["User:CN=umbra"] }, and start the worker again.`,
    },
    ...rest,
  });
  if (sasl !== undefined && !('username' in sasl)) {
    return unknown(sasl.mechanism === 'AWS_MSK_IAM' ? 'an IAM role' : 'a token');
  }
  if (sasl !== undefined) return { principals: { kind: 'known', names: [`User:${sasl.username}`] }, ...rest };
  return tls?.certFile === undefined ? { principals: { kind: 'known', names: [] }, ...rest } : unknown('a certificate');
}
