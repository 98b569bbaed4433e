import { Cluster, type ClusterMetadata } from '../kafka/cluster.ts';
import { verdictOf } from '../kafka/errors.ts';
import { authorizerOf, describeTopicConfigs } from '../kafka/topic-admin.ts';
import { otherSite, sites, type SiteId } from '../pair/site.ts';
import { linkId, type PrefixOwners } from '../pair/spec.ts';
import { stateTopic } from '../prefix-policy/internal-names.ts';
import { ownerOf } from '../prefix-policy/prefix-policy.ts';
import { shadowConfigs } from '../sync/topics/shadow-configs.ts';
import { examineLeaks } from './doctor-acls.ts';
import type { Finding } from './finding.ts';
import { rightsAtSites, type SiteRights } from './site-rights.ts';
import { SiteState } from './state/state.ts';
import type { WorkerConfig } from './worker-config.ts';

export interface DiagnoseOptions {
  readonly config: WorkerConfig;
  readonly signal: AbortSignal;
}

/**
 * Looks at both clusters with the worker's own credentials: connections, rights, the copies' configs, clocks. Believes
 * no worker and needs none. Changes nothing.
 */
export async function diagnose({ config, signal }: DiagnoseOptions): Promise<readonly Finding[]> {
  const clusters = {
    a: new Cluster('site a', config.clusters.a, { clientId: 'umbra-doctor' }),
    b: new Cluster('site b', config.clusters.b, { clientId: 'umbra-doctor' }),
  };
  const rights = rightsAtSites(config);
  try {
    const seen = await Promise.all(sites.map((site) => connect(clusters[site], site)));
    const findings = seen.flatMap(({ findings: found }) => found);
    const [a, b] = seen.map(({ metadata }) => metadata);
    if (a !== undefined && b !== undefined && a.clusterId !== undefined && a.clusterId === b.clusterId) {
      findings.push(
        error(
          undefined,
          'config',
          `both sites are the same cluster (${a.clusterId})`,
          'Give each site the bootstrap servers of its own cluster.',
        ),
      );
    }
    for (const [site, metadata] of [
      ['a', a],
      ['b', b],
    ] as const) {
      if (metadata !== undefined) findings.push(...(await examine(site, { clusters, rights }, metadata, signal)));
    }
    return findings;
  } finally {
    await Promise.all(sites.map((site) => clusters[site].close()));
  }
}

interface Seen {
  readonly findings: Finding[];
  readonly metadata: ClusterMetadata | undefined;
}

async function connect(cluster: Cluster, site: SiteId): Promise<Seen> {
  try {
    const metadata = await cluster.metadata('all');
    const authorizer = await authorizerOf(cluster);
    const findings = [
      ok(site, 'connection', `${metadata.brokers} broker(s) answer, cluster ${metadata.clusterId ?? 'without id'}`),
    ];
    if (authorizer === 'absent') {
      findings.push(
        warn(
          site,
          'rights',
          'the cluster has no authorizer: copies here are unfenced, anybody can write them',
          "Switch an authorizer on (authorizer.class.name) and give applications no WRITE on the other site's prefix.",
        ),
      );
    } else if (authorizer === 'unknown') {
      findings.push(
        warn(
          site,
          'rights',
          'umbra may not read the ACLs of this cluster',
          'Grant its principal DESCRIBE on the cluster.',
        ),
      );
    } else {
      findings.push(ok(site, 'rights', 'an authorizer is on'));
    }
    return { findings, metadata };
  } catch (cause) {
    const denied = verdictOf(cause) === 'denied';
    const remedy = denied
      ? 'Correct the credentials or the mechanism of this site and run "npm run up" again.'
      : 'Start the brokers ("npm run up" starts local ones) or correct the bootstrap servers.';
    return { findings: [error(site, 'connection', textOf(cause), remedy)], metadata: undefined };
  }
}

interface Sites {
  readonly clusters: Readonly<Record<SiteId, Cluster>>;
  readonly rights: Readonly<Record<SiteId, SiteRights>>;
}

