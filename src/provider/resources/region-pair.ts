import pulumi from '@pulumi/pulumi';
import type { SiteId } from '../../pair/site.ts';
import { renderSiteAcls } from '../../prefix-policy/acls.ts';
import { provePrefixes } from '../../prefix-policy/prefix-policy.ts';
import type { ClusterArgs } from './cluster-args.ts';
import { type DrillArgs, DrillSchedule } from './drill-schedule.ts';
import { type LinkId, linkIds } from './link-ids.ts';
import { LocalCluster, type LocalClusterArgs } from './local-cluster.ts';
import { LocalWorker, type LocalWorkerArgs } from './local-worker.ts';
import { type PolicyArgs, PrefixPolicy } from './prefix-policy.ts';
import { SchemaPrimary } from './schema-primary.ts';
import { ShadowLink, type ShadowLinkArgs } from './shadow-link.ts';
import type { SpecArgs } from './spec-args.ts';

export type PerSite<T> = Readonly<Record<SiteId, T>>;

/** Two brokers that the pair brings along; their ACLs are made from the prefixes. */
export interface LocalClusters {
  readonly kind: 'local';
  readonly sites: PerSite<Omit<LocalClusterArgs, 'site' | 'grants'>>;
}

/**
 * Two clusters that are there already. Their settings are not changed, nor anybody's rights but those that follow from the
 * links and the policy: ACLs that umbra made, see docs/acls.md.
 */
export interface ExistingClusters {
  readonly kind: 'existing';
  readonly sites: PerSite<{ readonly cluster: ClusterArgs; readonly clusterId: string; readonly canary?: ClusterArgs }>;
}

/** Workers that the pair starts on this machine. */
export type WorkersHere = { readonly kind: 'here' } & Pick<
  LocalWorkerArgs,
  'apiHost' | 'apiPort' | 'logLevel' | 'principals' | 'authorizers' | 'repoint'
>;

/** Workers that somebody else runs (docs/deploy). Each of them answers for its site, so one address is enough. */
export interface WorkersElsewhere {
  readonly kind: 'elsewhere';
  /** Base URL of the API: of one of them, or of what stands before all of them. */
  readonly url: string;
}

export interface RegionPairArgs {
  /** Name of the pair, as the workers store it. */
  readonly pair: string;
  readonly prefixes: PerSite<string>;
  readonly schemaPrimary: SiteId;
  /** Default both. A pair without a link keeps its clusters, workers and policies. */
  readonly links?: readonly LinkId[];
  /** Of the links, see `ShadowLinkArgs`. */
  readonly onDelete?: 'refuse' | 'detach';
  readonly gap?: 'fault' | 'fill';
  readonly topics?: ShadowLinkArgs['topics'];
  readonly acls?: ShadowLinkArgs['acls'];
  /** Declared at the worker of their site, behind the links. */
  readonly drills?: readonly DrillArgs[];
  /** Whether workers that are started here write canaries, which drills that move roles need. */
  readonly canaries?: boolean;
  /** Of the pair; `non-production`: it may be lost on purpose. Told to workers that are started here. */
  readonly labels?: readonly string[];
  /** What the prefix policy says beside `prefixes`. */
  readonly policy?: PolicyArgs;
  readonly clusters: LocalClusters | ExistingClusters;
  /** Of those that are started here. Default 1. */
  readonly workersPerSite?: number;
  /** Default: started here. */
  readonly workers?: PerSite<WorkersHere | WorkersElsewhere>;
  readonly apiToken?: pulumi.Input<string>;
}

const ends = { 'a-b': ['a', 'b'], 'b-a': ['b', 'a'] } as const;

/** Why these arguments cannot make a pair; empty when they can. Pure. */
export function refuseRegionPair(args: Pick<RegionPairArgs, 'prefixes'>): readonly string[] {
  return provePrefixes(args.prefixes, 'prefixes').map(({ path, message }) => `${path}: ${message}`);
}

