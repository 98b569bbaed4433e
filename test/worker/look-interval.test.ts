import { expect, test } from 'vitest';
import { lookIntervalMs } from '../../src/worker/control/look-interval.ts';

test.each([
  [2_000, 0, 2_000],
  [2_000, 600, 2_000],
  [2_000, 1_000, 3_000],
  [2_000, 10_000, 30_000],
  [60_000, 10_000, 60_000],
])('topics are looked at every %i ms, of %i partitions every %i ms', (configuredMs, partitions, expected) => {
  expect(lookIntervalMs(configuredMs, partitions)).toBe(expected);
});
