import pulumi from '@pulumi/pulumi';
import { RegionPair } from '../src/provider/resources/region-pair.ts';
import type { PairConfig } from './config.ts';
import { existingClusters } from './existing.ts';
import { localClusters } from './local.ts';
import { workerArgs } from './workers.ts';

/** A pair whose workers are processes of this machine, at clusters that they bring along or that are there already. */
export async function processPair(config: Exclude<PairConfig, { target: 'aws' }>): Promise<RegionPair> {
  const { pair, prefixes, policy, schemaPrimary, links, onDelete, gap, topics, acls, apiToken } = config;
  // The name in Pulumi's state is fixed: renaming the pair must not make other resources of it.
  return new RegionPair('pair', {
    ...{ pair, prefixes, schemaPrimary, links, onDelete, gap },
    ...{ drills: config.drills, canaries: config.canaries, labels: config.labels },
    clusters: config.target === 'local' ? localClusters(config) : await existingClusters(config),
    ...(policy === undefined ? {} : { policy }),
    ...(topics === undefined ? {} : { topics }),
    ...(acls === undefined ? {} : { acls }),
    workers: workerArgs(config),
    workersPerSite: config.workersPerSite,
    ...(apiToken === undefined ? {} : { apiToken: pulumi.secret(apiToken) }),
  });
}
