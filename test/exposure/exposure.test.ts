import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aged, bases, type Exposure, judgeExposure, sumExposures, unseenFor } from '../../src/exposure/exposure.ts';

const exposure: fc.Arbitrary<Exposure> = fc
  .record({
    seconds: fc.nat(1_000),
    records: fc.nat(1_000_000),
    recordsAtMost: fc.nat(1_000_000),
    bytes: fc.nat(1_000_000),
    basis: fc.constantFrom(...bases),
    sampleAgeMs: fc.option(fc.nat(100_000), { nil: undefined }),
  })
  .map(({ sampleAgeMs, ...rest }) => ({ ...rest, ...(sampleAgeMs === undefined ? {} : { sampleAgeMs }) }));

describe('exposures', () => {
  it('add up: the worst seconds, basis and age, the sum of records and bytes', () => {
    fc.assert(
      fc.property(fc.array(exposure, { minLength: 1 }), (parts) => {
        const sum = sumExposures(parts);
        expect(sum.seconds).toBe(Math.max(...parts.map(({ seconds }) => seconds)));
        expect(sum.records).toBe(parts.reduce((total, { records }) => total + records, 0));
        expect(sum.recordsAtMost).toBe(parts.reduce((total, part) => total + part.recordsAtMost, 0));
        expect(sum.bytes).toBe(parts.reduce((total, { bytes }) => total + bytes, 0));
        expect(parts.every(({ basis }) => bases.indexOf(basis) <= bases.indexOf(sum.basis))).toBe(true);
        const ages = parts.flatMap(({ sampleAgeMs }) => sampleAgeMs ?? []);
        expect(sum.sampleAgeMs).toBe(ages.length === parts.length ? Math.max(...ages) : undefined);
      }),
    );
  });

  it('add up to the same in whatever groups', () => {
    fc.assert(
      fc.property(fc.array(exposure, { minLength: 1 }), fc.array(exposure, { minLength: 1 }), (left, right) => {
        expect(sumExposures([sumExposures(left), sumExposures(right)])).toEqual(sumExposures([...left, ...right]));
      }),
    );
  });

  it('of nothing is nothing', () => {
    expect(sumExposures([])).toEqual({ seconds: 0, records: 0, recordsAtMost: 0, bytes: 0, basis: 'measured' });
  });

  it('of what nobody speaks of is stale and grows', () => {
    expect(judgeExposure(aged(unseenFor(2_000), 3_000))).toEqual({
      seconds: 5,
      records: 0,
      recordsAtMost: 0,
      bytes: 0,
      basis: 'stale',
    });
  });
});
