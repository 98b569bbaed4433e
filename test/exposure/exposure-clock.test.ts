import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExposureClock } from '../../src/exposure/exposure-clock.ts';
import { judgeExposure } from '../../src/exposure/exposure.ts';

const at = (clock: ExposureClock, nowMs: number): ReturnType<typeof judgeExposure> => judgeExposure(clock.facts(nowMs));

/** A clock that has seen `perSecond` records for so long, and a copy that has all of them. */
function busy(forMs: number, perSecond: number): { readonly clock: ExposureClock; readonly end: bigint } {
  const clock = new ExposureClock(0);
  clock.copiedTo(0n);
  let end = 0n;
  for (let nowMs = 0; nowMs <= forMs; nowMs += 100) {
    clock.observe(end, nowMs);
    clock.weigh({ records: perSecond / 10, bytes: perSecond * 12 });
    clock.copiedTo(end);
    if (nowMs < forMs) end += BigInt(perSecond / 10);
  }
  return { clock, end };
}

describe('the exposure of a partition', () => {
  it('is nothing, measured, for an idle one whose source has answered just now', () => {
    const clock = new ExposureClock(0);
    clock.copiedTo(7n);
    clock.observe(7n, 1_000);
    clock.confirm(60_000);
    expect(at(clock, 60_200)).toEqual({
      seconds: 0,
      records: 0,
      recordsAtMost: 0,
      bytes: 0,
      basis: 'measured',
      sampleAgeMs: 200,
    });
  });

  it('is as old as the question: an answer that was on its way for long says nothing of what came meanwhile', () => {
    const { clock, end } = busy(20_000, 1_000);
    clock.observe(end, 24_000, { atMs: 20_100, heldMsMax: 500 });
    clock.copiedTo(end);
    // Sent by 20,600 at the latest.
    expect(at(clock, 24_000)).toMatchObject({ seconds: 3.9, basis: 'estimated', sampleAgeMs: 3_400 });
    expect(at(clock, 24_000).records).toBeGreaterThan(3_000);
    clock.confirm(24_400, { atMs: 24_000, heldMsMax: 500 });
    expect(at(clock, 24_400)).toMatchObject({ seconds: 0, records: 0, basis: 'measured' });
    expect(at(clock, 26_000)).toMatchObject({ seconds: 2, basis: 'estimated' });
  });

  it('grows with the clock for an idle one whose source is silent', () => {
    const clock = new ExposureClock(0);
    clock.copiedTo(7n);
    clock.observe(7n, 1_000);
    expect(at(clock, 2_500)).toMatchObject({ seconds: 1.5, records: 0, basis: 'estimated' });
    expect(at(clock, 61_000)).toMatchObject({ seconds: 60, records: 0, basis: 'stale', sampleAgeMs: 60_000 });
  });

  it('goes on with the last rate when the link is cut', () => {
    const { clock, end } = busy(20_000, 5_000);
    expect(at(clock, 20_040)).toEqual({
      seconds: 0.04,
      records: 200,
      recordsAtMost: 200,
      bytes: 24_000,
      basis: 'measured',
      sampleAgeMs: 40,
    });
    for (const cutMs of [5_000, 14_000, 60_000]) {
      const { seconds, records, bytes, basis } = at(clock, 20_000 + cutMs);
      expect(seconds).toBe(cutMs / 1000);
      expect(Math.abs(records - cutMs * 5)).toBeLessThanOrEqual(cutMs * 0.05);
      expect(bytes).toBe(records * 120);
      expect(basis).toBe(cutMs > 15_000 ? 'stale' : 'estimated');
    }
    // Answered again: what came meanwhile is missing, and as old as the cut.
    clock.observe(end + 300_000n, 80_000);
    expect(at(clock, 80_000)).toMatchObject({ seconds: 60, records: 300_000, basis: 'measured' });
    clock.copiedTo(end + 300_000n);
    clock.confirm(80_100);
    expect(at(clock, 80_100)).toMatchObject({ seconds: 0, records: 0, basis: 'measured' });
  });

  it('is as old as the newest look that did not show the oldest missing record', () => {
    const clock = new ExposureClock(0);
    clock.copiedTo(10n);
    clock.observe(10n, 1_000);
    clock.confirm(5_000);
    clock.observe(12n, 5_400);
    clock.observe(20n, 6_000);
    expect(at(clock, 6_000)).toMatchObject({ seconds: 1, records: 10 });
    clock.copiedTo(12n);
    expect(at(clock, 6_100)).toMatchObject({ seconds: 0.7, records: 8 + Math.round(0.1 * (10 / 6)) });
  });

  it('is estimated until the copy was level once: nobody knows how old the oldest record is', () => {
    const clock = new ExposureClock(1_000);
    expect(at(clock, 3_000)).toEqual({ seconds: 2, records: 0, recordsAtMost: 0, bytes: 0, basis: 'stale' });
    clock.copiedTo(0n);
    clock.observe(100n, 4_000);
    expect(at(clock, 4_000)).toMatchObject({ seconds: 3, records: 100, basis: 'estimated' });
    clock.copiedTo(100n);
    expect(at(clock, 4_100)).toMatchObject({ seconds: 0, records: 0, basis: 'measured' });
  });

  it('falls back to when it was taken up where the target has lost what it had', () => {
    const clock = new ExposureClock(0);
    clock.copiedTo(100n);
    clock.observe(100n, 5_000);
    clock.copiedTo(90n);
    expect(at(clock, 5_100)).toMatchObject({ seconds: 5.1, records: 10 });
    clock.copiedTo(100n);
    expect(at(clock, 5_200)).toMatchObject({ seconds: 0, records: 0 });
  });

  it('never says that the oldest missing record is younger than it is, and counts what is missing', () => {
    const step = fc.record({ produced: fc.nat(3), copied: fc.nat(4), waitMs: fc.nat(800), look: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const clock = new ExposureClock(0);
        clock.copiedTo(0n);
        clock.observe(0n, 0);
        /** When each record was acknowledged. */
        const acknowledged: number[] = [];
        let seen = 0;
        let copy = 0;
        let nowMs = 0;
        for (const { produced, copied, waitMs, look } of steps) {
          nowMs += waitMs;
          for (let record = 0; record < produced; record++) acknowledged.push(nowMs);
          if (look) {
            seen = acknowledged.length;
            clock.observe(BigInt(seen), nowMs);
          }
          const before = copy;
          copy = Math.min(seen, copy + copied);
          if (copy > before) clock.copiedTo(BigInt(copy));
          const { seconds, records } = at(clock, nowMs + 5);
          const oldest = acknowledged[copy];
          expect(records).toBeGreaterThanOrEqual(seen - copy);
          if (copy < seen) expect(seconds).toBeGreaterThanOrEqual((nowMs + 5 - (oldest ?? nowMs)) / 1000 - 1e-9);
        }
      }),
    );
  });

  it('never falls while nothing is heard, and is never 0 after the source has been silent for a second', () => {
    const answers = fc.array(fc.record({ produced: fc.nat(500), copied: fc.nat(600), waitMs: fc.nat(700) }), {
      minLength: 1,
      maxLength: 80,
    });
    const waits = fc.array(fc.nat(20_000), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(answers, waits, (heard, silence) => {
        const clock = new ExposureClock(0);
        clock.copiedTo(0n);
        let [end, copy, nowMs] = [0, 0, 0];
        for (const { produced, copied, waitMs } of heard) {
          nowMs += waitMs;
          end += produced;
          clock.observe(BigInt(end), nowMs);
          copy = Math.min(end, copy + copied);
          clock.copiedTo(BigInt(copy));
        }
        const cutMs = nowMs;
        let before = at(clock, nowMs);
        for (const waitMs of silence) {
          nowMs += waitMs;
          const now = at(clock, nowMs);
          expect(now.seconds).toBeGreaterThanOrEqual(before.seconds);
          expect(now.records).toBeGreaterThanOrEqual(before.records);
          expect(now.bytes).toBeGreaterThanOrEqual(before.bytes);
          expect(['measured', 'estimated', 'stale'].indexOf(now.basis)).toBeGreaterThanOrEqual(
            ['measured', 'estimated', 'stale'].indexOf(before.basis),
          );
          if (nowMs - cutMs > 1_000) {
            expect(now.seconds).toBeGreaterThanOrEqual((nowMs - cutMs) / 1000);
            expect(now.basis).not.toBe('measured');
          }
          before = now;
        }
      }),
    );
  });

  it('remembers how old the oldest missing record is through any number of looks', () => {
    const clock = new ExposureClock(0);
    clock.copiedTo(0n);
    clock.observe(0n, 0);
    for (let look = 1; look <= 10_000; look++) clock.observe(BigInt(look), look);
    expect(at(clock, 10_000)).toMatchObject({ seconds: 10, records: 10_000 });
  });
});
