/**
 * What AWS asks for, as data: list prices without discounts, free tiers and taxes. Nobody asked AWS for them; each says where it
 * was read and of when it is. A price that has changed is a line here.
 */
export interface Price {
  readonly item: PricedItem;
  readonly region: string;
  readonly usd: number;
  readonly unit: PriceUnit;
  readonly source: string;
  /** Year and month, or day: of the source, or of when it was read where that has none. */
  readonly asOf: string;
}

export type PriceUnit = 'broker-hour' | 'GB-month' | 'GB' | 'vCPU-hour' | 'GB-hour' | 'endpoint-hour';

export type PricedItem =
  | `broker ${string}`
  | 'broker storage'
  | 'Express data written'
  | 'Fargate X86_64 vCPU'
  | 'Fargate X86_64 memory'
  | 'Fargate ARM64 vCPU'
  | 'Fargate ARM64 memory'
  | 'inter-region transfer'
  | `inter-region transfer to ${string}`
  | 'interface endpoint'
  | 'log ingestion';

/** Where most prices are known of; it stands in for a region without one. */
export const referenceRegion = 'us-east-1';

const msk = { region: referenceRegion, source: "msk_sizing.py of AWS's agent toolkit", asOf: '2026-08-20' } as const;
const broker = (type: string, usd: number): Price => ({ ...msk, item: `broker ${type}`, usd, unit: 'broker-hour' });

const fargateX86 = {
  region: referenceRegion,
  source: 'vantage.sh/blog/fargate-pricing, wring.co',
  asOf: '2026-03',
} as const;
const transfer = { unit: 'GB', source: 'data transfer tables of NixOS/amis and SkyPlane', asOf: '2026-11' } as const;

export const prices: readonly Price[] = [
  broker('kafka.m7g.large', 0.204),
  broker('kafka.m7g.xlarge', 0.408),
  broker('kafka.m7g.2xlarge', 0.816),
  broker('express.m7g.large', 0.408),
  broker('express.m7g.xlarge', 0.816),
  broker('express.m7g.2xlarge', 1.632),
  { ...msk, item: 'broker storage', usd: 0.1, unit: 'GB-month' },
  { ...msk, item: 'Express data written', usd: 0.01, unit: 'GB' },
  { ...fargateX86, item: 'Fargate X86_64 vCPU', usd: 0.04048, unit: 'vCPU-hour' },
  { ...fargateX86, item: 'Fargate X86_64 memory', usd: 0.004445, unit: 'GB-hour' },
  { ...fargateX86, item: 'Fargate ARM64 vCPU', usd: 0.03238, unit: 'vCPU-hour' },
  { ...fargateX86, item: 'Fargate ARM64 memory', usd: 0.00356, unit: 'GB-hour' },
  { ...transfer, region: referenceRegion, item: 'inter-region transfer', usd: 0.02 },
  { ...transfer, region: 'us-east-1', item: 'inter-region transfer to us-east-2', usd: 0.01 },
  { ...transfer, region: 'us-east-2', item: 'inter-region transfer to us-east-1', usd: 0.01 },
  {
    ...{ region: referenceRegion, item: 'interface endpoint', usd: 0.01, unit: 'endpoint-hour' },
    ...{ source: 'cloudcostkit.com, calculator of interface endpoints', asOf: '2026-01-27' },
  },
  {
    ...{ region: referenceRegion, item: 'log ingestion', usd: 0.5, unit: 'GB' },
    ...{ source: 'c3x.dev/blog/cloudwatch-logs-cost-optimization', asOf: '2026-06' },
  },
];

/** The price of an item in a region, else that of the reference region; undefined where neither is known. */
export function priceOf(item: PricedItem, region: string): Price | undefined {
  const of = prices.filter((price) => price.item === item);
  return of.find((price) => price.region === region) ?? of.find((price) => price.region === referenceRegion);
}
