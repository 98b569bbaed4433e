import pulumi from '@pulumi/pulumi';
import type { PairConfig } from '../config.ts';
import { costs } from './costs.ts';
import { AwsPair } from './pair.ts';

type AwsPairConfig = Extract<PairConfig, { target: 'aws' }>;

const disabledProviders = 'pulumi:disable-default-providers';

/** The pair in two regions of AWS. What it costs, and refusals, come before anything is registered. */
export async function awsPair(config: AwsPairConfig): Promise<AwsPair> {
  const refusal = defaultProviderRefusal(pulumi.runtime.allConfig());
  if (refusal !== undefined) throw new pulumi.RunError(refusal);
  const { pair, prefixes, policy, schemaPrimary, links, onDelete, gap, topics, acls, apiToken, logLevel, aws } = config;
  const { lines, warning } = costs(aws);
  await pulumi.log.info(lines.join('\n'));
  if (warning !== undefined) await pulumi.log.warn(warning);
  const { iam: _iam, ...declared } = policy ?? {};
  // The name in Pulumi's state is fixed: renaming the pair must not make other resources of it.
  return new AwsPair('pair', {
    ...{ pair, prefixes, schemaPrimary, links, onDelete, gap, aws, policy: declared },
    ...(topics === undefined ? {} : { topics }),
    ...(acls === undefined ? {} : { acls }),
    ...(apiToken === undefined ? {} : { apiToken: pulumi.secret(apiToken) }),
    ...(logLevel === undefined ? {} : { logLevel }),
  });
}

/** Pure: a resource whose provider was forgotten would be made in whatever region the shell has. With this set it is an error. */
export function defaultProviderRefusal(all: Readonly<Record<string, string>>): string | undefined {
  if (/"(?:aws|\*)"/.test(all[disabledProviders] ?? '')) return undefined;
  return `${disabledProviders}: must name "aws": every resource has its region's provider; type pulumi config set --path '${disabledProviders}[0]' aws`;
}
