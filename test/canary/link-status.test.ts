import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LinkTally } from '../../src/canary/link-status.ts';
import { gapWindowMs } from '../../src/canary/write-status.ts';
import { canaryTopic, writing } from './writing.ts';

const status = { ...{ link: 'a-b', acked: 1, refused: 2, unanswered: 3 }, ...{ lastAckAt: 50, lastAckMs: 4 } };

test('counts of a link never fall when its topic is made anew', async () => {
  const on = writing();
  await on.run(5_000);
  const [before] = on.writer.links();
  expect(before?.acked).toBeGreaterThan(3);
  on.topics = [];
  await on.run(1_000);
  expect(on.writer.status()).toEqual([]);
  expect(on.writer.links()).toMatchObject([{ link: 'a-b', since: before?.since, lastAckAt: before?.lastAckAt }]);
  on.topics = [{ ...canaryTopic, name: 'a_umbra-canary-000002' }];
  await on.run(5_000);
  const [after] = on.writer.links();
  expect(after?.acked).toBe(on.out.length);
  expect(after?.lastAckAt).toBeGreaterThan(before?.lastAckAt ?? Infinity);
});

test('a link that nobody writes is forgotten by and by, and goes on counting when it is written again', () => {
  const tally = new LinkTally();
  tally.noteBegun('a-b', 7);
  tally.noteEnded({ ...status, longestGapMs: 900 }, 1_000);
  expect(tally.statuses([], 1_000 + gapWindowMs)).toEqual([{ ...status, since: 7, longestGapMs: 900 }]);
  expect(tally.statuses([], 1_001 + gapWindowMs)).toEqual([]);
  const again = { ...status, lastAckAt: 90, lastAckMs: 5, longestGapMs: 10 };
  expect(tally.statuses([again], 2_000 + gapWindowMs)).toEqual([
    { ...again, acked: 2, refused: 4, unanswered: 6, since: 7 },
  ]);
});

test('whatever is written and ended in whatever order, a link has the sum of all', () => {
  const count = fc.nat(1_000);
  const ended = fc.array(fc.record({ acked: count, refused: count, unanswered: count, now: fc.boolean() }));
  fc.assert(
    fc.property(ended, (topics) => {
      const tally = new LinkTally();
      tally.noteBegun('a-b', 0);
      const all = topics.map((each) => ({ ...status, ...each, longestGapMs: undefined }));
      for (const each of all) if (!each.now) tally.noteEnded(each, 0);
      const [seen] = tally.statuses(
        all.filter(({ now }) => now),
        0,
      );
      for (const kind of ['acked', 'refused', 'unanswered'] as const)
        expect(seen?.[kind] ?? 0).toBe(all.reduce((sum, each) => sum + each[kind], 0));
    }),
  );
});
