import { describe, expect, test } from 'vitest';
import { type EstimateInput, estimate, estimateText, type SiteCosts } from '../../../infra/aws/estimate.ts';
import { priceOf, prices, referenceRegion } from '../../../infra/aws/prices.ts';

const mib = 2 ** 20;

function site(more: Partial<SiteCosts> = {}): SiteCosts {
  return {
    region: 'us-east-1',
    brokers: { instanceType: 'kafka.m7g.large', count: 3, storageGib: 500 },
    workers: { vcpu: 2, memoryGib: 4, count: 2, architecture: 'ARM64' },
    endpoints: 0,
    logGib: 0,
    ...more,
  };
}

/** Two sites of three brokers with 500 GB each, four tasks on ARM, and 10 MiB/s from a to b. */
const oneBusyDirection: EstimateInput = {
  sites: { a: site(), b: site({ region: 'us-west-2' }) },
  interRegionBytesPerSecond: { 'a-b': 10 * mib, 'b-a': 0 },
};

function sumOf(input: EstimateInput, what: RegExp): number {
  const rows = estimate(input).rows.filter((row) => what.test(row.what));
  return rows.reduce((sum, { usdPerMonth }) => sum + (usdPerMonth ?? 0), 0);
}

describe('an estimate', () => {
  test('comes to what was reckoned by hand for one busy direction', () => {
    // 6 brokers × 0.204 × 730 h
    expect(sumOf(oneBusyDirection, /^brokers/)).toBeCloseTo(893.52, 2);
    // 6 × 500 GB × 0.10
    expect(sumOf(oneBusyDirection, /^broker storage/)).toBeCloseTo(300, 2);
    // 4 tasks × (2 × 0.03238 + 4 × 0.00356) × 730 h
    expect(sumOf(oneBusyDirection, /^Fargate/)).toBeCloseTo(230.68, 2);
    // 10 MiB/s × 2 628 000 s = 25 664.06 GiB × 0.02
    expect(sumOf(oneBusyDirection, /^transfer/)).toBeCloseTo(513.28, 2);
    expect(estimate(oneBusyDirection).totalUsdPerMonth).toBeCloseTo(1_937.48, 2);
  });

  test('counts endpoints by zone, logs by what is written, and tasks on x86 at their price', () => {
    const workers = { vcpu: 1, memoryGib: 2, count: 2 };
    const input = { ...oneBusyDirection, sites: { a: site({ endpoints: 5, logGib: 20, workers }), b: site() } };
    // 5 × 3 zones × 730 h × 0.01
    expect(sumOf(input, /^interface endpoints/)).toBeCloseTo(109.5, 2);
    // 20 GB × 0.50
    expect(sumOf(input, /^logs/)).toBeCloseTo(10, 2);
    // 2 × (0.04048 + 2 × 0.004445) × 730 h
    expect(sumOf(input, /^Fargate.*X86_64/)).toBeCloseTo(72.08, 2);
  });

  test('has Express brokers paid by what is written at both ends of a link, and no disks', () => {
    const brokers = { instanceType: 'express.m7g.large', count: 3 };
    const input = { ...oneBusyDirection, sites: { a: site({ brokers }), b: site({ brokers }) } };
    // 2 × 3 × 0.408 × 730 h
    expect(sumOf(input, /^brokers/)).toBeCloseTo(1_787.04, 2);
    // written at a, and again as a copy at b: 2 × 25 664.06 GB × 0.01
    expect(sumOf(input, /^data written/)).toBeCloseTo(513.28, 2);
    expect(sumOf(input, /^broker storage/)).toBe(0);
  });

  test('has the source of a link pay for the transfer, by the price between the two regions', () => {
    const near = { ...oneBusyDirection, sites: { a: site(), b: site({ region: 'us-east-2' }) } };
    const [row, ...others] = estimate(near).rows.filter(({ what }) => what.startsWith('transfer'));
    expect(row).toMatchObject({ site: 'a', what: 'transfer to us-east-2, paid at the source', price: { usd: 0.01 } });
    expect(others).toEqual([]);
  });

  test('leaves out of the total what has no price, and says so', () => {
    const brokers = { instanceType: 'kafka.m5.24xlarge', count: 3, storageGib: 100 };
    const input = { ...oneBusyDirection, sites: { a: site({ brokers }), b: site() } };
    const { rows, totalUsdPerMonth } = estimate(input);
    expect(rows[0]).toMatchObject({ price: undefined, usdPerMonth: undefined });
    // 1 937.48 − 446.76 of three brokers − 150 + 30 of their disks
    expect(totalUsdPerMonth).toBeCloseTo(1_370.72, 2);
    const text = estimateText(input).join('\n');
    expect(text).toMatch(/^a +brokers, 3 × kafka\.m5\.24xlarge +unknown +no price known for us-east-1$/m);
    expect(text).toMatch(/^ +total +1,370\.72 +at least$/m);
    expect(text).toContain('site a: no price known of brokers, 3 × kafka.m5.24xlarge; add it to');
  });
});

describe('the text of an estimate', () => {
  const lines = estimateText(oneBusyDirection);

  test('is a table whose rows say of when and where from each price is', () => {
    expect(lines.slice(0, 3)).toEqual(
      [
        'site  what                                            amount  USD each  USD a month  price of, source',
        "a     brokers, 3 × kafka.m7g.large         2,190 broker-hour     0.204       446.76  us-east-1; 2026-08-20, msk_sizing.py of AWS's agent toolkit",
        "a     broker storage, 3 × 500 GiB             1,500 GB-month       0.1       150.00  us-east-1; 2026-08-20, msk_sizing.py of AWS's agent toolkit",
      ].map(
        (line) =>
          expect.stringMatching(
            new RegExp(line.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/ {2,}/g, ' +')),
          ) as unknown,
      ),
    );
  });

  test('names the reference region where a region has no price of its own', () => {
    const ofB = lines.filter((line) => line.startsWith('b '));
    expect(ofB).toHaveLength(4);
    for (const line of ofB) expect(line).toContain('us-east-1, for none of us-west-2 is known; 2026-');
    expect(lines.filter((line) => line.startsWith('a ') && line.includes('for none of'))).toEqual([]);
  });

  test('ends with the total, what is not in it, and that it is no quote', () => {
    expect(lines.at(-3)).toMatch(/^ +total +1,937\.48$/);
    expect(lines.at(-2)).toMatch(/^not in it: /);
    expect(lines.at(-1)).toBe('estimate, not a quote');
  });
});

describe('the prices', () => {
  test('have one value for each item and region, with its unit, source and date', () => {
    const keys = prices.map(({ item, region }) => `${item} ${region}`);
    expect(new Set(keys).size).toBe(keys.length);
    for (const { usd, source, asOf } of prices) {
      expect(usd).toBeGreaterThan(0);
      expect(source).not.toBe('');
      expect(asOf).toMatch(/^20\d\d-\d\d(-\d\d)?$/);
    }
  });

  test('of a region without one are those of the reference region, and of an unknown thing none', () => {
    expect(priceOf('log ingestion', 'eu-west-1')?.region).toBe(referenceRegion);
    expect(priceOf('inter-region transfer to eu-west-1', 'us-east-1')).toBeUndefined();
    expect(priceOf('broker kafka.unheard.of', 'us-east-1')).toBeUndefined();
  });
});
