import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Belief } from '../../src/clients/kafkajs/belief.ts';
import type { Primary } from '../../src/clients/kafkajs/primary.ts';

const nowhere = { bootstrapServers: ['nowhere:1'], brokers: [] };

function primary(site: 'a' | 'b', term: number, proven = true): Primary {
  return { site, term, proven, places: nowhere, standby: nowhere };
}

test('a proven answer is believed at once, an unproven one when every worker was asked', () => {
  expect(new Belief().take(primary('a', 0))).toBe('first');
  const belief = new Belief();
  expect(belief.take(primary('a', 0, false))).toBe('kept');
  expect(belief.primary).toBeUndefined();
  expect(belief.allAsked()).toBe('first');
  expect(belief.primary).toMatchObject({ site: 'a', term: 0 });
});

test('of unproven answers the one with the highest term is believed first', () => {
  const belief = new Belief();
  belief.take(primary('b', 1, false));
  belief.take(primary('a', 0, false));
  belief.allAsked();
  expect(belief.primary?.site).toBe('b');
});

test('an older proven answer does not outdo a newer unproven one', () => {
  const belief = new Belief();
  belief.take(primary('b', 1, false));
  belief.take(primary('a', 0));
  expect(belief.primary?.site).toBe('b');
});

test('a lower term is ignored, a higher one moves, the same one with another primary is ignored', () => {
  const belief = new Belief();
  belief.take(primary('a', 2));
  expect(belief.take(primary('b', 1))).toBe('ignored');
  expect(belief.take(primary('b', 2))).toBe('ignored');
  expect(belief.take(primary('a', 2))).toBe('refreshed');
  expect(belief.take(primary('b', 3))).toBe('moved');
  expect(belief.take(primary('b', 5))).toBe('refreshed');
  expect(belief.primary).toMatchObject({ site: 'b', term: 5 });
});

test('whatever is answered in whatever order, the term that is believed never goes down', () => {
  const answers = fc.array(
    fc.record({ site: fc.constantFrom('a' as const, 'b' as const), term: fc.nat(9), proven: fc.boolean() }),
  );
  fc.assert(
    fc.property(answers, fc.nat(9), (all, asked) => {
      const belief = new Belief();
      let last: Primary | undefined;
      for (const [index, { site, term, proven }] of all.entries()) {
        if (index === asked) belief.allAsked();
        const judgement = belief.take(primary(site, term, proven));
        const now = belief.primary;
        if (last !== undefined && now !== undefined) {
          expect(now.term).toBeGreaterThanOrEqual(last.term);
          if (now.site !== last.site) expect([judgement, now.term > last.term]).toEqual(['moved', true]);
        }
        last = now;
      }
    }),
  );
});
