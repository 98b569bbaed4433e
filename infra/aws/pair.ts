import * as aws from '@pulumi/aws';
import pulumi from '@pulumi/pulumi';
import { otherSite, type SiteId, sites } from '../../src/pair/site.ts';
import { renderChannelUrl } from '../../src/provider/resources/channel-url.ts';
import { type DrillArgs, DrillSchedule } from '../../src/provider/resources/drill-schedule.ts';
import { type LinkId, linkIds } from '../../src/provider/resources/link-ids.ts';
import { type PolicyArgs, PrefixPolicy } from '../../src/provider/resources/prefix-policy.ts';
import { SchemaPrimary } from '../../src/provider/resources/schema-primary.ts';
import { ShadowLink, type ShadowLinkArgs } from '../../src/provider/resources/shadow-link.ts';
import { clusterName } from './cluster.ts';
import { type AwsConfig, specOfDrill } from './config.ts';
import { costs } from './costs.ts';
import { Drills } from './drills.ts';
import { FargateService } from './fargate-service.ts';
import { Peering } from './peering.ts';
import { Primaries, primaryArns } from './primaries.ts';
import { AwsSite } from './site.ts';
import { registryStatements, workerStatements } from './statements.ts';
import {
  apiPort,
  type DrillPlaces,
  folders,
  parameterName,
  registryContainers,
  registryPort,
  serviceHost,
  workerConfigText,
  workerContainers,
  workerVolumes,
} from './tasks.ts';
import { Watch } from './watch.ts';
import { WorkerScaling } from './worker-scaling.ts';

type PerSite<T> = Readonly<Record<SiteId, T>>;

export interface AwsPairArgs {
  /** Name of the pair, as the workers store it. */
  readonly pair: string;
  readonly prefixes: PerSite<string>;
  readonly schemaPrimary: SiteId;
  readonly links: readonly LinkId[];
  readonly onDelete: 'refuse' | 'detach';
  readonly gap: 'fault' | 'fill';
  readonly topics?: ShadowLinkArgs['topics'];
  readonly acls?: ShadowLinkArgs['acls'];
  readonly policy?: Omit<PolicyArgs, 'iam'>;
  readonly aws: AwsConfig;
  readonly apiToken?: pulumi.Input<string>;
  readonly logLevel?: string;
}

/** Tags of everything, by which costs are told apart. */
const pairTag = 'umbra:pair';
const siteTag = 'umbra:site';

/** What is to be found where. ARNs and names, no secret. */
export interface AwsPlaces {
  readonly bootstrapServersScram: PerSite<pulumi.Output<string>>;
  readonly buckets: PerSite<Readonly<Record<'spec' | 'evidence' | 'quarantine', pulumi.Output<string>>>>;
  /** Name of the parameter that says who is primary of a site's prefix, in either region. */
  readonly parameters: PerSite<string>;
  /** By site and user: the secret with the password. */
  readonly scramSecrets: PerSite<Readonly<Record<string, pulumi.Output<string>>>>;
  /** The secret with the token of each site's API. */
  readonly tokenSecrets: PerSite<pulumi.Output<string>>;
}

/** Two regions: in each a Kafka cluster and the workers of the link that ends there. */
export class AwsPair extends pulumi.ComponentResource {
  readonly bootstrapServers: PerSite<pulumi.Output<string>>;
  /** Of each site's workers, within the two networks: whichever answers. */
  readonly api: PerSite<string>;
  readonly metrics: PerSite<string>;
  readonly workers: PerSite<readonly string[]>;
  readonly links: Readonly<Partial<Record<LinkId, pulumi.Output<string>>>>;
  readonly places: AwsPlaces;

