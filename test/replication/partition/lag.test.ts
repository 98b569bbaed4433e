import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LagClock } from '../../../src/replication/partition/lag.ts';

describe('the lag clock', () => {
  it('knows nothing before the first look at the source', () => {
    expect(new LagClock().read(5n, 100)).toEqual({ records: 0n, seconds: 0, sampleAgeMs: undefined });
    expect(new LagClock().sourceEnd).toBeUndefined();
  });

  it('counts seconds from when the oldest missing record was first seen', () => {
    const clock = new LagClock();
    clock.observe(10n, 1_000);
    clock.observe(20n, 3_000);
    expect(clock.read(0n, 5_000)).toEqual({ records: 20n, seconds: 4, sampleAgeMs: 2_000 });
    clock.passed(10n);
    expect(clock.read(10n, 5_000)).toEqual({ records: 10n, seconds: 2, sampleAgeMs: 2_000 });
    clock.passed(20n);
    expect(clock.read(20n, 5_000)).toEqual({ records: 0n, seconds: 0, sampleAgeMs: 2_000 });
  });

  it('does not count the time in which the copy was level', () => {
    const clock = new LagClock();
    clock.passed(10n); // a resume
    clock.observe(10n, 0); // the first answer: nothing new
    clock.observe(12n, 3_600_000); // an hour later, two records
    expect(clock.read(10n, 3_601_000)).toMatchObject({ records: 2n, seconds: 1 });
  });

  it('grows old while the source is silent, and young again when it confirms', () => {
    const clock = new LagClock();
    clock.confirm(500); // nothing seen yet: nothing to confirm
    clock.observe(10n, 1_000);
    expect(clock.read(10n, 9_000).sampleAgeMs).toBe(8_000);
    clock.confirm(8_900);
    expect(clock.read(10n, 9_000)).toEqual({ records: 0n, seconds: 0, sampleAgeMs: 100 });
    expect(clock.read(4n, 9_000).seconds).toBe(8); // since 1,000: a confirmation is no new sample
  });

  it('tells what an open transaction holds back, since when it stands there, and counts it as no lag', () => {
    const clock = new LagClock();
    clock.passed(10n);
    clock.observe(10n, 1_000, 14n);
    clock.observe(10n, 3_000, 15n);
    expect(clock.read(10n, 5_000)).toMatchObject({ records: 0n, heldBack: { records: 5n, seconds: 4 } });
    clock.observe(12n, 6_000, 15n); // it ended; another one begins at 12
    expect(clock.read(10n, 7_000)).toMatchObject({ records: 2n, heldBack: { records: 3n, seconds: 1 } });
    clock.observe(15n, 8_000, 15n);
    expect(clock.read(15n, 9_000).heldBack).toBeUndefined();
  });

  it('is level, not behind, when the source lost what the copy has', () => {
    const clock = new LagClock();
    clock.observe(10n, 0);
    clock.observe(4n, 100);
    expect(clock.sourceEnd).toBe(4n);
    expect(clock.read(10n, 200)).toMatchObject({ records: 0n, seconds: 0 });
  });

  it('never says more than the time since the copy was last level, nor less than since the newest look', () => {
    const steps = fc.array(
      fc.record({ records: fc.bigInt({ min: 0n, max: 3n }), waitMs: fc.nat(1000), copied: fc.nat(3) }),
      {
        maxLength: 300,
      },
    );
    fc.assert(
      fc.property(steps, (looks) => {
        const clock = new LagClock();
        let end = 0n;
        let copy = 0n;
        let nowMs = 0;
        let levelMs = 0;
        for (const { records, waitMs, copied } of looks) {
          nowMs += waitMs;
          if (copy === end) levelMs = nowMs;
          end += records;
          clock.observe(end, nowMs);
          const before = copy;
          copy = copy + BigInt(copied) > end ? end : copy + BigInt(copied);
          if (copy > before) clock.passed(copy); // told of appends only
          const lag = clock.read(copy, nowMs + 7);
          expect(lag.records).toBe(end - copy);
          expect(lag.sampleAgeMs).toBe(7);
          if (copy === end) expect(lag.seconds).toBe(0);
          else {
            expect(lag.seconds).toBeLessThanOrEqual((nowMs + 7 - levelMs) / 1000);
            expect(lag.seconds).toBeGreaterThanOrEqual(0.007);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('remembers the oldest missing record through any number of looks', () => {
    const clock = new LagClock();
    for (let look = 1; look <= 10_000; look++) clock.observe(BigInt(look), look);
    expect(clock.read(0n, 10_001)).toMatchObject({ records: 10_000n, seconds: 10 });
  });
});
