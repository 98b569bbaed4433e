import type { Cluster, ClusterMetadata } from '../../kafka/cluster.ts';
import type { LinkMeters } from '../../replication/streams/link-meters.ts';

export interface BothClusters {
  readonly source: ClusterMetadata;
  readonly target: ClusterMetadata;
}

/** All topics of both clusters; which of them failed goes to the meters. Throws what the source, else the target threw. */
export async function lookAtBoth(
  clusters: { readonly source: Cluster; readonly target: Cluster },
  meters: LinkMeters,
): Promise<BothClusters> {
  const [source, target] = await Promise.allSettled([clusters.source.metadata('all'), clusters.target.metadata('all')]);
  if (source.status === 'rejected') meters.sourceFailed(source.reason);
  else meters.source.good();
  if (target.status === 'rejected') meters.targetFailed(target.reason);
  else meters.target.good();
  if (source.status === 'rejected') throw source.reason;
  if (target.status === 'rejected') throw target.reason;
  return { source: source.value, target: target.value };
}
