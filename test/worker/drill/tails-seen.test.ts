import { expect, test } from 'vitest';
import { noFacts } from '../../../src/drill/run-record.ts';
import { lossFound, tooMuchLost } from '../../../src/worker/drill/tails-seen.ts';

const counts = { sent: 10, acked: 9, once: 6, duplicate: 0, lost: 3, reordered: 0, ghost: 0, shifted: 0 };
const tail = { disposition: 'kept', isCanary: false } as const;

test('a loss is what canaries were told and what real topics had alone: canary topics’ own tails are not counted twice', () => {
  const facts = {
    ...noFacts,
    proofs: [{ topic: 'a_umbra-canary-000001', counts, lostSeconds: 0.3, problems: [] }],
    tails: [
      { ...tail, topic: 'a_orders', records: 40 },
      { ...tail, topic: 'a_umbra-canary-000001', records: 4, isCanary: true },
    ],
  };
  expect(lossFound(facts)).toEqual({ canaries: 3, real: 40 });
});

test('as much as is allowed and was said may be lost, and one more fails it by its numbers', () => {
  const loss = { canaries: 3, real: 40 };
  expect(tooMuchLost(loss, { allowed: 43, said: 43 })).toEqual([]);
  expect(tooMuchLost(loss, { allowed: 43, said: undefined })).toEqual([]);
  expect(tooMuchLost(loss, { allowed: 42, said: 43 })).toEqual([
    expect.stringMatching(/^43 records were lost: 3 of canaries .*, 40 of real topics .*; 42 are allowed \(RPO\)$/),
  ]);
  expect(tooMuchLost(loss, { allowed: 43, said: 42 })).toEqual([expect.stringContaining('at most 42 were said')]);
});
