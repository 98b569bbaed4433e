import { expect, test } from 'vitest';
import { boundedFaults, boundedRemarks } from '../../src/worker/rebuild/journal-bounds.ts';

test('what is written to the journal fits a Kafka message, whatever the number of partitions and groups', () => {
  const many = Array.from({ length: 50_000 }, (_, at) => `remark ${at} ${'x'.repeat(5_000)}`);
  const remarks = boundedRemarks(many);
  expect(remarks.at(-1)).toContain('and 49900 more');
  const faults = boundedFaults(many.map((message) => ({ partition: 1, code: 'DIVERGED', message, at: '' })));
  expect(JSON.stringify({ remarks, faults }).length).toBeLessThan(300_000);
});

test('a few are written as they are', () => {
  expect(boundedRemarks(['one', 'two'])).toEqual(['one', 'two']);
});
