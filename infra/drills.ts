import type { SiteId } from '../src/pair/site.ts';
import type { ClusterConfig } from '../src/provider/resources/cluster-args.ts';
import {
  type CanaryClients,
  type DrillSpec,
  firstDrill,
  needsCanaries,
  refuseOwnCanary,
} from '../src/provider/resources/drill-settings.ts';
import { linkIds } from '../src/provider/resources/link-ids.ts';

/** Of the target `local` where `umbra:drills` is not set: a drill needs both directions. Pure. */
export function drillsOfLocal(
  drills: readonly DrillSpec[] | undefined,
  links: readonly string[],
): readonly DrillSpec[] {
  return drills ?? (linkIds.every((id) => links.includes(id)) ? [firstDrill] : []);
}

interface ExistingDrills {
  readonly drills: readonly DrillSpec[] | undefined;
  readonly canary: CanaryClients | undefined;
  readonly sites: Readonly<Record<SiteId, ClusterConfig>> | undefined;
}

/** What is wrong of drills at clusters that are there already, one line each. `here`: some worker is started by this program. */
export function existingDrillLines(
  { drills = [], canary, sites: clusters }: ExistingDrills,
  { here }: { readonly here: boolean },
): readonly string[] {
  const own = clusters === undefined ? [] : refuseOwnCanary({ clusters, clients: canary });
  const lines = own.map(({ path, message }) => `umbra:canary.${path.join('.')}: ${message}`);
  if (canary !== undefined || !here) return lines;
  for (const [index, drill] of drills.entries()) {
    if (!needsCanaries(drill)) continue;
    lines.push(
      `umbra:drills[${index}].level: ${drill.level} needs canaries; say by umbra:canary how an application reaches both sites`,
    );
  }
  return lines;
}
