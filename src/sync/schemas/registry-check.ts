import type { Cluster } from '../../kafka/cluster.ts';
import { ConnectionError, KafkaError, MalformedError } from '../../kafka/errors.ts';
import { type SiteId } from '../../pair/site.ts';
import { judgeRegistries, type RegistryFinding, type SiteRegistries } from '../../schema-primary/judge-registries.ts';
import type { AnsweredVersion } from '../../schema-primary/registry-sight.ts';
import { lookAtRegistryGroup } from './registry-group.ts';
import type { RegistryConfig } from './registry-config.ts';
import { askedVersionsMax, probeRegistry } from './registry-probe.ts';

/** Where the registries of both sites can be asked; a site without one is looked at by its cluster only. */
export type RegistryConfigs = Readonly<Partial<Record<SiteId, RegistryConfig>>>;

export interface RegistryCheck {
  readonly primary: SiteId;
  readonly clusters: Readonly<Record<SiteId, Cluster>>;
  readonly registries: RegistryConfigs;
  /** Of the group in which registries elect who writes, where it is not the default. */
  readonly group?: string;
  /** Versions that the site's log names, to be asked of its registry ({@link askedVersionsMax} at most). */
  versionsIn(site: SiteId, max: number): readonly AnsweredVersion[];
}

/**
 * Asks the registries of both sites, over HTTP and by their group, whether they keep to their roles. Changes nothing.
 * A cluster that cannot be reached is left to whoever checks connections.
 */
export async function checkRegistries(check: RegistryCheck, signal: AbortSignal): Promise<readonly RegistryFinding[]> {
  const [a, b] = await Promise.all([look(check, 'a', signal), look(check, 'b', signal)]);
  return judgeRegistries(check.primary, { a, b });
}

async function look(check: RegistryCheck, site: SiteId, signal: AbortSignal): Promise<SiteRegistries> {
  const config = check.registries[site];
  const logged = check.versionsIn(site, askedVersionsMax);
  const group = await lookAtRegistryGroup(check.clusters[site], signal, check.group);
  const http = config === undefined ? undefined : await probeRegistry(config, logged, signal);
  return { http, group, clusterId: await clusterIdOf(check.clusters[site]), logged };
}

async function clusterIdOf(cluster: Cluster): Promise<string | undefined> {
  try {
    return (await cluster.metadata([])).clusterId;
  } catch (error) {
    if (error instanceof KafkaError || error instanceof ConnectionError || error instanceof MalformedError)
      return undefined;
    throw error;
  }
}
