import { z } from 'zod';
import { otherSite, sites, type SiteId } from '../../src/pair/site.ts';
import { linkId } from '../../src/pair/spec.ts';
import {
  type DrillSpec,
  drillSpecSchema,
  evidenceKeySchema,
  needsCanaries,
} from '../../src/provider/resources/drill-settings.ts';
import { overlap, parseCidr } from './cidr.ts';
import { type AwsSiteConfig, imageSchema, isExpress, siteSchema } from './site-config.ts';

/** With KRaft: those with ZooKeeper end with 3.9, and no cluster can be taken from one to the other in place. */
const kafkaVersionSchema = z.string().superRefine((version, context) => {
  const [, major, minor] = /^(\d+)\.(\d+)\.x\.kraft$/.exec(version) ?? [];
  const refuse = (message: string): void => context.addIssue({ code: 'custom', message });
  if (major === undefined || minor === undefined) refuse('must be a version with KRaft, such as "4.1.x.kraft"');
  else if (Number(major) * 1000 + Number(minor) < 3008) {
    refuse('must be 3.8 or later: earlier ones refuse WriteTxnMarkers to roles, and gaps could not be filled');
  }
});

/** What CloudWatch Logs takes. */
const retentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

const monitoringLevels = ['DEFAULT', 'PER_BROKER', 'PER_TOPIC_PER_BROKER', 'PER_TOPIC_PER_PARTITION'] as const;

/** As every drill is declared (docs/drills.md), but for its times, which are the scheduler's. */
const drillSchema = z.strictObject({
  ...drillSpecSchema.shape,
  schedule: z
    .string()
    .regex(
      /^(?:cron\(\S+(?: \S+){5}\)|rate\([1-9]\d* (?:minute|hour|day)s?\))$/,
      'must be cron(<six fields>) or rate(<n> hours)',
    ),
  timezone: z.string().refine(isTimezone, 'must be a time zone such as "Europe/Dublin"').default('UTC'),
});

const topicArn = z
  .string()
  .regex(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]+$/, 'must be the ARN of an SNS topic');

const imagesSchema = z.union(
  [imageSchema.transform((image) => ({ a: image, b: image })), z.strictObject({ a: imageSchema, b: imageSchema })],
  {
    error: 'must be by digest, "<name>@sha256:<64 hex digits>", or one such for "a" and "b"',
  },
);

const shapeSchema = z.strictObject({
  sites: z.strictObject({ a: siteSchema, b: siteSchema }),
  kafkaVersion: kafkaVersionSchema.default('4.1.x.kraft'),
  /** Of umbra. In networks that are made here each site has it in the registry of its own region. */
  image: imagesSchema,
  architecture: z.enum(['X86_64', 'ARM64'], { error: 'must be "X86_64" or "ARM64"' }).default('X86_64'),
  /** Whether umbra's role may write markers into gaps, and ACLs: AlterCluster. */
  markers: z.boolean().default(true),
  /** Between the two VPCs. Without it they reach each other already, by routes that others made. */
  peering: z.boolean().default(true),
  logRetentionDays: z
    .int()
    .refine((days) => retentionDays.includes(days), `must be one of ${retentionDays.join(', ')}`)
    .default(30),
  evidenceRetentionDays: z.int().min(1).max(36_500).default(365),
  /** COMPLIANCE is kept from everybody, whoever owns the account, until its time is over. */
  evidenceLock: z
    .enum(['GOVERNANCE', 'COMPLIANCE'], { error: 'must be "GOVERNANCE" or "COMPLIANCE"' })
    .default('GOVERNANCE'),
  quarantineRetentionDays: z.int().min(1).max(36_500).default(30),
  monitoring: z
    .enum(monitoringLevels, { error: `must be one of ${monitoringLevels.join(', ')}` })
    .default('PER_BROKER'),
  /** What the alarm and the number of workers go by: seconds of writes that would be lost with the source. */
  exposureSecondsMax: z.int().min(1).max(86_400).default(60),
  budgetUsdPerMonth: z.number().positive().optional(),
  /** For the estimate of costs: what is written at the source of each link. */
  interRegionMibPerSecond: z
    .strictObject({ 'a-b': z.number().nonnegative().default(0), 'b-a': z.number().nonnegative().default(0) })
    .prefault({}),
  /** For the estimate, too: of all logs of a site. */
  logGibPerMonth: z.number().nonnegative().default(10),
  drills: z.array(drillSchema).max(100).default([]),
  /** The application that canaries are at both sites: a user with a password, which is made there. */
  canary: z
    .strictObject({
      user: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'must be 1 to 64 of a-z, A-Z, 0-9, "_" and "-"'),
      password: z.string().min(16, 'must have at least 16 characters').max(256),
    })
    .optional(),
  /** What evidence of drills is signed with: a private key of Ed25519 as PEM (PKCS#8). The pair has one. */
  evidenceKey: evidenceKeySchema.optional(),
  /** Of each region. Alarms without one only change colour. */
  alarmTopics: z.strictObject({ a: topicArn.optional(), b: topicArn.optional() }).default({}),
  tags: z
    .record(
      z
        .string()
        .min(1)
        .max(128)
        .regex(/^(?!aws:)/, 'must not begin with "aws:"'),
      z.string().max(256),
    )
    .default({}),
});

