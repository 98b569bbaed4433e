import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durationSchema, parseDuration } from '../../src/drill/duration.ts';

describe('a duration', () => {
  it('is whole numbers with units, the largest first', () => {
    expect(parseDuration('0s')).toBe(0);
    expect(parseDuration('250ms')).toBe(250);
    expect(parseDuration('90s')).toBe(90_000);
    expect(parseDuration('20m')).toBe(1_200_000);
    expect(parseDuration('1h30m')).toBe(5_400_000);
    expect(parseDuration('7d')).toBe(604_800_000);
    expect(parseDuration('1d2h3m4s5ms')).toBe(93_784_005);
  });

  it.each(['', '20', 'm', '1.5h', '-5m', '30m1h', '1h1h', '5 m', '5M', '1w', 'PT5M', '1e3s', '12345678901d'])(
    'is refused as %j, with what it must be',
    (text) => {
      expect(() => parseDuration(text)).toThrow(/must be a duration such as 90s, 20m or 1h30m/);
      expect(durationSchema('0s', '1d').safeParse(text).success).toBe(false);
    },
  );

  it('adds up its units, whichever are written', () => {
    const part = fc.option(fc.nat(999_999), { nil: undefined });
    fc.assert(
      fc.property(fc.tuple(part, part, part, part, part), (parts) => {
        const units = [
          ['d', 86_400_000],
          ['h', 3_600_000],
          ['m', 60_000],
          ['s', 1_000],
          ['ms', 1],
        ] as const;
        const text = units
          .map(([unit], index) => (parts[index] === undefined ? '' : `${parts[index]}${unit}`))
          .join('');
        fc.pre(text !== '');
        expect(parseDuration(text)).toBe(units.reduce((sum, [, ms], index) => sum + (parts[index] ?? 0) * ms, 0));
      }),
    );
  });

  it('stays text where it is part of a document, and both bounds are allowed', () => {
    const schema = durationSchema('1m', '24h');
    for (const text of ['1m', '60s', '24h', '1d']) expect(schema.parse(text)).toBe(text);
    expect(schema.safeParse('59s').error?.issues[0]?.message).toBe('must be from 1m to 24h; it is 59s');
    expect(schema.safeParse('24h1ms').error?.issues[0]?.message).toBe('must be from 1m to 24h; it is 24h1ms');
    expect(schema.safeParse(60).error?.issues[0]?.message).toMatch(/^must be a duration/);
  });
});