  constructor(name: string, args: AwsPairArgs, opts?: pulumi.ComponentResourceOptions) {
    const { pair, prefixes, schemaPrimary, onDelete, gap, aws: config } = args;
    const regions = perSite((site) => config.sites[site].region);
    // Kept for whoever judges the plan: infra/policy/cost.ts.
    const { estimatedUsdPerMonth } = costs(config);
    const { budgetUsdPerMonth } = config;
    const cost = { estimatedUsdPerMonth, ...(budgetUsdPerMonth === undefined ? {} : { budgetUsdPerMonth }) };
    super('umbra:aws:Pair', name, { pair, prefixes, schemaPrimary, onDelete, gap, regions, ...cost }, opts);
    const made = perSite((site) => this.#site(name, site, args));
    const ways = config.peering ? this.#peering(name, made, config) : [];
    this.#primaries(made, args);
    const workers = perSite((site) => this.#workers(made, site, { ...args, ways }));
    const home = this.#registry(made, schemaPrimary, { ...args, after: [] });
    const services = sites.map((site) => workers[site].service);
    const linked = this.#declare(name, made, { ...args, after: [...services, ...home] });
    // A registry that came before its copy would make a topic of its own in its place.
    this.#registry(made, otherSite(schemaPrimary), { ...args, after: Object.values(linked) });
    for (const site of sites) this.#watch(made[site], workers[site], args);
    this.bootstrapServers = perSite((site) => made[site].kafka.bootstrapIam);
    this.api = perSite((site) => `http://${serviceHost(pair, site, 'worker')}:${apiPort}`);
    this.metrics = perSite((site) => `${this.api[site]}/metrics`);
    this.workers = perSite((site) => [this.api[site]]);
    this.links = Object.fromEntries(Object.entries(linked).map(([id, link]) => [id, link.state] as const));
    this.places = {
      bootstrapServersScram: perSite((site) => made[site].kafka.bootstrapScram),
      buckets: perSite((site) => {
        const { spec, evidence, quarantine } = made[site].buckets;
        return { spec: spec.bucket, evidence: evidence.bucket, quarantine: quarantine.bucket };
      }),
      parameters: perSite((site) => parameterName(pair, site)),
      scramSecrets: perSite((site) => made[site].users.secretArns),
      tokenSecrets: perSite((site) => made[site].token.arn),
    };
    this.registerOutputs({ bootstrapServers: this.bootstrapServers, links: this.links });
  }

  #site(name: string, site: SiteId, { pair, aws: config, apiToken }: AwsPairArgs): AwsSite {
    const { region, accountId } = config.sites[site];
    const tags = { ...config.tags, [pairTag]: pair, [siteTag]: site };
    const provider = new aws.Provider(
      `${name}-${site}-provider`,
      { region, defaultTags: { tags }, ...(accountId === undefined ? {} : { allowedAccountIds: [accountId] }) },
      { parent: this },
    );
    const account =
      accountId === undefined
        ? aws.getCallerIdentityOutput({}, { provider, parent: this }).accountId
        : pulumi.output(accountId);
    const scope = { pair, site, name: `${name}-${site}`, region, accountId: account };
    return new AwsSite(scope, { aws: config, apiToken }, { parent: this, provider });
  }

  #peering(name: string, made: PerSite<AwsSite>, config: AwsConfig): readonly pulumi.Resource[] {
    const ends = perSite((site) => {
      const { scope, network, provider } = made[site];
      return { scope, network, provider, cidr: config.sites[site].network.cidr };
    });
    return new Peering(`${name}-peering`, ends, { parent: this }).ready;
  }

