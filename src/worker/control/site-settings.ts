import type { Logger } from 'pino';
import { type DrillSettings, drillSettings } from '../drill/drills-config.ts';
import { type QuarantinePlaces, quarantineOf } from '../quarantine-of.ts';
import { type Repoint, siteHooks } from '../repoint/site-hooks.ts';
import { rightsAtSites, type SiteRights } from '../site-rights.ts';
import type { SiteId } from '../../pair/site.ts';
import type { WorkerConfig } from '../worker-config.ts';

/** What the control of a site takes from its worker's file. */
export interface SiteSettings extends QuarantinePlaces {
  readonly site: SiteId;
  readonly pair: string;
  readonly discoveryIntervalMs: number;
  readonly rights: Readonly<Record<SiteId, SiteRights>>;
  readonly repoint: Repoint;
  readonly drills: DrillSettings;
}

export function siteSettings(config: WorkerConfig, logger: Logger): SiteSettings {
  const { site, pair } = config;
  // Loaded when it is asked for: a worker does without.
  const diagnosing: DrillSettings['diagnose'] = async (signal) => {
    const { diagnose } = await import('../doctor/diagnose.ts');
    return diagnose({ config, signal });
  };
  return {
    ...{ site, pair, discoveryIntervalMs: config.tuning.discoveryIntervalMs, rights: rightsAtSites(config) },
    ...{ repoint: siteHooks(config, logger), drills: drillSettings(config, diagnosing), ...quarantineOf(config) },
  };
}
