import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProductionRate } from '../../src/exposure/production-rate.ts';

/** Looks at a source that gets `perSecond(t)` records, in batches, every `everyMs`. */
function watch(
  forMs: number,
  perSecond: (atMs: number) => number,
  { everyMs = 100, bornMs = 0 }: { readonly everyMs?: number; readonly bornMs?: number } = {},
): ProductionRate {
  const rate = new ProductionRate(bornMs);
  let owed = 0;
  for (let atMs = bornMs; atMs < bornMs + forMs; atMs += everyMs) {
    owed += (perSecond(atMs - bornMs) * everyMs) / 1000;
    const count = Math.floor(owed);
    owed -= count;
    rate.add(count, atMs, atMs + everyMs);
  }
  return rate;
}

describe('the rate of production', () => {
  it('is 0 before anything was produced', () => {
    expect(watch(60_000, () => 0).perSecond).toBe(0);
  });

  it('is within 1 % for a steady load, however long it has gone on and however often it is looked at', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4_000, max: 120_000 }),
        fc.integer({ min: 500, max: 20_000 }),
        fc.integer({ min: 5, max: 500 }),
        (forMs, perSecond, everyMs) => {
          const found = watch(forMs, () => perSecond, { everyMs }).perSecond;
          expect(Math.abs(found - perSecond)).toBeLessThanOrEqual(perSecond / 100);
        },
      ),
    );
  });

  it('does not count the pause before a load that began some seconds ago', () => {
    for (const begunMs of [4_000, 7_000, 15_000, 25_000]) {
      const { perSecond } = watch(60_000, (atMs) => (atMs >= 60_000 - begunMs - 350 ? 5_000 : 0));
      expect(Math.abs(perSecond - 5_000)).toBeLessThanOrEqual(100);
    }
  });

  it('does not count what little time there was before the first load', () => {
    for (const idleMs of [100, 1_000, 1_900, 5_000]) {
      const { perSecond } = watch(8_000 + idleMs, (atMs) => (atMs >= idleMs ? 1_500 : 0));
      expect(Math.abs(perSecond - 1_500)).toBeLessThanOrEqual(30);
    }
  });

  it('follows a load that has changed much', () => {
    const { perSecond } = watch(60_000, (atMs) => (atMs >= 48_000 ? 5_000 : 500));
    expect(Math.abs(perSecond - 5_000)).toBeLessThanOrEqual(250);
  });

  it('was never lower in its fastest second, and that one is remembered for half a minute', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 40 }), (perSecond) => {
        const rate = watch(perSecond.length * 1_000, (atMs) => perSecond[Math.floor(atMs / 1_000)] ?? 0);
        expect(rate.fastestPerSecond).toBeGreaterThanOrEqual(rate.perSecond);
      }),
    );
    const burst = watch(20_000, (atMs) => (atMs >= 10_000 && atMs < 12_000 ? 3_000 : 100));
    expect(burst.fastestPerSecond).toBeGreaterThan(2_500);
    expect(watch(60_000, (atMs) => (atMs < 10_000 ? 3_000 : 100)).fastestPerSecond).toBeLessThan(300);
  });

  it('is the mean of a load that goes up and down, not the newest moment of it', () => {
    const { perSecond } = watch(60_000, (atMs) => 1_000 + 400 * Math.sin(atMs / 400));
    expect(Math.abs(perSecond - 1_000)).toBeLessThanOrEqual(50);
  });

  it('is small when a record comes now and then, also just after one came', () => {
    const rate = watch(60_000, () => 0);
    rate.add(1, 60_000, 60_010);
    expect(rate.perSecond).toBeLessThan(0.05);
  });

  it('counts what came while the source could not be asked over all of that time', () => {
    const rate = watch(30_000, () => 1_000);
    rate.add(60_000, 30_000, 90_000);
    expect(Math.abs(rate.perSecond - 1_000)).toBeLessThanOrEqual(10);
  });

  it('falls to 0 when production has ended', () => {
    const rate = watch(60_000, (atMs) => (atMs < 20_000 ? 5_000 : 0));
    expect(rate.perSecond).toBe(0);
  });

  it('is never negative, nor more than the most that came in any second', () => {
    const steps = fc.array(fc.record({ count: fc.nat(1_000), ms: fc.integer({ min: 1, max: 5_000 }) }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(steps, (adds) => {
        const rate = new ProductionRate(0);
        let nowMs = 0;
        let total = 0;
        for (const { count, ms } of adds) {
          rate.add(count, nowMs, nowMs + ms);
          nowMs += ms;
          total += count;
          expect(rate.perSecond).toBeGreaterThanOrEqual(0);
          expect(rate.perSecond).toBeLessThanOrEqual(total);
        }
      }),
    );
  });
});
