import type { ClusterConfig } from '../../kafka/cluster-config.ts';
import type { SiteId } from '../../pair/site.ts';
import type { RepointHook } from './repoint-spec.ts';

/** Pure: probes that are umbra itself. It may write where applications may not: such a probe would find everything well. */
export function refuseOwnProbe({
  site,
  clusters,
  repoint = [],
}: {
  readonly site: SiteId;
  readonly clusters: Readonly<Record<SiteId, ClusterConfig>>;
  readonly repoint?: readonly RepointHook[] | undefined;
}): readonly { readonly path: readonly (string | number)[]; readonly message: string }[] {
  const own = clusters[site].sasl;
  return repoint.flatMap((hook, index) => {
    const its = hook.kind === 'probe' ? hook.client.sasl : undefined;
    if (own === undefined || its === undefined || !('username' in own && 'username' in its)) return [];
    if (own.username !== its.username) return [];
    const path = ['repoint', index, 'client', 'sasl', 'username'];
    return [{ path, message: 'is who umbra is: a probe has to be an application' }];
  });
}
