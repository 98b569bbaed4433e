import { firstPointer } from '../../src/pair/primary-pointer.ts';
import { sites, type SiteId } from '../../src/pair/site.ts';
import type { PrefixOwners } from '../../src/pair/spec.ts';
import { registrySettings } from '../../src/schema-primary/registry-settings.ts';
import { umbraPrincipal } from './config.ts';

/** Where the workers' API listens in its task, and a registry in its own. */
export const apiPort = 8080;
export const registryPort = 8081;

/** Folders in the buckets. */
export const folders = { spec: 'pair/', quarantine: 'quarantine/', evidence: 'evidence/' } as const;

/** Namespace of umbra's own metrics. */
export const metricsNamespace = 'Umbra';

const metricsIntervalMs = 60_000;
/** Who stops has this long to give its partitions back. */
const stopSeconds = 60;

export interface PlaceOfBucket {
  readonly bucket: string;
  readonly region: string;
}

export interface DrillPlaces {
  readonly evidence: PlaceOfBucket;
  readonly canary: { readonly user: string; readonly servers: Readonly<Record<SiteId, string>> } | undefined;
}

export interface WorkerSettings {
  readonly pair: string;
  readonly site: SiteId;
  readonly prefixes: PrefixOwners;
  readonly regions: Readonly<Record<SiteId, string>>;
  /** `host:port,…` of the listeners for roles. */
  readonly bootstrapServers: Readonly<Record<SiteId, string>>;
  /** Of the listeners for SCRAM, where a site has applications with passwords. */
  readonly clients: Readonly<Partial<Record<SiteId, string>>>;
  readonly spec: PlaceOfBucket;
  readonly quarantine: PlaceOfBucket;
  /** Where evidence of drills goes, and who the canaries are with the listeners for SCRAM; undefined where no drill is declared. */
  readonly drills?: DrillPlaces | undefined;
  readonly registryUrl?: string | undefined;
  readonly logLevel?: string | undefined;
}

/**
 * The worker's file (src/worker/worker-config.ts) as JSON, for its environment. It holds no secret: umbra logs in by its role,
 * and the token of its API, the canaries' password and the key of evidence come from Secrets Manager ({@link drillSecretsText}).
 */
export function workerConfigText(settings: WorkerSettings): string {
  const { pair, site, regions, prefixes, registryUrl, logLevel } = settings;
  const listOf = (servers: string): readonly string[] => servers.split(',');
  const perSite = <T>(of: (each: SiteId) => T): Record<SiteId, T> => ({ a: of('a'), b: of('b') });
  const clients = sites.flatMap((each) => {
    const servers = settings.clients[each];
    return servers === undefined ? [] : [[each, { bootstrapServers: listOf(servers) }] as const];
  });
  return JSON.stringify({
    pair,
    site,
    clusters: perSite((each) => ({
      bootstrapServers: listOf(settings.bootstrapServers[each]),
      tls: {},
      sasl: { mechanism: 'AWS_MSK_IAM', region: regions[each] },
    })),
    principals: perSite(() => [umbraPrincipal]),
    // What MSK does not tell: nobody is a super user there but its own brokers.
    authorizers: perSite(() => ({ superUsers: [], allowEveryoneIfNoAclFound: false })),
    ...(clients.length === 0 ? {} : { clients: Object.fromEntries(clients) }),
    ...(registryUrl === undefined ? {} : { registries: { [site]: { url: registryUrl } } }),
    repoint: sites.map((each) => ({
      kind: 'parameter',
      name: parameterName(pair, each),
      regions: [regions.a, regions.b],
      prefix: prefixes[each],
    })),
    api: { host: '0.0.0.0', port: apiPort },
    specChannel: { ...settings.spec, prefix: folders.spec },
    quarantineArchive: { ...settings.quarantine, prefix: folders.quarantine },
    quarantineFolder: '/var/lib/umbra/quarantine',
    ...(settings.drills === undefined ? {} : { drills: drillsOf(settings.drills) }),
    embeddedMetrics: { namespace: metricsNamespace, intervalMs: metricsIntervalMs },
    ...(logLevel === undefined ? {} : { logLevel }),
  });
}

function drillsOf({ evidence, canary }: DrillPlaces): object {
  const client = (servers: string): object => ({
    bootstrapServers: servers.split(','),
    tls: {},
    sasl: { mechanism: 'SCRAM-SHA-512', username: canary?.user },
  });
  return {
    evidence: { s3: { ...evidence, prefix: folders.evidence } },
    ...(canary === undefined
      ? {}
      : {
          canary: {
            clients: { a: client(canary.servers.a), b: client(canary.servers.b) },
            ledgerFolder: '/var/lib/umbra/ledger',
          },
        }),
  };
}

/** What is laid over the worker's file (`UMBRA_WORKER_SECRETS`). */
export function drillSecretsText({
  evidenceKey,
  password,
}: {
  readonly evidenceKey: string;
  readonly password: string | undefined;
}): string {
  const client = { sasl: { password } };
  const canary = password === undefined ? {} : { canary: { clients: { a: client, b: client } } };
  return JSON.stringify({ drills: { evidence: { key: evidenceKey }, ...canary } });
}

