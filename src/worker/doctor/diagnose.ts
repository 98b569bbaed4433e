import { Cluster, type ClusterMetadata } from '../../kafka/cluster.ts';
import { type ConnectionLimits, defaultLimits } from '../../kafka/connection.ts';
import { newestRole } from '../../pair/schemas-home.ts';
import { otherSite, type SiteId, sites } from '../../pair/site.ts';
import type { Finding } from '../finding.ts';
import { rightsAtSites } from '../site-rights.ts';
import type { WorkerConfig } from '../worker-config.ts';
import { Attempts } from './attempts.ts';
import { checkConnections, checkIdentities } from './check-connections.ts';
import { checkCopies, checkLogs } from './check-copies.ts';
import { checkLeaks } from './check-leaks.ts';
import { checkAgreement, checkPolicy } from './check-policy.ts';
import { checkReplicas } from './check-replicas.ts';
import { checkReturned } from './check-returned.ts';
import { checkRights } from './check-rights.ts';
import { checkSettings } from './check-settings.ts';
import { checkClock, checkWorkers } from './check-workers.ts';
import { copiesAt } from './copy-sight.ts';
import { lookAtLogs } from './look-at-logs.ts';
import { lookAtRegistries } from './look-at-registries.ts';
import { doctorClientId, doctorLimits, lookAtSite, readState } from './look-at-site.ts';
import type { PairSight, SiteSight } from './site-sight.ts';
import { unanswered } from './unanswered.ts';

export interface DiagnoseOptions {
  readonly config: WorkerConfig;
  readonly signal: AbortSignal;
  /** Default: of this machine. */
  readonly now?: () => Date;
}

/**
 * Looks at both clusters with the worker's own credentials and says what is wrong, or will be when something else happens:
 * doctor-codes.ts is the list. Believes no worker and needs none. Changes nothing.
 */
export async function diagnose({
  config,
  signal,
  now = () => new Date(),
}: DiagnoseOptions): Promise<readonly Finding[]> {
  const limits = doctorLimits(defaultLimits);
  const connect = (site: SiteId): Cluster =>
    new Cluster(`site ${site}`, config.clusters[site], { clientId: doctorClientId, limits });
  const clusters = { a: connect('a'), b: connect('b') };
  // A broker that accepts and says nothing must not hold up who asked to stop.
  const abandon = (): void => void Promise.all(sites.map((site) => clusters[site].close()));
  signal.addEventListener('abort', abandon, { once: true });
  try {
    return await examine({ config, clusters, limits, signal, now: now() });
  } finally {
    signal.removeEventListener('abort', abandon);
    await Promise.all(sites.map((site) => clusters[site].close()));
  }
}

interface Examination {
  readonly config: WorkerConfig;
  readonly clusters: Readonly<Record<SiteId, Cluster>>;
  readonly limits: ConnectionLimits;
  readonly signal: AbortSignal;
  readonly now: Date;
}

async function examine(examination: Examination): Promise<readonly Finding[]> {
  const { config, clusters, limits, signal, now } = examination;
  const attempts = new Attempts(signal);
  const entries = await Promise.all(sites.map((site) => enter(site, examination)));
  const silent = entries.flatMap((entry) => ('finding' in entry ? [entry.finding] : []));
  const entered = entries.flatMap((entry) => ('finding' in entry ? [] : [entry]));
  const spec = entered.flatMap(({ state }) => (state.kind === 'read' ? [state.spec] : []));
  const schemaPrimary = spec.find((each) => each.schemaPrimary !== undefined)?.schemaPrimary;
  const pair: PairSight = {
    owners: spec.find(({ owners }) => owners !== undefined)?.owners,
    policy: spec.find(({ policy }) => policy !== undefined)?.policy,
    schemaPrimary,
    schemasAt: newestRole(spec.flatMap(({ schemasRole }) => schemasRole ?? []))?.primary ?? schemaPrimary?.site,
  };
  const sights = await Promise.all(entered.map((each) => lookAtSite(each, pair, { attempts, signal, limits })));
  const ofSites = await Promise.all(sights.map((sight) => examineSite(sight, sights, { pair, attempts, examination })));
  const registries = await lookAtRegistries({ config, clusters, pair, sights, attempts, now, signal });
  return [
    ...silent,
    ...checkIdentities(sights),
    ...checkAgreement(sights),
    ...ofSites.flat(),
    ...registries,
    ...attempts.findings,
  ];
}

interface Entry {
  readonly site: SiteId;
  readonly cluster: Cluster;
  readonly config: WorkerConfig['clusters'][SiteId];
  readonly metadata: ClusterMetadata;
  readonly state: Awaited<ReturnType<typeof readState>>;
}

async function enter(site: SiteId, examination: Examination): Promise<Entry | { readonly finding: Finding }> {
  const { clusters, config, signal } = examination;
  const cluster = clusters[site];
  try {
    const metadata = await cluster.metadata('all');
    const state = await readState(cluster, metadata, signal);
    return { site, cluster, config: config.clusters[site], metadata, state };
  } catch (error) {
    signal.throwIfAborted();
    return { finding: unanswered(site, error) };
  }
}

interface Surroundings {
  readonly pair: PairSight;
  readonly attempts: Attempts;
  readonly examination: Examination;
}

async function examineSite(
  sight: SiteSight,
  sights: readonly SiteSight[],
  { pair, attempts, examination }: Surroundings,
): Promise<readonly Finding[]> {
  const { config, clusters, signal, now } = examination;
  const { site } = sight;
  const from = otherSite(site);
  const rights = rightsAtSites(config);
  const source = sights.find((each) => each.site === from);
  const copies = copiesAt(sight, source);
  const logs =
    source === undefined
      ? []
      : await attempts.at(site)('where the copies end', () =>
          lookAtLogs({ source: clusters[from], target: clusters[site], copies, now, signal }),
        );
  return [
    ...checkConnections(sight, now),
    ...checkRights(sight, pair),
    ...checkLeaks(sight, pair, { source: rights[from], target: rights[site] }),
    ...checkPolicy(sight, pair),
    ...checkReturned(sight),
    ...checkCopies(sight, copies),
    ...(source === undefined ? [] : checkLogs(logs ?? [], source, now)),
    ...checkReplicas(sight, copies, pair),
    ...checkSettings(sight, {
      copies,
      source,
      sessionTimeoutMs: site === config.site ? config.group.sessionTimeoutMs : undefined,
      clientIds: sites.map((each) => `umbra-${config.pair}-${each}`),
    }),
    ...checkClock(sight),
    ...checkWorkers(sight),
  ];
}
