import { styleText } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { colours, wantsColour } from '../../src/cli/colours.ts';
import { printable, printableJson } from '../../src/cli/printable.ts';
import { count, duration, lagCells, plural } from '../../src/cli/quantities.ts';
import { table } from '../../src/cli/table.ts';

const unsafe = /[\p{C}\u2028\u2029]/u;

describe('text from elsewhere', () => {
  test.each([
    ['a_\u001B[31morders', 'a_[31morders'],
    ['\u001B]0;owned\u0007x', ']0;ownedx'],
    ['\u009B2Jx', '2Jx'],
    ['a\r\nb\tc', 'a b c'],
    ['a\u202Eb\u200Bc', 'abc'],
    ['grün ✓ 注文', 'grün ✓ 注文'],
  ])('%j is printed as %j', (text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  test('whatever it is, nothing a terminal obeys is left', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !unsafe.test(printable(text))));
  });

  test('JSON keeps the value and escapes what a terminal obeys', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = printableJson({ text });
        expect(json.replaceAll('\n', '')).not.toMatch(unsafe);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });
});

describe('colour', () => {
  test('is for terminals only, and never where NO_COLOR is set', () => {
    expect(wantsColour({ isTTY: true }, {})).toBe(true);
    expect(wantsColour({ isTTY: true }, { NO_COLOR: '' })).toBe(true);
    expect(wantsColour({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
    expect(wantsColour({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
    expect(wantsColour({}, {})).toBe(false);
  });

  test('leaves text alone where it is not wanted', () => {
    expect(colours(false).bad('x')).toBe('x');
    expect(colours(true).bad('x')).not.toBe('x');
  });
});

describe('tables', () => {
  const columns = [{ title: 'NAME' }, { title: 'N', align: 'right' }, { title: 'LAST' }] as const;

  test('columns are as wide as their widest cell, numbers stand right, nothing trails', () => {
    expect(
      table(columns, [
        ['a', '1', 'x'],
        ['longer', '1,000', ''],
      ]),
    ).toBe(['NAME        N  LAST', 'a           1  x', 'longer  1,000'].join('\n'));
  });

  test('colour takes no room', () => {
    const red = styleText('red', 'a', { validateStream: false });
    expect(table(columns, [[red, '1', 'x']]).replace(red, 'a')).toBe(table(columns, [['a', '1', 'x']]));
  });

  test('without rows there are the titles', () => {
    expect(table(columns, [])).toBe('NAME  N  LAST');
  });
});

describe('quantities', () => {
  test.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1_500, '1.5 s'],
    [180_000, '3 min'],
    [7_200_000, '2.0 h'],
  ])('%i ms is %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  test('counts are grouped and nouns agree', () => {
    expect(count(1_234_567)).toBe('1,234,567');
    expect([plural(1, 'topic'), plural(2, 'topic'), plural(2, 'batch', 'batches')]).toEqual([
      '1 topic',
      '2 topics',
      '2 batches',
    ]);
  });

  test('a lag is shown with the age of its sample; without a sample it is unknown, not zero', () => {
    expect(lagCells({ records: 3, seconds: 1.5, sampleAgeMs: 40 })).toEqual(['3', '1.5 s', '40 ms']);
    expect(lagCells({ records: 0, seconds: 0 })).toEqual(['?', '?', 'no sample yet']);
  });
});
