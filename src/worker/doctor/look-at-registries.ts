import type { Cluster } from '../../kafka/cluster.ts';
import { type SiteId } from '../../pair/site.ts';
import type { RegistryFinding } from '../../schema-primary/judge-registries.ts';
import { checkRegistries } from '../../sync/schemas/registry-check.ts';
import { KafkaSchemaLog } from '../../sync/schemas/schema-log.ts';
import { SchemaSync } from '../../sync/schemas/schema-sync.ts';
import type { Finding } from '../finding.ts';
import type { WorkerConfig } from '../worker-config.ts';
import type { Attempts } from './attempts.ts';
import { found, inOrder } from './doctor-codes.ts';
import type { PairSight, SiteSight } from './site-sight.ts';

export interface RegistryLook {
  readonly config: WorkerConfig;
  readonly clusters: Readonly<Record<SiteId, Cluster>>;
  readonly pair: PairSight;
  readonly sights: readonly SiteSight[];
  readonly attempts: Attempts;
  readonly now: Date;
  readonly signal: AbortSignal;
}

/** Whether the schema registries keep to their roles, by HTTP where their URLs are configured and by their group. */
export async function lookAtRegistries(look: RegistryLook): Promise<readonly Finding[]> {
  const { config, clusters, pair, sights, attempts, now, signal } = look;
  const primary = pair.schemasAt ?? pair.schemaPrimary?.site;
  // A site that does not answer has been named already, and would be waited for once more.
  if (primary === undefined || sights.length < 2) return [];
  const sync = new SchemaSync({
    schemaPrimary: () => primary,
    logs: { a: new KafkaSchemaLog(clusters.a), b: new KafkaSchemaLog(clusters.b) },
    now: () => now,
  });
  const { a, b } = config.registries ?? {};
  const registries = { ...(a === undefined ? {} : { a }), ...(b === undefined ? {} : { b }) };
  const seen = await attempts.at(primary)('the schema registries', async () => {
    // Only what registries are asked for needs the log.
    if (a !== undefined || b !== undefined) await sync.round(signal);
    const versionsIn = sync.newestVersions.bind(sync);
    return checkRegistries({ primary, clusters, registries, versionsIn }, signal);
  });
  return (seen ?? []).map(coded);
}

function coded({ level, site, subject, message, remedy = '' }: RegistryFinding): Finding {
  if (level === 'ok') return inOrder(site, subject, message);
  return found(level === 'error' ? 'REGISTRY_WRONG' : 'REGISTRY_DOUBTFUL', { site, message, remedy });
}
