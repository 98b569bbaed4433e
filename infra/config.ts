import { z } from 'zod';
import { sites, siteIdSchema } from '../src/pair/site.ts';
import { gapDecisionSchema, linkAclsSchema, pairNameSchema } from '../src/pair/spec.ts';
import { topicPolicySchema } from '../src/pair/topic-policy.ts';
import { declaredPolicySchema, policyFields } from '../src/prefix-policy/declared-policy.ts';
import { provenOwnersSchema } from '../src/prefix-policy/prefix-policy.ts';
import { type ClusterConfig, clusterConfigSchema } from '../src/provider/resources/cluster-args.ts';
import {
  canaryClientsSchema,
  canaryClusters,
  type DrillSpec,
  drillListSchema,
  labelsSchema,
  needsCanaries,
} from '../src/provider/resources/drill-settings.ts';
import { secretPaths } from '../src/provider/resources/hook-args.ts';
import { localClusterFields, workerFields } from '../src/provider/resources/resource-fields.ts';
import { linkIds } from '../src/provider/resources/link-ids.ts';
import { parseSetting } from '../src/provider/resources/setting-lines.ts';
import { type AwsConfig, awsRefusals, awsSchema, awsSecretPaths } from './aws/config.ts';
import { drillsOfLocal, existingDrillLines } from './drills.ts';

const namespace = 'umbra:';
const targets = ['local', 'existing', 'aws'] as const;
type Target = (typeof targets)[number];

const { runtime, kafkaVersion, clientPort, heapMb } = localClusterFields;
const { apiHost, apiPort, apiToken, logLevel, principals, authorizers, repoint } = workerFields;
const { groups, transactionalIds, unowned, applications } = policyFields;
const iamSite = z.strictObject({ clusterArn: z.string(), umbra: z.string().min(1).default('User:umbra') });

/** Workers of this machine; or `url`: those of the site run elsewhere, and here is the API of one of them. */
const workerSettings = z.strictObject({
  apiHost,
  apiPort,
  url: z
    .url({ protocol: /^https?$/, error: 'must look like https://host:port' })
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
});
const localSite = z.strictObject({ clientPort, apiPort });

/** Every setting of the program, by its key in the namespace `umbra`. */
const settings = {
  /**
   * `local`: two clusters on this machine. `existing`: two clusters that are there already, given by `sites`. `aws`: two MSK
   * clusters in two regions, made as `aws` says.
   */
  target: z.enum(targets, { error: `must be ${targets.map((each) => `"${each}"`).join(' or ')}` }).default('local'),
  pair: pairNameSchema.default('pair'),
  prefixes: provenOwnersSchema.default({ a: 'a_', b: 'b_' }),
  /** What the prefix policy says beside `prefixes` (docs/acls.md). */
  policy: z
    .strictObject({
      ...{ groups, transactionalIds, unowned, applications },
      /** Of sites whose cluster has IAM access control. */
      iam: z.strictObject({ a: iamSite.optional(), b: iamSite.optional() }).optional(),
    })
    .optional(),
  schemaPrimary: siteIdSchema.default('a'),
  links: z
    .array(z.enum(linkIds))
    .superRefine(refuseRepeated)
    .default([...linkIds]),
  onDelete: z.enum(['refuse', 'detach'], { error: 'must be "refuse" or "detach"' }).default('refuse'),
  gap: gapDecisionSchema.default('fault'),
  /** Of the links, see docs/topics.md and docs/acls.md. */
  topics: topicPolicySchema.optional(),
  acls: linkAclsSchema.optional(),
  /** Each takes a part of the partitions (docs/workers.md). */
  workersPerSite: z
    .string()
    .regex(/^(?:[1-9]|1[0-6])$/, 'must be a whole number from 1 to 16')
    .transform(Number)
    .default(1),
  principals,
  authorizers,
  /** Hooks of each site, run when it has become primary (docs/repoint.md). */
  repoint: z.strictObject({ a: repoint, b: repoint }).optional(),
  /** Declared at their sites (docs/drill-schedules.md). Default: one canary drill at `local`, else none. */
  drills: drillListSchema.optional(),
  /** Of the pair; `non-production`: it may be lost on purpose. */
  labels: labelsSchema,
  apiToken,
  logLevel,
  local: z
    .strictObject({
      runtime,
      kafkaVersion,
      heapMb,
      sites: z.strictObject({ a: localSite.prefault({}), b: localSite.prefault({}) }).prefault({}),
    })
    .prefault({}),
  /** Of the target `existing`. */
  sites: z.strictObject({ a: clusterConfigSchema, b: clusterConfigSchema }).superRefine(refuseSharedServer).optional(),
  /** Who the canaries are there: an application, never umbra. */
  canary: canaryClientsSchema.optional(),
  workers: z.strictObject({ a: workerSettings.prefault({}), b: workerSettings.prefault({}) }).optional(),
  /** Of the target `aws` (docs/aws.md). */
  aws: awsSchema.optional(),
} as const;

type SettingName = keyof typeof settings;
type Settings = { readonly [Name in SettingName]: z.output<(typeof settings)[Name]> };

