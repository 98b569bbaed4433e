import type { Cluster } from '../../kafka/cluster.ts';
import { partitionsOf } from './look-interval.ts';
import type { SiteId } from '../../pair/site.ts';
import type { PrefixOwners } from '../../pair/spec.ts';
import { judgeTopics, type Violation } from '../../prefix-policy/prefix-policy.ts';
import type { SchemaPrimary } from '../../schema-primary/schema-primary.ts';

export interface SiteWatchInput {
  readonly site: SiteId;
  readonly owners: PrefixOwners | undefined;
  readonly schemaPrimary: SchemaPrimary | undefined;
  readonly shadows: ReadonlySet<string>;
}

export interface SiteSight {
  readonly clusterId: string | undefined;
  readonly violations: readonly Violation[];
  /** Of all topics. */
  readonly partitions: number;
}

/** One look at the site's own cluster: who it is, and which of its topics break the prefix policy. */
export async function watchSite(
  cluster: Cluster,
  { site, owners, schemaPrimary, shadows }: SiteWatchInput,
): Promise<SiteSight> {
  const metadata = await cluster.metadata('all');
  const topics = [...metadata.topics.values()].filter(({ internal }) => !internal).map(({ name }) => name);
  const violations = owners === undefined ? [] : judgeTopics({ site, topics, shadows, owners, schemaPrimary });
  return { clusterId: metadata.clusterId, violations, partitions: partitionsOf(metadata) };
}
