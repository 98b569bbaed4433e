import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { longest } from '../fixtures/longest-first.ts';

test.each(longest)('%s, which is begun early for it takes long, is a file of the real tests', (name) => {
  expect(existsSync(new URL(`../real/${name}.test.ts`, import.meta.url))).toBe(true);
});
