import pulumi from '@pulumi/pulumi';
import { checkPrefixes } from '../src/provider/resources/check-prefixes.ts';
import { RegionPair } from '../src/provider/resources/region-pair.ts';
import { clearTextSecrets, parseConfig } from './config.ts';
import { existingClusters } from './existing.ts';
import { localClusters } from './local.ts';
import { workerArgs } from './workers.ts';

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

const { pair, prefixes, policy, schemaPrimary, links: linkIds, onDelete, gap, topics, acls, apiToken } = config;
const { groups, transactionalIds } = policy ?? {};
const checked = await checkPrefixes({ pair, owners: prefixes, groups, transactionalIds, apiToken });
if (checked.kind === 'refused') throw new pulumi.RunError(`umbra:prefixes: ${checked.reason}`);

// The name in Pulumi's state is fixed: renaming the pair must not make other resources of it.
const made = new RegionPair('pair', {
  ...{ pair, prefixes, schemaPrimary, links: linkIds, onDelete, gap },
  clusters: config.target === 'local' ? localClusters(config) : await existingClusters(config),
  ...(policy === undefined ? {} : { policy }),
  ...(topics === undefined ? {} : { topics }),
  ...(acls === undefined ? {} : { acls }),
  workers: workerArgs(config),
  workersPerSite: config.workersPerSite,
  ...(apiToken === undefined ? {} : { apiToken: pulumi.secret(apiToken) }),
});

/** `host:port,…` of each site. */
export const bootstrapServers = made.bootstrapServers;
/** Base URL of each site's worker. */
export const api = made.api;
/** Prometheus metrics of each site's worker. */
export const metrics = made.metrics;
/** Base URLs of all workers of each site. */
export const workers = made.workers;
/** State of each link when it was last looked at. */
export const links = made.links;
/** Files with credentials for clients of local clusters, by site and user. */
export const clientFiles = made.clientFiles ?? {};