type Shape = z.output<typeof shapeSchema>;
type AwsDrill = Shape['drills'][number];

/** Names of what is set for the pair and for each site, which a test holds to docs/aws.md. */
export const awsSettingNames = { pair: Object.keys(shapeSchema.shape), site: Object.keys(siteSchema.shape) } as const;

/** The setting `umbra:aws`. Every value that is wrong by itself or beside another one of this setting is an issue at its path. */
export const awsSchema = shapeSchema.transform((aws, context) => {
  // Only of what is sound by itself: a region that is none would say more about images than about itself.
  for (const { path, message } of contradictions(aws)) context.addIssue({ code: 'custom', path: [...path], message });
  return aws;
});

export type AwsConfig = z.output<typeof awsSchema>;

interface Contradiction {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

function contradictions(aws: Shape): readonly Contradiction[] {
  return [...betweenSites(aws), ...sites.flatMap((site) => ofImages(aws, site)), ...ofDrills(aws), ...ofTopics(aws)];
}

function betweenSites({ sites: { a, b }, image }: Shape): readonly Contradiction[] {
  const found: Contradiction[] = [];
  const at = (field: readonly string[], message: string): void =>
    void found.push({ path: ['sites', 'b', ...field], message });
  if (a.region === b.region) at(['region'], 'is the region of site a, too: a pair outlives a region, so it needs two');
  const [left, right] = [parseCidr(a.network.cidr), parseCidr(b.network.cidr)];
  if (left !== undefined && right !== undefined && overlap(left, right)) {
    at(['network', 'cidr'], `overlaps ${a.network.cidr} of site a: no route could tell them apart`);
  }
  if (a.accountId !== b.accountId) {
    at(['accountId'], 'must be that of site a: roles of another account are not let in by the clusters');
  }
  if (isExpress(a.brokers.instanceType) !== isExpress(b.brokers.instanceType)) {
    at(
      ['brokers', 'instanceType'],
      'must be Express at both sites or at neither: each has to carry what the other does',
    );
  }
  if (digestOf(image.a) !== digestOf(image.b)) {
    found.push({ path: ['image', 'b'], message: 'must have the digest of site a: both sites run the same program' });
  }
  return found;
}

/** Of images in Amazon's registry: account, region and repository. */
export function parseEcrImage(image: string): { accountId: string; region: string; repository: string } | undefined {
  const match = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([^@]+)@/.exec(image);
  const [, accountId, region, repository] = match ?? [];
  if (accountId === undefined || region === undefined || repository === undefined) return undefined;
  return { accountId, region, repository };
}

/** A network that is made here has no way out: images come through the endpoints of their region or not at all. */
function ofImages({ image, sites: of }: Shape, site: SiteId): readonly Contradiction[] {
  const { network, region, registry } = of[site];
  if (network.kind === 'existing') return [];
  const wrong = (path: readonly string[]): Contradiction => ({
    path,
    message: `must be in the registry of its region, "<account>.dkr.ecr.${region}.amazonaws.com/…": the network of site ${site} has no way out`,
  });
  const near = (each: string): boolean => parseEcrImage(each)?.region === region;
  return [
    ...(near(image[site]) ? [] : [wrong(['image', site])]),
    ...(registry === undefined || near(registry.image) ? [] : [wrong(['sites', site, 'registry', 'image'])]),
  ];
}

function ofDrills({ drills, canary, evidenceKey, sites: of }: Shape): readonly Contradiction[] {
  const found = drills.flatMap((drill, index): readonly Contradiction[] => {
    const path = ['drills', index];
    const issues = specOfDrill(drill).error?.issues ?? [];
    const wrong = issues.map((issue) => ({ path: [...path, ...issue.path.map(String)], message: issue.message }));
    if (drills.findIndex((other) => other.name === drill.name) !== index)
      wrong.push({ path: [...path, 'name'], message: 'is the name of another drill, too' });
    if (drill.level === 'L6')
      wrong.push({
        path: [...path, 'level'],
        message: 'is for a pair that may be lost, which is not made here: L5 is the highest',
      });
    else if (needsCanaries(drill) && canary === undefined)
      wrong.push({ path: [...path, 'level'], message: `${drill.level} needs canaries: set umbra:aws.canary` });
    return wrong;
  });
  if (drills.length > 0 && evidenceKey === undefined)
    found.push({ path: ['evidenceKey'], message: 'is required where drills are declared: it signs their evidence' });
  for (const site of sites) {
    const index = of[site].scramUsers.findIndex(({ name }) => name === canary?.user);
    if (index !== -1)
      found.push({
        path: ['sites', site, 'scramUsers', index, 'name'],
        message: 'is the user of umbra:aws.canary, which is made already',
      });
  }
  return found;
}

/** What the workers are told of a drill. */
export function specOfDrill({ schedule: _when, timezone: _zone, ...drill }: AwsDrill): z.ZodSafeParseResult<DrillSpec> {
  return drillSpecSchema.safeParse(drill);
}

/** Users with a password at a site: those that are named, and the canaries'. */
export function usersOf(
  { sites: of, canary }: Pick<Shape, 'sites' | 'canary'>,
  site: SiteId,
): AwsSiteConfig['scramUsers'] {
  const { scramUsers } = of[site];
  return canary === undefined ? scramUsers : [...scramUsers, { name: canary.user, password: canary.password }];
}

function ofTopics({ alarmTopics, sites: of }: Shape): readonly Contradiction[] {
  return sites.flatMap((site) => {
    const region = alarmTopics[site]?.split(':')[3];
    if (region === undefined || region === of[site].region) return [];
    return [
      { path: ['alarmTopics', site], message: `must be a topic of ${of[site].region}: alarms tell their own region` },
    ];
  });
}

function digestOf(image: string): string | undefined {
  return image.split('@')[1];
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** What `umbra:aws` has to agree with of the settings beside it. */
export interface BesideAws {
  readonly applications: Readonly<Record<SiteId, readonly { readonly principal: string }[]>>;
  readonly schemaPrimary: SiteId;
  /** Ids such as `a-b`. */
  readonly links: readonly string[];
}

/** By this name umbra stands in ACLs and events. It logs in by its role; nobody can have this name and a password. */
export const umbraPrincipal = 'User:umbra';

/** Pure: one line for whatever is sound by itself and wrong beside other settings. */
export function awsRefusals(aws: AwsConfig, beside: BesideAws): readonly string[] {
  return sites.flatMap((site) => [
    ...wrongApplications(site, beside),
    ...wrongUsers(aws, site, beside),
    ...wrongRegistry(aws, site, beside),
  ]);
}

function wrongApplications(site: SiteId, { applications }: BesideAws): readonly string[] {
  return applications[site].flatMap(({ principal }, index) =>
    principal === umbraPrincipal
      ? [`umbra:policy.applications.${site}[${index}].principal: is umbra's own; applications have names of their own`]
      : [],
  );
}

function wrongUsers(aws: AwsConfig, site: SiteId, { applications }: BesideAws): readonly string[] {
  const named = aws.sites[site].scramUsers.length;
  return usersOf(aws, site).flatMap(({ name }, index) => {
    const at = index < named ? `umbra:aws.sites.${site}.scramUsers[${index}].name` : 'umbra:aws.canary.user';
    if (`User:${name}` === umbraPrincipal) return [`${at}: is umbra's own, which logs in by its role; choose another`];
    if (applications[site].some(({ principal }) => principal === `User:${name}`)) return [];
    return [
      `${at}: could log in and do nothing; declare {"principal":"User:…"} of it in umbra:policy.applications.${site}`,
    ];
  });
}

/** Without a copy of the schemas a registry makes a topic of its own in its place. */
function wrongRegistry(aws: AwsConfig, site: SiteId, { schemaPrimary, links }: BesideAws): readonly string[] {
  const link = linkId({ from: otherSite(site), to: site });
  if (aws.sites[site].registry === undefined || site === schemaPrimary || links.includes(link)) return [];
  return [
    `umbra:aws.sites.${site}.registry: no link brings the schemas there; add "${link}" to umbra:links, or leave it out`,
  ];
}

/** Paths of passwords below `umbra:aws`, for a warning when the stack's file has them in clear text. */
export function awsSecretPaths(aws: AwsConfig): readonly string[] {
  const users = sites.flatMap((site) =>
    aws.sites[site].scramUsers.flatMap(({ password }, index) =>
      password === undefined ? [] : [`umbra:aws.sites.${site}.scramUsers[${index}].password`],
    ),
  );
  return [
    ...users,
    ...(aws.canary === undefined ? [] : ['umbra:aws.canary.password']),
    ...(aws.evidenceKey === undefined ? [] : ['umbra:aws.evidenceKey']),
  ];
}