/** Settings that are text as they stand; the others are objects. */
const plainText: readonly SettingName[] = [
  'target',
  'pair',
  'schemaPrimary',
  'onDelete',
  'gap',
  'workersPerSite',
  'apiToken',
  'logLevel',
];

type Common = Pick<
  Settings,
  | 'pair'
  | 'prefixes'
  | 'policy'
  | 'schemaPrimary'
  | 'links'
  | 'onDelete'
  | 'gap'
  | 'topics'
  | 'acls'
  | 'workersPerSite'
  | 'principals'
  | 'authorizers'
  | 'repoint'
  | 'labels'
  | 'apiToken'
  | 'logLevel'
>;

/** Of pairs whose workers are told of drills by this program. */
interface Drilled {
  readonly drills: readonly DrillSpec[];
  /** Whether workers that are started here write canaries. */
  readonly canaries: boolean;
}

export type PairConfig = Common &
  (
    | (Drilled & { readonly target: 'local'; readonly local: Settings['local'] })
    | (Drilled & {
        readonly target: 'existing';
        readonly sites: { readonly a: ClusterConfig; readonly b: ClusterConfig };
        readonly canary: { readonly a: ClusterConfig; readonly b: ClusterConfig } | undefined;
        readonly workers: Settings['workers'];
      })
    | { readonly target: 'aws'; readonly aws: AwsConfig }
  );

export type ParsedConfig =
  | { readonly kind: 'accepted'; readonly config: PairConfig }
  /** One line per wrong setting, all of them. */
  | { readonly kind: 'refused'; readonly lines: readonly string[] };

/** Pure. Takes Pulumi's whole configuration (`namespace:key` → text) and looks at its own namespace only. */
export function parseConfig(all: Readonly<Record<string, string>>): ParsedConfig {
  const own = Object.entries(all).flatMap(([key, value]) =>
    key.startsWith(namespace) ? [[key.slice(namespace.length), value] as const] : [],
  );
  const lines = own.flatMap(([name]) => (name in settings ? [] : [unknownSetting(name)]));
  const given = new Map(own);
  const parsed: Record<string, unknown> = {};
  for (const name of Object.keys(settings) as SettingName[]) {
    const result = parseOne(name, given.get(name));
    if ('lines' in result) lines.push(...result.lines);
    else parsed[name] = result.data;
  }
  if (lines.length > 0) return { kind: 'refused', lines };
  return choose(parsed as Settings, given); // as: every member was parsed by its own schema
}

function unknownSetting(name: string): string {
  return `${namespace}${name}: is not a setting; known are ${Object.keys(settings).join(', ')}`;
}

function parseOne(name: SettingName, text: string | undefined): ReturnType<typeof parseSetting> {
  const at = `${namespace}${name}`;
  if (text === undefined || plainText.includes(name)) return parseSetting(settings[name], text, at);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return {
      lines: [`${at}: must be an object or a list; set its fields with "pulumi config set --path '${at}.…' …"`],
    };
  }
  return parseSetting(settings[name], value, at);
}

/** Settings that say something at some targets only. */
const onlyAt: Readonly<Partial<Record<SettingName, readonly Target[]>>> = {
  local: ['local'],
  sites: ['existing'],
  workers: ['existing'],
  aws: ['aws'],
  // At AWS umbra logs in by its role, nobody but the brokers is a super user, the pointer is a parameter, and the number
  // of workers follows the load.
  workersPerSite: ['local', 'existing'],
  principals: ['local', 'existing'],
  authorizers: ['local', 'existing'],
  repoint: ['local', 'existing'],
  // There they are `aws.drills`.
  drills: ['local', 'existing'],
  labels: ['local', 'existing'],
  canary: ['existing'],
};

/** What belongs to another target is refused, not ignored: somebody meant it. */
function choose(parsed: Settings, given: ReadonlyMap<string, string>): ParsedConfig {
  const { target, local, sites: existing, workers, aws, drills: told, canary, ...common } = parsed;
  const lines = (Object.keys(settings) as SettingName[]).flatMap((name) => {
    const at = onlyAt[name];
    if (!given.has(name) || at === undefined || at.includes(target)) return [];
    const belongs = `the target${at.length === 1 ? '' : 's'} ${at.map((each) => `"${each}"`).join(' and ')}`;
    return [`${namespace}${name}: belongs to ${belongs}, the target is "${target}"; remove one of the two`];
  });
  lines.push(...unsoundPolicy(common));
  if (target === 'existing') lines.push(...refuseElsewhere(parsed, given));
  if (target === 'existing' && existing === undefined) {
    lines.push(`${namespace}sites: is required for the target "existing"; give "a" and "b" their bootstrapServers`);
  }
  if (target === 'aws') lines.push(...awsLines(aws, common));
  if (lines.length > 0) return { kind: 'refused', lines };
  if (aws !== undefined) return { kind: 'accepted', config: { ...common, target: 'aws', aws } };
  if (existing === undefined) {
    const drills = drillsOfLocal(told, common.links);
    const drilled = { drills, canaries: drills.some(needsCanaries) };
    return { kind: 'accepted', config: { ...common, ...drilled, target: 'local', local } };
  }
  const clients = canary && canaryClusters(canary, existing);
  const drilled = { drills: told ?? [], canaries: canary !== undefined, canary: clients };
  return { kind: 'accepted', config: { ...common, ...drilled, target: 'existing', sites: existing, workers } };
}

