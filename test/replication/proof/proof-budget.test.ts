import { expect, test } from 'vitest';
import { ProofBudget } from '../../../src/replication/proof/proof-budget.ts';

const rate = { share: 0.01, bytesPerSecondMin: 1000 };

test('a quiet link may be read at the least rate', () => {
  const budget = new ProofBudget(rate, () => 0);
  expect(budget.msUntilReady(0)).toBe(0);
  budget.spend(5000);
  expect(budget.msUntilReady(0)).toBe(5000);
  expect(budget.msUntilReady(4999)).toBe(1);
  expect(budget.msUntilReady(5000)).toBe(0);
});

test('what was not used is not saved up', () => {
  const budget = new ProofBudget(rate, () => 0);
  budget.msUntilReady(0);
  budget.msUntilReady(3_600_000);
  budget.spend(2000);
  expect(budget.msUntilReady(3_600_000)).toBe(2000);
});

test('a busy link may be read at its share of the best rate it has reached', () => {
  let copied = 0;
  const budget = new ProofBudget(rate, () => copied);
  budget.msUntilReady(0);
  copied = 10_000_000;
  budget.msUntilReady(10_000);
  // 1 MB/s was reached: one percent is 10 kB/s, also when it is quiet again.
  budget.msUntilReady(100_000);
  budget.spend(10_000);
  expect(budget.msUntilReady(100_000)).toBe(1000);
});