  /** Applications are told of the listener that they use: that for passwords, where the site has users with one. */
  #primaries(made: PerSite<AwsSite>, { prefixes, aws: config }: AwsPairArgs): void {
    const bootstrapServers = perSite((site) => {
      const { bootstrapScram, bootstrapIam } = made[site].kafka;
      return config.sites[site].scramUsers.length > 0 ? bootstrapScram : bootstrapIam;
    });
    for (const site of sites) {
      new Primaries(made[site].scope, { prefixes, bootstrapServers }, { parent: made[site] });
    }
  }

  /** The workers of a site carry the link that ends there: they run where it ends. */
  #workers(
    made: PerSite<AwsSite>,
    site: SiteId,
    { ways, ...args }: AwsPairArgs & { readonly ways: readonly pulumi.Resource[] },
  ): FargateService {
    const { aws: config, pair, prefixes, logLevel, policy } = args;
    const { scope, network, key, buckets, home, token, drillSecrets } = made[site];
    const secrets = drillSecrets === undefined ? [token] : [token, drillSecrets];
    const image = config.image[site];
    const { workers, registry } = config.sites[site];
    const { region } = scope;
    const withUsers = sites.filter((each) => config.sites[each].scramUsers.length > 0);
    const known = pulumi.output({
      bootstrapServers: perSite((each) => made[each].kafka.bootstrapIam),
      clients: Object.fromEntries(withUsers.map((each) => [each, made[each].kafka.bootstrapScram])),
      spec: { bucket: buckets.spec.bucket, region },
      quarantine: { bucket: buckets.quarantine.bucket, region },
      drills: config.evidenceKey === undefined ? undefined : drillPlaces(made, site, config.canary?.user),
    });
    const registryUrl =
      registry === undefined ? undefined : `http://${serviceHost(pair, site, 'registry')}:${registryPort}`;
    const regions = perSite((each) => config.sites[each].region);
    const configText = known.apply((places) =>
      workerConfigText({ pair, site, prefixes, regions, registryUrl, logLevel, ...places }),
    );
    const { markers } = config;
    const { groups, transactionalIds } = policy ?? {};
    const statements = pulumi
      .output({
        clusterArns: perSite((each) => made[each].kafka.arn),
        arns: { spec: buckets.spec.arn, quarantine: buckets.quarantine.arn, evidence: buckets.evidence.arn },
        keyArn: key.arn,
        parameterArns: sites.flatMap((each) => primaryArns(made[each].scope)),
      })
      .apply(({ arns, ...rest }) => {
        const folder = (kind: keyof typeof folders): { arn: string; prefix: string } => ({
          arn: arns[kind],
          prefix: folders[kind],
        });
        const places = { spec: folder('spec'), quarantine: folder('quarantine'), evidence: folder('evidence') };
        const names = { owners: prefixes, groups, transactionalIds };
        return workerStatements({ site, names, markers, ...places, ...rest });
      });
    const service = new FargateService(
      scope,
      {
        ...{ kind: 'worker', image, size: workers, architecture: config.architecture, count: workers.min, home },
        ...{ subnetIds: network.subnetIds, keyArn: key.arn, statements },
        secretArns: secrets.map(({ arn }) => arn),
        containers: (log) =>
          pulumi
            .output({ configText, tokenSecretArn: token.arn, drillSecretArn: drillSecrets?.arn })
            .apply((known) => workerContainers({ image, log, ...known })),
        volumes: workerVolumes.map((volume) => volume.name),
        dependsOn: [...reachable(made, site), ...ways, ...secrets.map(({ version }) => version)],
      },
      { parent: made[site] },
    );
    return service;
  }

  /** None where none is asked for. */
  #registry(
    made: PerSite<AwsSite>,
    site: SiteId,
    { aws: config, pair, schemaPrimary, after }: AwsPairArgs & { readonly after: readonly pulumi.Resource[] },
  ): readonly pulumi.Resource[] {
    const { registry } = config.sites[site];
    if (registry === undefined) return [];
    const { scope, network, key, kafka, home } = made[site];
    const role = site === schemaPrimary ? 'primary' : 'standby';
    const host = serviceHost(pair, site, 'registry');
    const { image } = registry;
    const registered = new FargateService(
      scope,
      {
        ...{ kind: 'registry', image, size: registry, architecture: config.architecture, count: 1, home },
        ...{ subnetIds: network.subnetIds, keyArn: key.arn, secretArns: [], volumes: [] },
        dependsOn: [...reachable(made, site), ...after],
        statements: kafka.arn.apply((arn) => registryStatements(arn, role)),
        containers: (log) =>
          kafka.bootstrapIam.apply((bootstrapServers) =>
            registryContainers({ image, role, bootstrapServers, host, log }),
          ),
      },
      { parent: made[site] },
    );
    return [registered.service];
  }

  /** What the pair is, said to the workers through the spec bucket of their site. */
  #declare(
    name: string,
    made: PerSite<AwsSite>,
    args: AwsPairArgs & { readonly after: readonly pulumi.Resource[] },
  ): Readonly<Partial<Record<LinkId, ShadowLink>>> {
    const { prefixes, schemaPrimary, onDelete, gap, topics, acls, policy } = args;
    const workers = perSite((site) => {
      const { buckets, scope } = made[site];
      const place = { region: scope.region, prefix: folders.spec, pair: args.pair, site };
      return buckets.spec.bucket.apply((bucket) => renderChannelUrl({ ...place, bucket }));
    });
    const after = { parent: this, dependsOn: [...args.after] };
    const iam = perSite((site) => ({ clusterArn: made[site].kafka.arn }));
    const declared = new PrefixPolicy(`${name}-prefix-policy`, { ...policy, owners: prefixes, iam, workers }, after);
    const primary = new SchemaPrimary(`${name}-schema-primary`, { site: schemaPrimary, workers }, after);
    const chosen = linkIds.filter((id) => args.links.includes(id));
    const entries = chosen.map((id) => {
      const to: SiteId = id === 'a-b' ? 'b' : 'a';
      const link: ShadowLinkArgs = {
        ...{ from: otherSite(to), to, worker: workers[to], onDelete, gap },
        ...(topics === undefined ? {} : { topics }),
        ...(acls === undefined ? {} : { acls }),
      };
      // A link is refused where no policy is declared; and it is deleted before the policy that it rests on.
      return [
        id,
        new ShadowLink(`${name}-link-${id}`, link, { parent: this, dependsOn: [declared, primary] }),
      ] as const;
    });
    // A run needs a link to look at.
    const links = { parent: this, dependsOn: entries.map(([, link]) => link) };
    for (const drill of args.aws.drills)
      new DrillSchedule(
        `${name}-drill-${drill.name}`,
        { ...drillArgs(drill), worker: workers[drill.site], onDelete },
        links,
      );
    return Object.fromEntries(entries);
  }

  #watch(site: AwsSite, workers: FargateService, { aws: config, links }: AwsPairArgs): void {
    const { scope, home, network } = site;
    const child = { parent: site };
    const { exposureSecondsMax } = config;
    const settings = config.sites[scope.site];
    const { instanceType, count } = settings.brokers;
    const alarmTopic = config.alarmTopics[scope.site];
    const linked = links.some((id) => id.endsWith(scope.site));
    const watched = {
      ...{ pair: scope.pair, site: scope.site, clusterName: clusterName(scope), instanceType, brokerCount: count },
      ...{ exposureSecondsMax, linked },
    };
    new Watch(scope, { watched, alarmTopic }, child);
    const { min, max } = settings.workers;
    const names = { clusterName: home.cluster.name, serviceName: workers.service.name };
    new WorkerScaling(scope, { min, max, exposureSecondsMax, ...names }, child);
    const drills = config.drills.filter((drill) => drill.site === scope.site);
    if (drills.length === 0) return;
    new Drills(
      scope,
      {
        ...{ drills, taskFamilyArn: workers.task.arnWithoutRevision, roleArns: workers.roleArns, alarmTopic },
        ...{ clusterArn: home.cluster.arn, subnetIds: network.subnetIds, securityGroupId: home.securityGroupId },
      },
      child,
    );
  }
}

/** Without times: those are the scheduler's, which asks from outside. */
function drillArgs(drill: AwsConfig['drills'][number]): DrillArgs {
  const { data, error } = specOfDrill(drill);
  if (data === undefined) throw error;
  return data;
}

function drillPlaces(
  made: PerSite<AwsSite>,
  site: SiteId,
  user: string | undefined,
): { readonly [Name in keyof DrillPlaces]: pulumi.Input<DrillPlaces[Name]> } {
  const { buckets, scope } = made[site];
  const servers = pulumi.output(perSite((each) => made[each].kafka.bootstrapScram));
  return {
    evidence: buckets.evidence.bucket.apply((bucket) => ({ bucket, region: scope.region })),
    canary: user === undefined ? undefined : servers.apply((known) => ({ user, servers: known })),
  };
}

/**
 * What a task needs to be there before it starts: it would fail without endpoints and rules, and so would its deployment.
 * Nothing that it is given says so by itself.
 */
function reachable(made: PerSite<AwsSite>, site: SiteId): readonly pulumi.Resource[] {
  return [made[site].network, made[site].home, ...sites.map((each) => made[each].kafka)];
}

function perSite<T>(of: (site: SiteId) => T): PerSite<T> {
  return { a: of('a'), b: of('b') };
}
