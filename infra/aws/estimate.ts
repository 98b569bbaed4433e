import { otherSite, type SiteId, sites } from '../../src/pair/site.ts';
import { type Price, type PricedItem, priceOf } from './prices.ts';

export interface EstimateInput {
  readonly sites: Readonly<Record<SiteId, SiteCosts>>;
  /** What crosses from the source of each link to its destination: measured, or as declared. */
  readonly interRegionBytesPerSecond: Readonly<Record<'a-b' | 'b-a', number>>;
}

export interface SiteCosts {
  readonly region: string;
  /** `storageGib` of each broker; left out for Express brokers. */
  readonly brokers: { readonly instanceType: string; readonly count: number; readonly storageGib?: number };
  readonly workers: {
    readonly vcpu: number;
    readonly memoryGib: number;
    /** Tasks that run all the time. */
    readonly count: number;
    /** Default: X86_64. */
    readonly architecture?: 'X86_64' | 'ARM64';
  };
  /** Interface endpoints of the VPC, each of them in three availability zones. */
  readonly endpoints: number;
  /** Of all logs, a month. */
  readonly logGib: number;
}

export interface EstimateRow {
  readonly site: SiteId;
  readonly region: string;
  readonly what: string;
  /** In the unit of the price. */
  readonly amount: number;
  /** Undefined: not known, so it is not in the total. */
  readonly price: Price | undefined;
  readonly usdPerMonth: number | undefined;
}

export interface Estimate {
  readonly rows: readonly EstimateRow[];
  /** Of the rows with a price. */
  readonly totalUsdPerMonth: number;
}

/** As AWS itself reckons a month. */
const hoursPerMonth = 730;
const zones = 3;
const gib = 2 ** 30;

/** Pure: what a pair costs a month by list prices, row by row. What is not in it is named by {@link estimateText}. */
export function estimate(input: EstimateInput): Estimate {
  const rows = sites.flatMap((site) => siteRows(site, input)).filter(({ amount }) => amount > 0);
  return { rows, totalUsdPerMonth: rows.reduce((sum, { usdPerMonth }) => sum + (usdPerMonth ?? 0), 0) };
}

function siteRows(site: SiteId, { sites: of, interRegionBytesPerSecond }: EstimateInput): readonly EstimateRow[] {
  const { region, brokers, workers, endpoints, logGib } = of[site];
  const { vcpu, memoryGib, count, architecture = 'X86_64' } = workers;
  const row = (what: string, item: PricedItem, amount: number, known = priceOf(item, region)): EstimateRow => ({
    ...{ site, region, what, amount, price: known },
    usdPerMonth: known === undefined ? undefined : amount * known.usd,
  });
  const other = otherSite(site);
  const outGib = gibPerMonth(interRegionBytesPerSecond[`${site}-${other}` as 'a-b' | 'b-a']);
  const inGib = gibPerMonth(interRegionBytesPerSecond[`${other}-${site}` as 'a-b' | 'b-a']);
  const tasks = `${count} × ${vcpu} vCPU, ${memoryGib} GiB, ${architecture}`;
  return [
    row(
      `brokers, ${brokers.count} × ${brokers.instanceType}`,
      `broker ${brokers.instanceType}`,
      brokers.count * hoursPerMonth,
    ),
    ...storageRows(brokers, outGib + inGib, row),
    row(`Fargate CPU, ${tasks}`, `Fargate ${architecture} vCPU`, count * vcpu * hoursPerMonth),
    row(`Fargate memory, ${tasks}`, `Fargate ${architecture} memory`, count * memoryGib * hoursPerMonth),
    row(
      `transfer to ${of[other].region}, paid at the source`,
      'inter-region transfer',
      outGib,
      priceOf(`inter-region transfer to ${of[other].region}`, region) ?? priceOf('inter-region transfer', region),
    ),
    row(`interface endpoints, ${endpoints} in ${zones} zones`, 'interface endpoint', endpoints * zones * hoursPerMonth),
    row('logs', 'log ingestion', logGib),
  ];
}

/** Standard brokers have disks of a size; Express brokers are paid by what is written: one's own topics, and the copies. */
function storageRows(
  { instanceType, count, storageGib = 0 }: SiteCosts['brokers'],
  writtenGib: number,
  row: (what: string, item: PricedItem, amount: number) => EstimateRow,
): readonly EstimateRow[] {
  if (instanceType.startsWith('express.')) {
    return [row('data written to Express brokers', 'Express data written', writtenGib)];
  }
  return [row(`broker storage, ${count} × ${storageGib} GiB`, 'broker storage', count * storageGib)];
}

function gibPerMonth(bytesPerSecond: number): number {
  return (bytesPerSecond * 3_600 * hoursPerMonth) / gib;
}

const notIncluded =
  'not in it: data that Express brokers keep, requests to endpoints, transfer between zones, keys, secrets, alarms, metrics, buckets, taxes';

/** The same as lines of text: a table, the total, what is not in it, and that it is no quote. */
export function estimateText(input: EstimateInput): readonly string[] {
  const { rows, totalUsdPerMonth } = estimate(input);
  const unpriced = rows.filter(({ price }) => price === undefined);
  const head = ['site', 'what', 'amount', 'USD each', 'USD a month', 'price of, source'];
  const cells = rows.map(({ site, region, what, amount, price, usdPerMonth }) => [
    site,
    what,
    price === undefined ? '' : `${grouped(amount, 0)} ${price.unit}`,
    price === undefined ? '' : String(price.usd),
    usdPerMonth === undefined ? 'unknown' : grouped(usdPerMonth, 2),
    price === undefined ? `no price known for ${region}` : origin(price, region),
  ]);
  const total = ['', 'total', '', '', grouped(totalUsdPerMonth, 2), unpriced.length === 0 ? '' : 'at least'];
  return [
    ...columns([head, ...cells, total]),
    ...unpriced.map(({ site, what }) => `site ${site}: no price known of ${what}; add it to infra/aws/prices.ts`),
    notIncluded,
    'estimate, not a quote',
  ];
}

function origin({ region, asOf, source }: Price, wanted: string): string {
  const remark = region === wanted ? region : `${region}, for none of ${wanted} is known`;
  return `${remark}; ${asOf}, ${source}`;
}

/** Figures on the right of their columns. */
function columns(table: readonly (readonly string[])[]): readonly string[] {
  const widths = (table[0] ?? []).map((_, at) => Math.max(...table.map((row) => (row[at] ?? '').length)));
  const figures = [2, 3, 4];
  return table.map((row) =>
    row
      .map((cell, at) => (figures.includes(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

function grouped(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
