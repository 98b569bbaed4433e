import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ackPointsMax, gapsOf } from '../../src/canary/gaps.ts';
import type { AckedEntry } from '../../src/canary/ledger/ledger-entry.ts';

function ack(at: number, more: Partial<AckedEntry> = {}): AckedEntry {
  return {
    ...{ kind: 'acked', vantage: 'a', life: 'life-1', topic: 't', link: 'a-b', partition: 0, sequence: 0 },
    ...{ site: 'a', term: 0, at, mono: at, offset: 0n, ms: 2, ...more },
  };
}

test('the longest gap of the worst partition is named with its place and who answered around it', () => {
  const entries = [
    ...[10, 20, 30, 40, 50, 60, 70, 80, 90].map((at) => ack(at)),
    ...[10, 20].map((at) => ack(at, { partition: 1 })),
    ...[75, 90].map((at) => ack(at, { partition: 1, site: 'b', term: 1 })),
  ];
  const [gap] = gapsOf(entries, { from: 0, until: 100 });
  expect(gap).toMatchObject({
    ...{ vantage: 'a', link: 'a-b', gapMs: 55, from: 20, until: 75, topic: 't', partition: 1 },
    ...{ before: 'a', after: 'b' },
  });
  expect(gap?.acks).toHaveLength(13);
});

test('the ends of the span count: whoever wrote no more has a gap up to now', () => {
  const [gap] = gapsOf([ack(10), ack(20)], { from: 5, until: 500 });
  expect(gap).toMatchObject({ gapMs: 480, from: 20, until: 500, before: 'a', after: undefined });
});

test('a clock that is set back makes no gap and hides none', () => {
  const [gap] = gapsOf([ack(50, { mono: 10 }), ack(55, { mono: 40 }), ack(60, { mono: 50 })], { from: 50, until: 60 });
  expect(gap).toMatchObject({ gapMs: 30, from: 50, until: 55 });
});

test('observers and links are told apart', () => {
  const entries = [ack(10), ack(10, { link: 'b-a' }), ack(10, { vantage: 'outside' })];
  const gaps = gapsOf(entries, { from: 0, until: 20 });
  expect(gaps.map(({ vantage, link }) => `${vantage} ${link}`)).toEqual(['a a-b', 'a b-a', 'outside a-b']);
});

test('a plot has at most so many points, in order, and both ends of the gap are among them', () => {
  fc.assert(
    fc.property(fc.integer({ min: 501, max: 3_000 }), fc.nat(1_000_000), (count, random) => {
      const hole = random % count;
      const entries = Array.from({ length: count }, (_, index) => ack(index * 10 + (index > hole ? 5_000 : 0)));
      const span = { from: 0, until: count * 10 + 5_000 };
      const [gap] = gapsOf(entries, span);
      const times = gap?.acks.map(({ at }) => at) ?? [];
      expect(times.length).toBeLessThanOrEqual(ackPointsMax);
      expect(times).toEqual(times.toSorted((left, right) => left - right));
      expect(times).toContain(gap?.from);
      if (gap?.after !== undefined) expect(times).toContain(gap.until);
    }),
    { numRuns: 20 },
  );
});