interface Worker {
  readonly apiUrl: pulumi.Output<string>;
  readonly metricsUrl: pulumi.Output<string>;
}

interface Site {
  readonly cluster: ClusterArgs;
  readonly clusterId: pulumi.Input<string>;
  readonly clientFiles?: pulumi.Output<Readonly<Record<string, string>>>;
  /** As an application reaches it. */
  readonly canary?: ClusterArgs;
}

/** The whole pair: clusters (where they are local), a worker per site, who owns which names, and both links. */
export class RegionPair extends pulumi.ComponentResource {
  readonly bootstrapServers: PerSite<pulumi.Output<string>>;
  readonly api: PerSite<pulumi.Output<string>>;
  readonly metrics: PerSite<pulumi.Output<string>>;
  /** Base URLs of all workers of each site, the first one's first. Each of them answers for the site. */
  readonly workers: PerSite<pulumi.Output<readonly string[]>>;
  /** State of each link as last seen, by its id. */
  readonly links: Readonly<Partial<Record<LinkId, pulumi.Output<string>>>>;
  /** Of local clusters; holds paths, not passwords. */
  readonly clientFiles: PerSite<pulumi.Output<Readonly<Record<string, string>>>> | undefined;

  constructor(name: string, args: RegionPairArgs, opts?: pulumi.ComponentResourceOptions) {
    const refusals = refuseRegionPair(args);
    if (refusals.length > 0) throw new pulumi.RunError(refusals.join('\n'));
    const { pair, prefixes, schemaPrimary, onDelete = 'refuse', gap = 'fault', clusters } = args;
    // These are stored with the component in the state: nothing secret, nothing that is not JSON.
    super(
      'umbra:index:RegionPair',
      name,
      { pair, prefixes, schemaPrimary, onDelete, gap, target: clusters.kind },
      opts,
    );
    const made = perSite((site) => this.#site(name, site, args));
    const { workers, further } = this.#workers(name, { ...args, made });
    const spec = { ...specArgs(args, made), workers: perSite((site) => workers[site].apiUrl) };
    const child = { parent: this };
    const policy = new PrefixPolicy(`${name}-prefix-policy`, { ...spec, ...args.policy, owners: prefixes }, child);
    const primary = new SchemaPrimary(`${name}-schema-primary`, { ...spec, site: schemaPrimary }, child);
    // A link is refused where no policy is declared; and it is deleted before the policy that it rests on.
    const after = { parent: this, dependsOn: [policy, primary] };
    const links = (args.links ?? linkIds).map((id) => {
      const [from, to] = ends[id];
      const { topics, acls } = args;
      const declared = {
        onDelete,
        gap,
        ...(topics === undefined ? {} : { topics }),
        ...(acls === undefined ? {} : { acls }),
      };
      const link = { ...specArgs(args, made), from, to, worker: workers[to].apiUrl, ...declared };
      return [id, new ShadowLink(`${name}-link-${id}`, link, after)] as const;
    });
    const behind = { parent: this, dependsOn: links.map(([, link]) => link) };
    for (const drill of args.drills ?? []) {
      const declared = { ...drill, ...specArgs(args, made), worker: workers[drill.site].apiUrl, onDelete };
      new DrillSchedule(`${name}-drill-${drill.name}`, declared, behind);
    }
    this.bootstrapServers = perSite((site) =>
      pulumi.output(made[site].cluster.bootstrapServers).apply((servers) => servers.join(',')),
    );
    this.api = perSite((site) => workers[site].apiUrl);
    this.metrics = perSite((site) => workers[site].metricsUrl);
    this.workers = perSite((site) => pulumi.all([workers[site], ...further[site]].map(({ apiUrl }) => apiUrl)));
    this.links = Object.fromEntries(links.map(([id, { state }]) => [id, state]));
    const { a, b } = made;
    this.clientFiles =
      a.clientFiles === undefined || b.clientFiles === undefined ? undefined : { a: a.clientFiles, b: b.clientFiles };
    const { bootstrapServers, api, metrics } = this;
    this.registerOutputs({ bootstrapServers, api, metrics, links: this.links });
  }

  #site(name: string, site: SiteId, { clusters, prefixes, policy }: RegionPairArgs): Site {
    if (clusters.kind === 'existing') return clusters.sites[site];
    const principals = { umbra: 'User:umbra', app: 'User:app' };
    const { groups, transactionalIds } = policy ?? {};
    const grants = renderSiteAcls({ site, owners: prefixes, groups, transactionalIds, principals });
    const args = { ...clusters.sites[site], site, grants };
    const made = new LocalCluster(`${name}-cluster-${site}`, args, { parent: this });
    const { clusterId, clientFiles } = made;
    return { cluster: made.connection(), canary: made.connection('app'), clusterId, clientFiles };
  }

