import { describe, expect, test } from 'vitest';
import { colours } from '../../src/cli/colours.ts';
import { renderPlan } from '../../src/cli/rebuild-text.ts';
import { type FaultCode, faultRemedies } from '../../src/replication/partition/fault.ts';
import { neededBytes } from '../../src/worker/rebuild/make-plan.ts';
import { planHash } from '../../src/worker/rebuild/plan-hash.ts';
import { type RebuildPlan, rebuildPlanSchema } from '../../src/worker/rebuild/rebuild-view.ts';
import { rebuildHelps, rebuildRefusal, type RebuildSubject } from '../../src/worker/rebuild/refusals.ts';

const sha256 = 'cd'.repeat(32);
const ids = { topic: 'a_t', link: 'a-b', copyTopicId: 'copy', copiedTopicId: 'source', sourceTopicId: 'source' };
const partitions: RebuildPlan['partitions'] = [
  {
    ...{ partition: 0, copyStart: '0', copyEnd: '44', sourceStart: '0', sourceEnd: '50', forkOffset: '42' },
    quarantined: {
      ...{ batches: 1, records: 2, recordsOnlyHere: 2, bytes: 1536, firstOffset: '42', lastOffset: '43', sha256 },
      ...{ recordsUnexplained: 2, unexplainedSha256: sha256 },
    },
    offsetsToCopy: 50,
  },
];
const plan: RebuildPlan = rebuildPlanSchema.parse({
  ...ids,
  partitions,
  faults: [{ partition: 0, code: 'FOREIGN_WRITE', message: 'somebody\u001b wrote', at: '2026-01-02T03:04:05.000Z' }],
  folder: '/var/quarantine',
  neededBytes: neededBytes(partitions),
  freeBytes: 2 ** 40,
  groups: 1,
  groupsHidden: [],
  autoCreated: true,
  hash: planHash({ ...ids, partitions }),
});

describe("a plan's hash", () => {
  const [first] = partitions;
  if (first === undefined) throw new Error('one partition');
  const hashOf = (changed: Partial<typeof first>, more: Partial<typeof ids> = {}): string =>
    planHash({ ...ids, ...more, partitions: [{ ...first, ...changed }] });

  test('is the same while source and healthy copies go on', () => {
    expect(hashOf({ sourceEnd: '60', copyEnd: '45', offsetsToCopy: 60 })).toBe(plan.hash);
  });

  test('is the same while retention and compaction at the source leave more and more to the copy alone', () => {
    const more = {
      batches: 9,
      records: 90,
      recordsOnlyHere: 90,
      bytes: 9_000,
      firstOffset: '0',
      sha256: 'ef'.repeat(32),
    };
    expect(hashOf({ sourceStart: '40', quarantined: { ...first.quarantined, ...more } })).toBe(plan.hash);
  });

  test('changes with every byte that goes, with the fork, and with the topics', () => {
    const others = [
      hashOf({ quarantined: { ...first.quarantined, unexplainedSha256: 'ef'.repeat(32) } }),
      hashOf({ quarantined: { ...first.quarantined, recordsUnexplained: 3 } }),
      hashOf({ forkOffset: '41' }),
      hashOf({}, { copyTopicId: 'another' }),
      hashOf({}, { sourceTopicId: 'another' }),
    ];
    expect(new Set([plan.hash, ...others]).size).toBe(others.length + 1);
  });
});

test('the plan names what goes, where to, how much is copied again, and its hash', () => {
  const text = renderPlan(plan, colours(false));
  expect(text).toContain('partition 0: FOREIGN_WRITE: somebody wrote');
  expect(text).toContain('2 records that only the copy holds go to files in /var/quarantine');
  expect(text).toContain('50 offsets are copied again');
  expect(text).toContain('auto.create.topics.enable');
  expect(text).toContain('1 consumer group committed positions on the copy');
  expect(text).toContain(`plan ${plan.hash}`);
  expect(renderPlan({ ...plan, freeBytes: 0 }, colours(false))).toContain('not room enough');
});

describe('a rebuild is refused', () => {
  const subject: RebuildSubject = {
    ...{ topic: 'a_t', state: 'faulted', faultCodes: ['FOREIGN_WRITE'], mayCopy: true, fenced: false },
    ...{ copyTopicId: 'copy', targetTopicId: 'copy', sourceTopicId: 'source' },
  };

  test('not where everything is as it has to be', () => {
    expect(rebuildRefusal(subject)).toBeUndefined();
  });

  test.each<[string, Partial<RebuildSubject>, string]>([
    ['a topic that is not faulted', { state: 'following' }, 'it is following'],
    ['a topic the link did not make', { copyTopicId: undefined }, 'no copy of ours'],
    ['a copy that is gone', { targetTopicId: undefined }, 'not there'],
    ['a copy that somebody made anew', { targetTopicId: 'another' }, 'not the copy this link made'],
    ['a source that is gone', { sourceTopicId: undefined }, 'all there is of it'],
    ['a source that is not the primary', { mayCopy: false }, 'not its primary'],
    ['a worker that lost the link', { fenced: true }, 'another worker'],
    ['a fault that a new copy would meet again', { faultCodes: ['OLD_FORMAT'] }, faultRemedies.OLD_FORMAT],
  ])('for %s', (_, change, reason) => {
    expect(rebuildRefusal({ ...subject, ...change })).toContain(reason);
  });

  test('exactly for the faults whose remedy is not a rebuild', () => {
    for (const [code, helps] of Object.entries(rebuildHelps)) {
      expect(faultRemedies[code as FaultCode].includes('npx umbra rebuild'), code).toBe(helps);
    }
  });
});