async function examine(
  site: SiteId,
  { clusters, rights }: Sites,
  metadata: ClusterMetadata,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  if (!metadata.topics.has(stateTopic)) {
    return [
      warn(
        site,
        'state',
        `there is no ${stateTopic} topic here, or umbra may not describe it`,
        'Start the worker of this site, or grant its principal DESCRIBE, READ and WRITE on the topic.',
      ),
    ];
  }
  const state = new SiteState(clusters[site]);
  try {
    await state.catchUp(signal);
  } catch (cause) {
    return [error(site, 'state', textOf(cause), `Grant umbra's principal READ on ${stateTopic} at this site.`)];
  }
  const link = linkId({ from: otherSite(site), to: site });
  const declared = state.links().find((known) => linkId(known) === link);
  const linked = declared
    ? ok(site, 'link', `the link ${link} is declared here`)
    : warn(site, 'link', `no link ${link} is declared here`, 'Declare it in the Pulumi program and run "pulumi up".');
  const { prefixPolicy: policy, schemaPrimary } = state;
  const owners = policy?.owners;
  const ends = { source: rights[otherSite(site)], target: rights[site] };
  return [
    linked,
    ...(owners === undefined ? [] : ownRights(site, owners, metadata)),
    ...(declared === undefined || policy === undefined
      ? []
      : await examineLeaks({ link: declared, target: clusters[site], policy, schemaPrimary, rights: ends })),
    ...(await copyConfigs(site, clusters[site], state, metadata)),
  ];
}

/** A site whose source topics cannot be seen at all is more often a missing right than an empty cluster. */
function ownRights(site: SiteId, owners: PrefixOwners, metadata: ClusterMetadata): readonly Finding[] {
  const own = [...metadata.topics.keys()].filter((name) => ownerOf(name, owners) === site).length;
  if (own > 0) return [ok(site, 'topics', `${own} topic(s) begin with "${owners[site]}"`)];
  return [
    warn(
      site,
      'topics',
      `no topic that begins with "${owners[site]}" is visible here`,
      "Create one, or grant umbra's principal DESCRIBE and READ on that prefix.",
    ),
  ];
}

async function copyConfigs(
  site: SiteId,
  cluster: Cluster,
  state: SiteState,
  metadata: ClusterMetadata,
): Promise<readonly Finding[]> {
  const copies = state.shadows().filter((shadow) => shadow.state.kind === 'ours' && metadata.topics.has(shadow.topic));
  if (copies.length === 0) return [];
  let configs: Awaited<ReturnType<typeof describeTopicConfigs>>;
  try {
    configs = await describeTopicConfigs(
      cluster,
      copies.map(({ topic }) => topic),
    );
  } catch (cause) {
    return [error(site, 'config', textOf(cause), "Grant umbra's principal DESCRIBE_CONFIGS on the copies' prefix.")];
  }
  const wrong = [...configs].flatMap(([topic, values]) => {
    const wanted = shadowConfigs(values, new Set(values.keys()));
    return (
      [...wanted]
        // How large a batch may be depends on the source, which is not asked here.
        .filter(([name, value]) => name !== 'max.message.bytes' && values.get(name) !== value)
        .map(([name, value]) =>
          error(
            site,
            'config',
            `${topic}: ${name} is ${values.get(name) ?? 'unset'}, a copy needs ${value}`,
            `Set ${name}=${value} on ${topic} at site ${site}.`,
          ),
        )
    );
  });
  return wrong.length > 0 ? wrong : [ok(site, 'config', `${copies.length} copies have the configs they need`)];
}

function ok(site: SiteId, subject: string, message: string): Finding {
  return { level: 'ok', site, subject, message };
}

function warn(site: SiteId, subject: string, message: string, remedy: string): Finding {
  return { level: 'warn', site, subject, message, remedy };
}

function error(site: SiteId | undefined, subject: string, message: string, remedy: string): Finding {
  return { level: 'error', ...(site === undefined ? {} : { site }), subject, message, remedy };
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
