import { z } from 'zod';
import { type DrillSpec, drillSpecSchema } from '../../drill/drill-spec.ts';
import { movesRoles } from '../../drill/level.ts';
import type { SiteId } from '../../pair/site.ts';
import { canaryClientSchema, drillsConfigSchema } from '../../worker/drill/drills-config.ts';
import type { ClusterConfig } from './cluster-args.ts';

export { drillListSchema, type DrillSpec, drillSpecSchema } from '../../drill/drill-spec.ts';
export { evidenceKeySchema } from '../../worker/drill/drills-config.ts';
export { refuseOwnCanary } from '../../worker/drill/own-canary.ts';

// What a program says of drills, parsed as the workers parse it.

export const labelsSchema = drillsConfigSchema.shape.labels;

/** Who the canaries are at each of two clusters that are there already. */
export const canaryClientsSchema = z.strictObject({ a: canaryClientSchema, b: canaryClientSchema });

export type CanaryClients = z.output<typeof canaryClientsSchema>;

/** With the addresses of the sites where it names none. */
export function canaryClusters(
  clients: CanaryClients,
  sites: Readonly<Record<SiteId, ClusterConfig>>,
): Readonly<Record<SiteId, ClusterConfig>> {
  const at = (site: SiteId): ClusterConfig => {
    const { bootstrapServers = sites[site].bootstrapServers, ...rest } = clients[site];
    return { ...rest, bootstrapServers };
  };
  return { a: at('a'), b: at('b') };
}

/** What moves something: canaries say what it cost. */
export function needsCanaries({ level }: Pick<DrillSpec, 'level'>): boolean {
  return movesRoles(level);
}

/** The drill that a pair on this machine has where nothing is said: both links are moved and brought home each night. */
export const firstDrill: DrillSpec = drillSpecSchema.parse({
  name: 'canary',
  level: 'L2',
  site: 'b',
  schedule: { cron: '0 3 * * *', jitter: '20m' },
});