function awsLines(
  aws: AwsConfig | undefined,
  { policy, schemaPrimary, links }: Pick<Settings, 'policy' | 'schemaPrimary' | 'links'>,
): readonly string[] {
  if (aws === undefined) return [`${namespace}aws: is required for the target "aws"; docs/aws.md has an example`];
  const applications = policy?.applications ?? { a: [], b: [] };
  const iam = policy?.iam === undefined ? [] : [`${namespace}policy.iam: is known at the target "aws"; leave it out`];
  return [...iam, ...awsRefusals(aws, { applications, schemaPrimary, links })];
}

/** What is set for workers that this program does not start: it would be written nowhere. */
function refuseElsewhere(parsed: Settings, given: ReadonlyMap<string, string>): readonly string[] {
  const { workers, repoint, apiToken } = parsed;
  const lines: string[] = [];
  const elsewhere = sites.filter((site) => workers?.[site].url !== undefined);
  for (const site of elsewhere) {
    const { url = '', apiHost: host, apiPort: port } = workers?.[site] ?? {};
    const at = `${namespace}workers.${site}`;
    if (host !== undefined) lines.push(`${at}.apiHost: ${notHere(site)}; remove it, or ${at}.url`);
    if (port !== undefined) lines.push(`${at}.apiPort: ${notHere(site)}; remove it, or ${at}.url`);
    if (repoint?.[site] !== undefined) {
      lines.push(`${namespace}repoint.${site}: ${notHere(site)}; put it into their configuration`);
    }
    if (apiToken === undefined && !isLoopback(url)) {
      lines.push(`${namespace}apiToken: is required: without it workers elsewhere take changes from nobody`);
    }
  }
  lines.push(...existingDrillLines(parsed, { here: elsewhere.length < sites.length }));
  if (elsewhere.length < sites.length) return [...new Set(lines)];
  for (const name of ['workersPerSite', 'principals', 'authorizers', 'logLevel', 'canary', 'labels'] as const) {
    if (!given.has(name)) continue;
    lines.push(`${namespace}${name}: no worker is started here (umbra:workers.…url); say it where they run`);
  }
  return [...new Set(lines)];
}

function notHere(site: string): string {
  return `the workers of site ${site} run elsewhere`;
}

function isLoopback(url: string): boolean {
  return ['127.0.0.1', '[::1]', 'localhost'].includes(new URL(url).hostname);
}

/** The policy as a whole: its scopes have to lie within the prefixes. */
function unsoundPolicy({ prefixes, policy }: Pick<Settings, 'prefixes' | 'policy'>): readonly string[] {
  const { iam: _iam, ...declared } = policy ?? {};
  const parsed = parseSetting(declaredPolicySchema, { ...declared, owners: prefixes }, `${namespace}policy`);
  return 'lines' in parsed ? parsed.lines : [];
}

function refuseRepeated(values: readonly string[], context: z.RefinementCtx): void {
  for (const [index, value] of values.entries()) {
    if (values.indexOf(value) === index) continue;
    context.addIssue({ code: 'custom', path: [index], message: `repeats "${value}"; remove one of them` });
  }
}

function refuseSharedServer(
  { a, b }: { readonly a: ClusterConfig; readonly b: ClusterConfig },
  context: z.RefinementCtx,
): void {
  for (const [index, server] of b.bootstrapServers.entries()) {
    if (!a.bootstrapServers.some((other) => other.toLowerCase() === server.toLowerCase())) continue;
    const message = 'is a bootstrap server of site a, too: the two sites must be two clusters';
    context.addIssue({ code: 'custom', path: ['b', 'bootstrapServers', index], message });
  }
}

/** Configuration paths of passwords and tokens that stand in clear text in the stack's file, for a warning. */
export function clearTextSecrets(config: PairConfig, isSecret: (key: string) => boolean): readonly string[] {
  const found: string[] = [];
  if (config.apiToken !== undefined && !isSecret(`${namespace}apiToken`)) found.push(`${namespace}apiToken`);
  if (!isSecret(`${namespace}repoint`)) found.push(...secretPaths(config.repoint, `${namespace}repoint`));
  if (config.target === 'existing' && !isSecret(`${namespace}sites`)) {
    for (const site of sites) {
      found.push(...secretPaths(config.sites[site].sasl, `${namespace}sites.${site}.sasl`));
    }
  }
  if (config.target === 'existing' && !isSecret(`${namespace}canary`)) {
    for (const site of sites) found.push(...secretPaths(config.canary?.[site].sasl, `${namespace}canary.${site}.sasl`));
  }
  if (config.target === 'aws' && !isSecret(`${namespace}aws`)) found.push(...awsSecretPaths(config.aws));
  return found;
}
