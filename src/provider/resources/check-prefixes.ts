import pulumi from '@pulumi/pulumi';
import { z } from 'zod';
import type { PrefixOwners } from '../../pair/spec.ts';
import { providerVersion } from './provider-version.ts';

const answer = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('free') }),
  z.strictObject({ kind: z.literal('refused'), reason: z.string() }),
]);

export type CheckedPrefixes = z.output<typeof answer>;

export interface CheckPrefixesArgs {
  readonly pair: string;
  readonly owners: PrefixOwners;
  readonly groups?: PrefixOwners | undefined;
  readonly transactionalIds?: PrefixOwners | undefined;
  /** Plain. */
  readonly apiToken?: string | undefined;
}

/** Asks whether the pair may have these prefixes, if it runs already. To be awaited before any resource is made. */
export async function checkPrefixes(args: CheckPrefixesArgs): Promise<CheckedPrefixes> {
  const token = 'umbra:index:checkPrefixes';
  return answer.parse(await pulumi.runtime.invoke(token, { ...args }, { version: providerVersion }));
}
