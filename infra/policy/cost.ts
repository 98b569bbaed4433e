import type { ResourceRule, Rule } from './rule.ts';

/** What it comes to (infra/aws/estimate.ts), beside what was agreed. */
export const costRules: readonly Rule[] = [
  {
    ...{ of: 'resource', name: 'cost-within-budget', level: 'advisory' },
    holds: 'a pair is estimated to cost no more a month than its budget',
    remedy: 'choose smaller brokers or fewer workers, or raise umbra:aws.budgetUsdPerMonth',
    types: ['umbra:aws:Pair'],
    judge: ({ props: { estimatedUsdPerMonth: estimated, budgetUsdPerMonth: budget } }) => {
      if (typeof estimated !== 'number' || typeof budget !== 'number' || estimated <= budget) return [];
      return [`is estimated at $${estimated.toFixed(0)} a month, its budget is $${budget.toFixed(0)}`];
    },
  },
] satisfies readonly ResourceRule[];
