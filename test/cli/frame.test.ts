import { expect, test } from 'vitest';
import { frame } from '../../src/cli/frame.ts';

test('a frame is drawn over the last one, and clears only the first time', () => {
  expect(frame('a\nb', { rows: 10, first: true })).toMatch(/^\u001B\[2J/);
  const again = frame('a\nb', { rows: 10, first: false });
  expect(again).not.toContain('\u001B[2J');
  expect(again).toContain('a\u001B[K\nb\u001B[K\n\u001B[J');
});

test('what does not fit is counted, so that the screen never scrolls', () => {
  const text = Array.from({ length: 30 }, (_, index) => `line ${index}`).join('\n');
  const drawn = frame(text, { rows: 10, first: false });
  expect(drawn.match(/\n/g)).toHaveLength(9);
  expect(drawn).toContain('… 22 more lines');
});
