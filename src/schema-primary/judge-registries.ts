import type { AnsweredVersion, RegistryAnswers, RegistryGroupSight, RegistrySight } from './registry-sight.ts';
import { registrySettings } from './registry-settings.ts';
import type { SchemaPrimary } from './schema-primary.ts';

type SiteId = SchemaPrimary['site'];

/** What was seen at one site; what was not asked is undefined. */
export interface SiteRegistries {
  /** Over HTTP, where a URL is configured. */
  readonly http: RegistrySight | undefined;
  /** In the group of the site's cluster. */
  readonly group: RegistryGroupSight | undefined;
  /** Of the site's Kafka cluster. */
  readonly clusterId: string | undefined;
  /** What the site's log says of the versions that the registry was asked for. */
  readonly logged: readonly AnsweredVersion[];
}

/** One thing that was looked at. Everything but `ok` has a remedy: the next thing to do. */
export interface RegistryFinding {
  readonly level: 'ok' | 'warn' | 'error';
  readonly site: SiteId;
  readonly subject: 'registry';
  readonly message: string;
  readonly remedy?: string;
}

/** Whether the registries of both sites keep to their roles, as far as they tell. Pure; in order of the sites. */
export function judgeRegistries(
  primary: SiteId,
  sites: Readonly<Record<SiteId, SiteRegistries>>,
): readonly RegistryFinding[] {
  return (['a', 'b'] as const).flatMap((site) => {
    const seen = sites[site];
    const role = site === primary ? 'primary' : 'standby';
    const found = [
      ...judgeReach(site, seen),
      ...judgeGroup(site, role, seen),
      ...judgeOverHttp(site, role, seen),
      ...judgeCluster(site, seen, sites[site === 'a' ? 'b' : 'a'].clusterId),
      ...judgeVersions(site, seen),
    ];
    if (found.length > 0 || seen.http?.kind !== 'answers') return found;
    return [{ level: 'ok', site, subject: 'registry', message: `${titleOf(seen.http)} keeps to its role: ${role}` }];
  });
}

function judgeReach(site: SiteId, { http }: SiteRegistries): readonly RegistryFinding[] {
  if (http?.kind === 'unreachable') {
    return [
      warn(
        site,
        `the registry ${http.url} cannot be asked: ${http.why}`,
        `Start it, or correct registries.${site}.url.`,
      ),
    ];
  }
  if (http?.kind === 'refused') {
    return [
      warn(
        site,
        `the registry ${http.url} refuses umbra (HTTP ${http.status})`,
        `Set username and password of registries.${site}.`,
      ),
    ];
  }
  if (http?.kind === 'answers' && http.product === 'apicurio') {
    const [note = ''] = registrySettings('standby').find(({ product }) => product === 'apicurio')?.notes ?? [];
    return [
      warn(site, `the registry ${http.url} is Apicurio Registry. ${note}`, 'Copy its own topics or database instead.'),
    ];
  }
  return [];
}

function judgeGroup(site: SiteId, role: 'primary' | 'standby', { group }: SiteRegistries): readonly RegistryFinding[] {
  if (group?.kind !== 'members') return [];
  const eligible = group.members.filter((member) => member.eligible);
  if (role === 'primary') {
    if (eligible.length > 0) return [];
    const addresses = group.members.map(({ address }) => address).join(', ');
    return [
      error(
        site,
        `no registry here may write (${addresses}): nobody can register schemas`,
        makeEligible('true', 'one'),
      ),
    ];
  }
  return eligible.map(({ address, leads }) =>
    error(
      site,
      `the registry ${address} ${leads ? 'is elected to write' : 'may be elected to write'} at the standby`,
      makeEligible('false', address),
    ),
  );
}

/** What the group tells of every process, HTTP tells of the one that answers. */
function judgeOverHttp(
  site: SiteId,
  role: 'primary' | 'standby',
  { http, group }: SiteRegistries,
): readonly RegistryFinding[] {
  if (http?.kind !== 'answers' || http.product === 'apicurio') return [];
  if (role === 'primary') {
    if (http.mode !== 'READONLY' && http.mode !== 'READONLY_OVERRIDE') return [];
    return [
      warn(
        site,
        `the registry ${http.url} is in mode ${http.mode}: nobody can register schemas`,
        'PUT /mode READWRITE there.',
      ),
    ];
  }
  if (group?.kind === 'members') return [];
  if (http.eligible === true) {
    return [
      error(
        site,
        `the registry ${http.url} ${http.leads === true ? 'is elected to write' : 'may be elected to write'} at the standby`,
        makeEligible('false', http.url),
      ),
    ];
  }
  if (http.eligible === false) return [];
  const why = group?.kind === 'unread' ? ` (${group.why})` : '';
  return [
    warn(
      site,
      `the registry ${http.url} does not say whether it may write, and its group cannot be read${why}`,
      `Set leader.eligibility=false there, and grant umbra DESCRIBE on the group ${group?.group ?? 'schema-registry'} at site ${site}.`,
    ),
  ];
}

function judgeCluster(
  site: SiteId,
  { http, clusterId }: SiteRegistries,
  otherClusterId: string | undefined,
): readonly RegistryFinding[] {
  if (http?.kind !== 'answers' || http.kafkaClusterId === undefined || clusterId === undefined) return [];
  if (http.kafkaClusterId === clusterId) return [];
  const remedy = `Set kafkastore.bootstrap.servers of ${http.url} to the cluster of site ${site}.`;
  if (http.kafkaClusterId === otherClusterId) {
    return [warn(site, `the registry ${http.url} keeps its log at the other site and goes when that goes`, remedy)];
  }
  return [error(site, `the registry ${http.url} keeps its log in a third cluster (${http.kafkaClusterId})`, remedy)];
}

function judgeVersions(site: SiteId, { http, logged }: SiteRegistries): readonly RegistryFinding[] {
  if (http?.kind !== 'answers') return [];
  const wrong = logged.flatMap(({ subject, version, id }) => {
    const answered = http.versions.find((each) => each.subject === subject && each.version === version);
    // What it does not know may have been registered a moment ago.
    return answered?.id === undefined || answered.id === id
      ? []
      : [`${JSON.stringify(subject)} version ${version} is ${answered.id}, in the log ${id ?? 'none'}`];
  });
  if (wrong.length === 0) return [];
  return [
    error(
      site,
      `the registry ${http.url} answers other ids than the log of site ${site}: ${wrong.join('; ')}`,
      'Let it read _schemas of this site (kafkastore.topic, topic_name), and restart it.',
    ),
  ];
}

function makeEligible(value: 'true' | 'false', where: string): string {
  return `Set leader.eligibility=${value} (Karapace: master_eligibility=${value}) at ${where} and restart it.`;
}

function titleOf({ product, version, url }: RegistryAnswers): string {
  const title = registrySettings('primary').find((each) => each.product === product)?.title ?? 'the registry';
  return `${title}${version === undefined ? '' : ` ${version}`} at ${url}`;
}

function warn(site: SiteId, message: string, remedy: string): RegistryFinding {
  return { level: 'warn', site, subject: 'registry', message, remedy };
}

function error(site: SiteId, message: string, remedy: string): RegistryFinding {
  return { level: 'error', site, subject: 'registry', message, remedy };
}