  /** Of each site the worker that is asked, and the others. */
  #workers(
    name: string,
    args: RegionPairArgs & { made: PerSite<Site> },
  ): { readonly workers: PerSite<Worker>; readonly further: PerSite<readonly Worker[]> } {
    const others = Array.from({ length: (args.workersPerSite ?? 1) - 1 }, (_, index) => index + 2);
    const given = perSite((site) => args.workers?.[site] ?? ({ kind: 'here' } as const));
    const workers = perSite((site): Worker => {
      const here = given[site];
      if (here.kind === 'here') return this.#worker(name, { site, number: 1, here }, args);
      return { apiUrl: pulumi.output(here.url), metricsUrl: pulumi.output(`${here.url}/metrics`) };
    });
    const further = perSite((site) => {
      const here = given[site];
      if (here.kind === 'elsewhere') return [];
      return others.map((number) => this.#worker(name, { site, number, here }, args));
    });
    return { workers, further };
  }

  #worker(
    name: string,
    { site, number, here }: { readonly site: SiteId; readonly number: number; readonly here: WorkersHere },
    args: RegionPairArgs & { made: PerSite<Site> },
  ): LocalWorker {
    const { pair, made } = args;
    const clusters = perSite((each) => made[each].cluster);
    const token = args.apiToken === undefined ? {} : { apiToken: args.apiToken };
    const { kind: _here, apiPort, ...settings } = here;
    const clusterIds = perSite((each) => made[each].clusterId);
    const worker = { pair, site, clusters, clusterIds, ...drillsOf(args), ...settings, ...token };
    // A port can be of one worker only: the others take free ones.
    if (number === 1) {
      const first = { ...worker, ...(apiPort === undefined ? {} : { apiPort }) };
      return new LocalWorker(`${name}-worker-${site}`, first, { parent: this });
    }
    return new LocalWorker(`${name}-worker-${site}-${number}`, { ...worker, number }, { parent: this });
  }
}

/** What the workers' files say of drills; the same at all of them. */
function drillsOf({
  canaries = false,
  labels = [],
  made,
}: RegionPairArgs & { readonly made: PerSite<Site> }): Pick<LocalWorkerArgs, 'drills'> {
  const [a, b] = [made.a.canary, made.b.canary];
  const canary = !canaries || a === undefined || b === undefined ? {} : { canary: { clients: { a, b } } };
  const drills = { ...canary, ...(labels.length === 0 ? {} : { labels }) };
  return Object.keys(drills).length === 0 ? {} : { drills };
}

function specArgs(args: RegionPairArgs, made: PerSite<Site>): SpecArgs {
  const clusterIds = perSite((site) => made[site].clusterId);
  return { clusterIds, ...(args.apiToken === undefined ? {} : { apiToken: args.apiToken }) };
}

function perSite<T>(make: (site: SiteId) => T): PerSite<T> {
  return { a: make('a'), b: make('b') };
}