/** Says who is primary of the names whose home is that site. One in each region. */
export function parameterName(pair: string, owner: SiteId): string {
  return `/umbra/${pair}/primary/${owner}`;
}

/** What it says before any role was moved, in the shape in which umbra writes it (docs/repoint.md). */
export function firstPointerText(owner: SiteId, prefix: string, bootstrapServers: string): string {
  return JSON.stringify(firstPointer(owner, prefix, bootstrapServers.split(',')));
}

/** Where workers of another site, commands and dashboards reach a service of a site. */
export function serviceHost(pair: string, site: SiteId, service: 'worker' | 'registry'): string {
  return `${service}.${namespaceName(pair, site)}`;
}

export function namespaceName(pair: string, site: SiteId): string {
  return `${pair}-${site}.umbra.internal`;
}

export interface LogPlace {
  readonly group: string;
  readonly region: string;
}

/** Name of the workers' container, by which a drill says what it runs instead. */
export const workerContainer = 'umbra';

export interface WorkerContainer {
  readonly image: string;
  readonly configText: string;
  readonly tokenSecretArn: string;
  readonly drillSecretArn?: string | undefined;
  readonly log: LogPlace;
}

/** Container definitions of the workers' task. Only the two volumes can be written. */
export function workerContainers({ image, configText, tokenSecretArn, drillSecretArn, log }: WorkerContainer): string {
  return JSON.stringify([
    {
      name: workerContainer,
      image,
      essential: true,
      portMappings: [{ containerPort: apiPort, protocol: 'tcp' }],
      environment: [{ name: 'UMBRA_WORKER_CONFIG', value: configText }],
      secrets: [
        { name: 'UMBRA_API_TOKEN', valueFrom: tokenSecretArn },
        ...(drillSecretArn === undefined ? [] : [{ name: 'UMBRA_WORKER_SECRETS', valueFrom: drillSecretArn }]),
      ],
      readonlyRootFilesystem: true,
      user: '65532:65532',
      linuxParameters: { initProcessEnabled: false, capabilities: { drop: ['ALL'] } },
      mountPoints: workerVolumes.map(({ name, path }) => ({
        sourceVolume: name,
        containerPath: path,
        readOnly: false,
      })),
      healthCheck: {
        command: ['CMD', 'node', '/umbra/src/cli/umbra.mjs', 'health'],
        interval: 15,
        timeout: 5,
        retries: 4,
        startPeriod: 60,
      },
      stopTimeout: stopSeconds,
      logConfiguration: logsTo(log),
    },
  ]);
}

export const workerVolumes = [
  { name: 'state', path: '/var/lib/umbra' },
  { name: 'tmp', path: '/tmp' },
] as const;

export interface RegistryContainer {
  readonly image: string;
  readonly role: 'primary' | 'standby';
  readonly bootstrapServers: string;
  readonly host: string;
  readonly log: LogPlace;
}

const awsIam = {
  'kafkastore.security.protocol': 'SASL_SSL',
  'kafkastore.sasl.mechanism': 'AWS_MSK_IAM',
  'kafkastore.sasl.jaas.config': 'software.amazon.msk.auth.iam.IAMLoginModule required;',
  'kafkastore.sasl.client.callback.handler.class': 'software.amazon.msk.auth.iam.IAMClientCallbackHandler',
} as const;

/** Container definitions of a registry. Its settings are those of the docs for its role; only the primary's may write. */
export function registryContainers({ image, role, bootstrapServers, host, log }: RegistryContainer): string {
  const table = registrySettings(role).find(({ product }) => product === 'confluent')?.settings ?? [];
  const settings: Record<string, string> = {
    ...Object.fromEntries(table.map(({ name, value }) => [name, value])),
    ...awsIam,
    'kafkastore.bootstrap.servers': `SASL_SSL://${bootstrapServers.replaceAll(',', ',SASL_SSL://')}`,
    'host.name': host,
    listeners: `http://0.0.0.0:${registryPort}`,
  };
  const environment = Object.entries(settings).map(([name, value]) => ({
    name: `SCHEMA_REGISTRY_${name.toUpperCase().replaceAll('.', '_')}`,
    value,
  }));
  return JSON.stringify([
    {
      name: 'registry',
      image,
      essential: true,
      portMappings: [{ containerPort: registryPort, protocol: 'tcp' }],
      environment,
      linuxParameters: { initProcessEnabled: false, capabilities: { drop: ['ALL'] } },
      stopTimeout: stopSeconds,
      logConfiguration: logsTo(log),
    },
  ]);
}

/** What a scheduled drill starts in place of the worker: it asks the workers of its site, by the token in its environment. */
export function drillInputText(name: string, { pair, site }: { readonly pair: string; readonly site: SiteId }): string {
  const api = `http://${serviceHost(pair, site, 'worker')}:${apiPort}`;
  return JSON.stringify({
    containerOverrides: [{ name: workerContainer, command: ['drill', 'run', name, '--api', api] }],
  });
}

function logsTo({ group, region }: LogPlace): object {
  const options = { 'awslogs-group': group, 'awslogs-region': region, 'awslogs-stream-prefix': 'task' };
  return { logDriver: 'awslogs', options };
}
