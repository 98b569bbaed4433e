import { z } from 'zod';
import { type SiteId, sites } from '../../pair/site.ts';
import { pairNameSchema } from '../../pair/spec.ts';
import {
  compilePolicy,
  declaredPolicySchema,
  policyFields,
  type PrefixPolicy,
} from '../../prefix-policy/declared-policy.ts';
import { whyNotRenamed } from '../../worker/control/spec-refusals.ts';
import { Problem } from '../../worker/problems.ts';
import type { LocalWorkers, OpenWorkerApi, WorkerApi } from '../ports.ts';
import type { InvokeHandler } from '../server/handler.ts';
import { renderError } from '../server/provider-errors.ts';
import { type PrefixStanding, standingAt, standingOf } from './pair-standing.ts';
import { apiToken } from './worker-inputs.ts';

const { owners, groups, transactionalIds } = policyFields;
const inputs = z.strictObject({ pair: pairNameSchema, owners, groups, transactionalIds, apiToken });

export interface CheckPrefixesPorts {
  readonly workers: Pick<LocalWorkers, 'inspect'>;
  readonly openApi: OpenWorkerApi;
}

interface SiteSeen {
  readonly policy: PrefixPolicy;
  readonly standing: PrefixStanding;
}

/**
 * Asks the workers of a pair, where it runs already, whether it may have these prefixes: before any resource is touched,
 * since local clusters get their ACLs before workers are told of a policy. `{kind: 'refused', reason}` is an answer. What no
 * worker can say is left to the update, which asks again.
 */
export function checkPrefixesHandler(ports: CheckPrefixesPorts): InvokeHandler<typeof inputs> {
  return {
    token: 'umbra:index:checkPrefixes',
    inputs,
    async call({ pair, apiToken: token, ...prefixes }, signal) {
      const seen: SiteSeen[] = [];
      for (const site of sites) {
        const found = await look(ports, { pair, site, token }, signal);
        if (found !== undefined) seen.push(found);
      }
      const next = compilePolicy(declaredPolicySchema.parse(prefixes));
      const standing = standingOf(seen.map((each) => each.standing));
      const refusals = seen.flatMap(({ policy: now }) => whyNotRenamed({ now, next }, standing) ?? []);
      const [refusal] = refusals;
      return refusal === undefined ? { kind: 'free' } : { kind: 'refused', reason: renderError(refusal) };
    },
  };
}

async function look(
  { workers, openApi }: CheckPrefixesPorts,
  of: { readonly pair: string; readonly site: SiteId; readonly token: z.output<typeof apiToken> },
  signal: AbortSignal,
): Promise<SiteSeen | undefined> {
  const worker = await workers.inspect({ pair: of.pair, site: of.site }, signal);
  if (worker.kind !== 'running') return undefined;
  const api: WorkerApi = openApi({ url: worker.apiUrl, token: of.token });
  try {
    return { policy: compilePolicy(await api.prefixPolicy(signal)), standing: await standingAt(api, signal) };
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}
