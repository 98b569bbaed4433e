import { expect, test } from 'vitest';
import { TailWidth } from '../../../src/replication/resume/tail-width.ts';

const mebibyte = 1024 * 1024;

test('one tail is compared at a time while nobody knows how large batches are', () => {
  expect(new TailWidth().now).toBe(1);
});

test('sixteen at once where batches are small, one where they are as large as they can be', () => {
  const width = new TailWidth();
  width.saw(70_000);
  expect(width.now).toBe(16);
  width.saw(4 * mebibyte);
  expect(width.now).toBe(4);
  width.saw(16 * mebibyte);
  expect(width.now).toBe(1);
  width.saw(100);
  expect(width.now).toBe(1);
});
