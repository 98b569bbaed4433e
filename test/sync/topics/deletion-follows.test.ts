import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultTopicPolicy, topicPolicySchema } from '../../../src/pair/topic-policy.ts';
import {
  absenceBounds,
  type Absences,
  type CopyStanding,
  deletionFollows,
  noteLook,
  type SourceLook,
} from '../../../src/sync/topics/deletion-follows.ts';

const follow = topicPolicySchema.parse({ deletion: 'follow' });
const ours: CopyStanding = { state: 'ours' };
const copies = [
  { topic: 'a_gone', sourceTopicId: '1' },
  { topic: 'a_witness', sourceTopicId: '2' },
  { topic: 'a_other', sourceTopicId: '3' },
];

function seen(atMs: number, ...topics: readonly (readonly [string, string])[]): SourceLook {
  return { kind: 'answered', atMs, topics: new Map(topics) };
}

function after(looks: readonly SourceLook[]): Absences {
  return looks.reduce((absences: Absences, look) => noteLook(absences, look, copies), new Map());
}

/** Looks that show the witness only, one every 15 s. */
const withoutIt = Array.from({ length: 5 }, (_, index) => seen(index * 15_000, ['a_witness', '2']));

test('a copy is deleted when five looks over a minute have shown the source without its topic', () => {
  expect(deletionFollows(after(withoutIt).get('a_gone'), ours, follow)).toEqual({ kind: 'delete' });
  expect(deletionFollows(after(withoutIt.slice(0, 4)).get('a_gone'), ours, follow)).toMatchObject({
    kind: 'keep',
    why: 'missing at the source in 4 look(s) over 45 s; deleted after 5 over 60 s',
  });
});

test('five looks within a minute are not enough', () => {
  const quick = Array.from({ length: 20 }, (_, index) => seen(index * 1000, ['a_witness', '2']));
  expect(deletionFollows(after(quick).get('a_gone'), ours, follow).kind).toBe('keep');
});

test.each([
  ['a look that failed', { kind: 'failed' }],
  ['a cluster that shows none of the link’s topics', seen(30_000, ['a_foreign', '9'])],
  ['a cluster that shows no topics at all', seen(30_000)],
  ['a cluster whose topics have the names but not the ids', seen(30_000, ['a_witness', '9'])],
  ['the topic itself', seen(30_000, ['a_witness', '2'], ['a_gone', '1'])],
  ['another topic of its name', seen(30_000, ['a_witness', '2'], ['a_gone', '9'])],
] as const)('%s begins the count anew', (_, look: SourceLook) => {
  const looks = [...withoutIt.slice(0, 2), look, ...withoutIt.slice(3)];
  expect(deletionFollows(after(looks).get('a_gone'), ours, follow).kind).toBe('keep');
});

test.each(['creating', 'faulted', 'rebuilding', 'promoted'] as const)('a copy that is %s stays', (state) => {
  expect(deletionFollows(after(withoutIt).get('a_gone'), { state }, follow).kind).toBe('keep');
});

test('copies stay unless the link says otherwise', () => {
  expect(deletionFollows(after(withoutIt).get('a_gone'), ours, defaultTopicPolicy).kind).toBe('keep');
});

describe('whatever is seen', () => {
  const step = fc.oneof(
    { weight: 1, arbitrary: fc.constant({ kind: 'failed' as const }) },
    {
      weight: 9,
      arbitrary: fc.record({
        kind: fc.constant('answered' as const),
        waitMs: fc.integer({ min: 1, max: 30_000 }),
        shown: fc.subarray(['a_gone', 'a_witness', 'a_other']),
      }),
    },
  );

  test('a copy is only deleted after a minute of answers, all without it, all of the cluster that is known', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let atMs = 0;
        const looks = steps.map((each): SourceLook => {
          if (each.kind === 'failed') return each;
          atMs += each.waitMs;
          const ids = new Map(copies.map(({ topic, sourceTopicId }) => [topic, sourceTopicId]));
          return seen(atMs, ...each.shown.map((topic) => [topic, ids.get(topic) ?? ''] as const));
        });
        const absences = after(looks);
        for (const { topic } of copies) {
          const { kind } = deletionFollows(absences.get(topic), ours, follow);
          const run = looks.slice(
            looks.findLastIndex((look) => look.kind === 'failed' || look.topics.has(topic) || look.topics.size === 0) +
              1,
          );
          const times = run.flatMap((look) => (look.kind === 'answered' ? [look.atMs] : []));
          const long = (times.at(-1) ?? 0) - (times[0] ?? 0) >= absenceBounds.spanMsMin;
          expect(kind).toBe(long && run.length >= absenceBounds.looksMin ? 'delete' : 'keep');
        }
      }),
      { numRuns: 500 },
    );
  });
});
