import type { Logger } from 'pino';
import type { Cluster } from '../kafka/cluster.ts';
import type { SiteId } from '../pair/site.ts';
import { stateTopic } from '../prefix-policy/internal-names.ts';
import { retryDelays } from '../replication/waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../replication/waiting/wakeup.ts';
import { recordedSite, whyForeign } from './state/site-record.ts';
import { SiteState } from './state/state.ts';

/** One that hangs is given up, and begun anew. */
const readMsMax = 60_000;

export interface OwnSitePorts {
  /** Of the worker's own site. */
  readonly cluster: Cluster;
  readonly site: SiteId;
  readonly logger: Logger;
  /** Why the worker does not begin. */
  readonly told: (why: string) => void;
}

/** Which site a cluster is, by its `_umbra`; undefined where it has none, or none that we may see. Throws what it throws. */
export async function siteOfCluster(cluster: Cluster, signal: AbortSignal): Promise<SiteId | undefined> {
  const { topics } = await cluster.metadata([stateTopic]);
  if (!topics.has(stateTopic)) return undefined;
  const state = new SiteState(cluster);
  await state.catchUp(signal);
  return recordedSite(state);
}

/**
 * True as soon as the own cluster has shown that it is no other site: a worker that takes one site for the other would give
 * rights to the wrong one. A cluster that does not answer is waited for. False when it is another site, and when `signal`
 * aborts: then this worker must not join those of the site.
 */
export async function isOwnSite({ cluster, site, logger, told }: OwnSitePorts, signal: AbortSignal): Promise<boolean> {
  const pause = new Wakeup();
  for (let attempt = 1; !hasAborted(signal); attempt++) {
    try {
      const recorded = await siteOfCluster(cluster, AbortSignal.any([signal, AbortSignal.timeout(readMsMax)]));
      const why = whyForeign(recorded, site);
      if (why === undefined) return true;
      told(why);
      logger.error({ site, recorded }, `this worker does nothing: ${why}`);
      return false;
    } catch (error) {
      if (hasAborted(signal)) return false;
      told(error instanceof Error ? error.message : String(error));
      logger.warn({ err: error }, 'the own cluster cannot be read; trying again');
    }
    await pause.wait(signal, retryDelays.after(attempt));
  }
  return false;
}
