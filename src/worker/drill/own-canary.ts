import type { ClusterConfig } from '../../kafka/cluster-config.ts';
import { type SiteId, sites } from '../../pair/site.ts';

type Login = Pick<ClusterConfig, 'sasl'>;

/**
 * Pure: canaries that are umbra itself at a site, with the path below `clients`. No fence stops umbra: such a canary would
 * find a site writable that is closed to every application.
 */
export function refuseOwnCanary({
  clusters,
  clients,
}: {
  readonly clusters: Readonly<Record<SiteId, Login>>;
  readonly clients: Readonly<Record<SiteId, Login>> | undefined;
}): readonly { readonly path: readonly string[]; readonly message: string }[] {
  if (clients === undefined) return [];
  return sites.flatMap((site) => {
    const [own, its] = [clusters[site].sasl, clients[site].sasl];
    if (own === undefined || its === undefined || !('username' in own && 'username' in its)) return [];
    if (own.username !== its.username) return [];
    return [{ path: [site, 'sasl', 'username'], message: 'is who umbra is: a canary has to be an application' }];
  });
}
