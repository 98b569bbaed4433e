import pulumi from '@pulumi/pulumi';
import { sites } from '../src/pair/site.ts';
import { type CheckedCluster, checkCluster } from '../src/provider/resources/check-cluster.ts';
import { clusterArgs } from '../src/provider/resources/cluster-args.ts';
import type { ExistingClusters } from '../src/provider/resources/region-pair.ts';
import type { PairConfig } from './config.ts';

type ExistingConfig = Extract<PairConfig, { target: 'existing' }>;

interface CheckedSites {
  readonly a: CheckedCluster;
  readonly b: CheckedCluster;
}

/**
 * Two clusters that are there already, asked before any resource is made: a wrong address or password, or one cluster
 * given twice, ends the program here with one line each.
 */
export async function existingClusters(config: ExistingConfig): Promise<ExistingClusters> {
  const [a, b] = await Promise.all([checkCluster(config.sites.a), checkCluster(config.sites.b)]);
  const judged = judgeSites({ a, b });
  if (judged.kind === 'refused') throw new pulumi.RunError(judged.lines.join('\n'));
  for (const line of judged.warnings) await pulumi.log.warn(line);
  const site = (id: 'a' | 'b'): ExistingClusters['sites']['a'] => ({
    cluster: clusterArgs(config.sites[id]),
    clusterId: judged.clusterIds[id],
    ...(config.canary === undefined ? {} : { canary: clusterArgs(config.canary[id]) }),
  });
  return { kind: 'existing', sites: { a: site('a'), b: site('b') } };
}

export type JudgedSites =
  | { readonly kind: 'refused'; readonly lines: readonly string[] }
  | {
      readonly kind: 'accepted';
      readonly clusterIds: { readonly a: string; readonly b: string };
      readonly warnings: readonly string[];
    };

/** Pure: whether what was found can be the two sites of a pair. */
export function judgeSites({ a, b }: CheckedSites): JudgedSites {
  if (a.kind === 'refused' || b.kind === 'refused') {
    const lines = sites.flatMap((site) => {
      const checked = site === 'a' ? a : b;
      return checked.kind === 'refused' ? [`umbra:sites.${site}: ${checked.reason}`] : [];
    });
    return { kind: 'refused', lines };
  }
  if (a.clusterId === b.clusterId) {
    const line = `umbra:sites.b: is the same cluster as site a (cluster id ${b.clusterId}); a pair needs two clusters`;
    return { kind: 'refused', lines: [line] };
  }
  const taken = sites.flatMap((site) => {
    const is = (site === 'a' ? a : b).site;
    const line = `umbra:sites.${site}: this cluster is site ${is} of a pair, its topic _umbra says so; are the sites swapped? Give each its own cluster back`;
    return is === undefined || is === site ? [] : [line];
  });
  if (taken.length > 0) return { kind: 'refused', lines: taken };
  const open = sites.filter((site) => !(site === 'a' ? a : b).authorizer);
  const warnings = open.map(
    (site) => `umbra:sites.${site}: this cluster has no authorizer: anybody can write the copies there (unfenced)`,
  );
  return { kind: 'accepted', clusterIds: { a: a.clusterId, b: b.clusterId }, warnings };
}
