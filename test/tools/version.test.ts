import { expect, test } from 'vitest';
import { isAtLeast, parseVersion, renderVersion } from '../../tools/version.ts';

test.each([
  ['v3.259.0\n', [3, 259, 0]],
  ['go1.26.8', [1, 26, 8]],
  ['go1.26', [1, 26, 0]],
  ['openjdk version "17.0.15" 2025-04-15', [17, 0, 15]],
  ['devel go1.27-abcdef', [1, 27, 0]],
])('the version in %j is found', (text, version) => {
  expect(parseVersion(text)).toEqual(version);
});

test('a text without a version has none', () => {
  expect(parseVersion('command not found')).toBeUndefined();
});

test('versions compare by number, the first difference decides', () => {
  expect(isAtLeast([3, 200, 0], [3, 200, 0])).toBe(true);
  expect(isAtLeast([3, 99, 9], [3, 200, 0])).toBe(false);
  expect(isAtLeast([4, 0, 0], [3, 200, 0])).toBe(true);
  expect(renderVersion([1, 26, 0])).toBe('1.26.0');
});
