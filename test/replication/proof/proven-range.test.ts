import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProvenRange } from '../../../src/replication/proof/proven-range.ts';

type Event =
  | { readonly kind: 'grow'; readonly by: number }
  | { readonly kind: 'prove'; readonly most: number }
  | { readonly kind: 'restart'; readonly back: number }
  | { readonly kind: 'raise'; readonly to: number };

const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ kind: fc.constant('grow' as const), by: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant('prove' as const), most: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ kind: fc.constant('restart' as const), back: fc.integer({ min: 0, max: 12 }) }),
  fc.record({ kind: fc.constant('raise' as const), to: fc.integer({ min: 0, max: 30 }) }),
);

/** What was really proved, offset by offset. */
class Model {
  readonly range: ProvenRange;
  readonly proved = new Set<bigint>();
  end: bigint;
  start = 0n;

  constructor(end: number) {
    this.end = BigInt(end);
    this.range = new ProvenRange(this.end);
  }

  apply(event: Event): void {
    switch (event.kind) {
      case 'grow':
        this.end += BigInt(event.by);
        return;
      case 'prove':
        this.proveSome(event.most);
        return;
      case 'restart': {
        const at = this.end - BigInt(event.back);
        this.range.restart(at < 0n ? 0n : at);
        return;
      }
      case 'raise': {
        const to = BigInt(event.to) < this.end ? BigInt(event.to) : this.end;
        if (to > this.start) this.start = to;
        this.range.raise(this.start);
        return;
      }
    }
  }

  proveSome(most: number): boolean {
    const next = this.range.next(this.end);
    if (next === undefined) return false;
    const to = next.from + BigInt(most) < next.to ? next.from + BigInt(most) : next.to;
    for (let offset = next.from; offset < to; offset++) this.proved.add(offset);
    this.range.proved({ from: next.from, to });
    return true;
  }

  /** Offsets that are still there and were never proved. */
  missing(): bigint {
    let missing = 0n;
    for (let offset = this.start; offset < this.end; offset++) if (!this.proved.has(offset)) missing += 1n;
    return missing;
  }
}

test('nothing counts as proved that was not, and when there is nothing left to do everything is', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 20 }), fc.array(anyEvent, { maxLength: 40 }), (end, events) => {
      const model = new Model(end);
      for (const event of events) {
        model.apply(event);
        expect(model.range.unproved(model.end)).toBeGreaterThanOrEqual(model.missing());
      }
      for (let turns = 0; model.proveSome(5); turns++) expect(turns).toBeLessThan(500);
      expect(model.range.unproved(model.end)).toBe(0n);
      expect(model.missing()).toBe(0n);
      expect(model.range.to).toBe(model.end);
    }),
  );
});

test('the newest offsets come first, then the rest from below', () => {
  const range = new ProvenRange(100n);
  range.restart(80n);
  expect(range.next(100n)).toEqual({ from: 80n, to: 100n });
  range.proved({ from: 80n, to: 100n });
  expect(range.next(110n)).toEqual({ from: 100n, to: 110n });
  expect(range.next(100n)).toEqual({ from: 0n, to: 80n });
  range.proved({ from: 0n, to: 30n });
  expect(range.unproved(100n)).toBe(50n);
});

test('what a jump leaves out falls to the sweep', () => {
  const range = new ProvenRange(0n);
  range.proved({ from: 0n, to: 10n });
  range.restart(50n);
  range.proved({ from: 50n, to: 60n });
  expect(range.next(60n)).toEqual({ from: 10n, to: 50n });
});
