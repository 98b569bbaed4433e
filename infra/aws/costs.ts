import type { SiteId } from '../../src/pair/site.ts';
import type { AwsConfig } from './config.ts';
import { estimate, type EstimateInput, estimateText, type SiteCosts } from './estimate.ts';
import { interfaceServices } from './network.ts';

const mib = 2 ** 20;
const cpuUnits = 1024;
const mibPerGib = 1024;

/** Pure. What the estimate reckons with: as many workers as there are at least, and the bytes that are declared. */
export function costsOf({ sites, architecture, interRegionMibPerSecond, logGibPerMonth }: AwsConfig): EstimateInput {
  const site = (id: SiteId): SiteCosts => {
    const { region, brokers, workers, network } = sites[id];
    const { instanceType, count, storageGib } = brokers;
    const { cpu, memoryMib, min } = workers;
    return {
      region,
      brokers: { instanceType, count, ...(storageGib === undefined ? {} : { storageGib }) },
      workers: { vcpu: cpu / cpuUnits, memoryGib: memoryMib / mibPerGib, count: min, architecture },
      endpoints: network.kind === 'new' ? interfaceServices.length : 0,
      logGib: logGibPerMonth,
    };
  };
  const bytes = (direction: 'a-b' | 'b-a'): number => interRegionMibPerSecond[direction] * mib;
  return {
    sites: { a: site('a'), b: site('b') },
    interRegionBytesPerSecond: { 'a-b': bytes('a-b'), 'b-a': bytes('b-a') },
  };
}

export interface Costs {
  /** The table, for people. */
  readonly lines: readonly string[];
  /** Of the table, in whole dollars: what it is worth. */
  readonly estimatedUsdPerMonth: number;
  /** When it comes to more than the budget. */
  readonly warning: string | undefined;
}

/** Pure. Said before anything is made. */
export function costs(aws: AwsConfig): Costs {
  const input = costsOf(aws);
  const registries = (['a', 'b'] as const).filter((site) => aws.sites[site].registry !== undefined);
  const beside = registries.length === 0 ? [] : [`nor the registries of site ${registries.join(' and ')}`];
  const { totalUsdPerMonth } = estimate(input);
  const { budgetUsdPerMonth } = aws;
  const over = budgetUsdPerMonth !== undefined && totalUsdPerMonth > budgetUsdPerMonth;
  const warning = `umbra:aws.budgetUsdPerMonth: is ${budgetUsdPerMonth ?? 0} USD a month, the estimate is ${totalUsdPerMonth.toFixed(2)} without what is not in it`;
  const text = estimateText(input);
  return {
    // The last line stays the last one: that it is no quote.
    lines: [...text.slice(0, -1), ...beside, ...text.slice(-1)],
    estimatedUsdPerMonth: Math.round(totalUsdPerMonth),
    warning: over ? warning : undefined,
  };
}
