import { type SiteId, sites } from '../pair/site.ts';
import type { PrefixOwners } from '../pair/spec.ts';

/** Enough that several brokers lead one, few enough that each tells of every second. */
export const canaryPartitions = 3;

const generationMax = 999_999;
const hoursMs = 3_600_000;
const mebibyte = 1 << 20;

/** A canary topic by its name: whose it is, and the how many-th of its home. */
export interface CanaryTopicName {
  readonly home: SiteId;
  readonly generation: number;
}

/** `<prefix>umbra-canary-<6 digits>`. Throws where the generation is none (0 to 999999). */
export function canaryTopicName(prefix: string, generation: number): string {
  if (!Number.isInteger(generation) || generation < 0 || generation > generationMax)
    throw new RangeError(`${generation} is no generation of a canary topic: it must be 0 to ${generationMax}`);
  return `${prefix}umbra-canary-${String(generation).padStart(6, '0')}`;
}

/** What the name of a canary topic says; undefined for every other name. */
export function canaryTopicOf(name: string, owners: PrefixOwners): CanaryTopicName | undefined {
  const generation = Number(/umbra-canary-(\d{6})$/.exec(name)?.[1]);
  if (Number.isNaN(generation)) return undefined;
  const home = sites.find((site) => canaryTopicName(owners[site], generation) === name);
  return home === undefined ? undefined : { home, generation };
}

/** Of each home the canary topic with the highest generation among these names. */
export function newestCanaryTopics(
  names: Iterable<string>,
  owners: PrefixOwners,
): readonly (CanaryTopicName & { readonly name: string })[] {
  const newest = new Map<SiteId, CanaryTopicName & { readonly name: string }>();
  for (const name of names) {
    const found = canaryTopicOf(name, owners);
    if (found === undefined || found.generation <= (newest.get(found.home)?.generation ?? -1)) continue;
    newest.set(found.home, { ...found, name });
  }
  return sites.flatMap((site) => newest.get(site) ?? []);
}

/**
 * How a canary topic is created: small and short-lived. Only closed segments are deleted, so segments are closed soon.
 * `min.insync.replicas` is left to the cluster: canaries are to be acknowledged as everybody's records are.
 */
export const canaryTopicConfigs: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'retention.ms': String(6 * hoursMs),
  'retention.bytes': String(64 * mebibyte),
  'segment.ms': String(hoursMs / 6),
  'segment.bytes': String(4 * mebibyte),
};
