import pulumi from '@pulumi/pulumi';
import { checkPrefixes } from '../src/provider/resources/check-prefixes.ts';
import { clearTextSecrets, parseConfig } from './config.ts';
import { processPair } from './processes.ts';

// Parsed, and what runs already asked, before any resource: a wrong setting leaves nothing behind.
const parsed = parseConfig(pulumi.runtime.allConfig());
if (parsed.kind === 'refused') throw new pulumi.RunError(parsed.lines.join('\n'));
const { config } = parsed;

const secretKeys = new Set(JSON.parse(process.env['PULUMI_CONFIG_SECRET_KEYS'] ?? '[]') as string[]); // as: Pulumi's own list
for (const path of clearTextSecrets(config, (key) => secretKeys.has(key))) {
  await pulumi.log.warn(
    `${path}: stands in clear text in the stack's file; set it with "pulumi config set --secret --path"`,
  );
}

const { pair, prefixes, policy, apiToken } = config;
const { groups, transactionalIds } = policy ?? {};
const checked = await checkPrefixes({ pair, owners: prefixes, groups, transactionalIds, apiToken });
if (checked.kind === 'refused') throw new pulumi.RunError(`umbra:prefixes: ${checked.reason}`);

// Resource classes of AWS are many: they are loaded where they are needed.
const atAws = config.target === 'aws' ? await (await import('./aws/program.ts')).awsPair(config) : undefined;
const made = config.target === 'aws' ? atAws : await processPair(config);
if (made === undefined) throw new Error('invariant: a target without a pair');

/** `host:port,…` of each site; at AWS of the listeners for roles. */
export const bootstrapServers = made.bootstrapServers;
/** Base URL of each site's worker. */
export const api = made.api;
/** Prometheus metrics of each site's worker. */
export const metrics = made.metrics;
/** Base URLs of all workers of each site; at AWS of whichever answers. */
export const workers = made.workers;
/** State of each link when it was last looked at. */
export const links = made.links;
/** Files with credentials for clients of local clusters, by site and user. */
export const clientFiles = ('clientFiles' in made ? made.clientFiles : undefined) ?? {};
/** What there is at AWS beside: listeners for users, buckets, parameters, secrets (docs/aws.md). */
export const aws = atAws?.places ?? {};
