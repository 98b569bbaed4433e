import { describe, expect, test } from 'vitest';
import { costs, costsOf } from '../../../infra/aws/costs.ts';
import { awsSchema } from '../../../infra/aws/config.ts';
import { awsSettings } from './settings.ts';

describe('what a pair costs', () => {
  test('is reckoned from its settings: brokers, the least workers, endpoints of networks that are made, declared bytes', () => {
    const aws = awsSchema.parse({ ...awsSettings, interRegionMibPerSecond: { 'a-b': 2 }, logGibPerMonth: 5 });
    expect(costsOf(aws)).toEqual({
      sites: {
        a: {
          region: 'eu-west-1',
          brokers: { instanceType: 'kafka.m7g.large', count: 3, storageGib: 500 },
          workers: { vcpu: 1, memoryGib: 2, count: 2, architecture: 'X86_64' },
          ...{ endpoints: 5, logGib: 5 },
        },
        b: expect.objectContaining({ region: 'eu-central-1' }) as object,
      },
      interRegionBytesPerSecond: { 'a-b': 2 * 2 ** 20, 'b-a': 0 },
    });
  });

  test('is said as a table that is no quote, and what it leaves out', () => {
    const { lines, warning } = costs(awsSchema.parse(awsSettings));
    expect(lines[0]).toMatch(/^site +what +amount/);
    expect(lines.slice(-2)).toEqual(['nor the registries of site a and b', 'estimate, not a quote']);
    expect(warning).toBeUndefined();
  });

  test('more than the budget is a warning with both sums', () => {
    const over = costs(awsSchema.parse({ ...awsSettings, budgetUsdPerMonth: 10 }));
    expect(over.warning).toMatch(/^umbra:aws\.budgetUsdPerMonth: is 10 USD a month, the estimate is [\d.]+ without/);
    expect(costs(awsSchema.parse({ ...awsSettings, budgetUsdPerMonth: 1e6 })).warning).toBeUndefined();
  });
});
