import { describe, expect, test } from 'vitest';
import type { ExposureFacts } from '../../src/exposure/exposure.ts';
import { agedSample, type PartitionSample } from '../../src/worker/copying/partition-sample.ts';
import { ExposureBook, unlooked } from '../../src/worker/control/exposure-book.ts';
import type { ShadowRecord } from '../../src/worker/state/shadow-record.ts';
import { topicsAtRisk } from '../../src/worker/control/topics-at-risk.ts';

const topic = { name: 'a_x', copy: 'id-1', partitions: 2 };
const level: ExposureFacts = {
  answerAgeMs: 100,
  levelAgeMs: 100,
  watchedMs: 60_000,
  missing: 0,
  moving: false,
  recordsPerSecond: 10,
  bytesPerRecord: 100,
};

function sample(
  partition: number,
  atRisk: ExposureFacts,
  state: PartitionSample['state'] = 'waiting',
): PartitionSample {
  return {
    ...{ topic: 'a_x', partition, state, caughtUpOnce: true, atRisk },
    copied: { batches: 0, records: 0, bytes: 0 },
    lag: { records: 0, seconds: 0, sampleAgeMs: 100 },
    proof: { unverified: 0 },
  };
}

const samples = (...all: readonly PartitionSample[]): ReadonlyMap<string, readonly PartitionSample[]> =>
  new Map([['a_x', all]]);

describe('the exposures of a link', () => {
  test('a partition of which nobody has heard counts from when the topic was first heard of', () => {
    const book = new ExposureBook();
    book.note([topic], samples(sample(0, level)), 1_000);
    expect(book.of(topic, 4_000)).toMatchObject([
      { seconds: 3.1, records: 31, basis: 'estimated' },
      { seconds: 3, records: 0, basis: 'stale' },
    ]);
    expect(book.of({ name: 'a_y', partitions: 1 }, 4_000)).toBeUndefined();
  });

  test('what a worker said last grows old when it falls silent, and stays in the sum', () => {
    const book = new ExposureBook();
    book.note([topic], samples(sample(0, level), sample(1, level)), 0);
    for (const nowMs of [10_000, 20_000]) {
      // Its report is the same one, so much older.
      const old = agedSample(sample(1, level), nowMs);
      book.note([topic], samples(sample(0, level), old), nowMs);
      expect(book.of(topic, nowMs)).toMatchObject([
        { seconds: 0, basis: 'measured' },
        {
          seconds: nowMs / 1000 + 0.1,
          records: Math.round((nowMs + 100) / 100),
          basis: nowMs > 15_000 ? 'stale' : 'estimated',
        },
      ]);
      expect(old.lag.sampleAgeMs).toBe(nowMs + 100);
    }
    // It is no member any more, and nobody has its partition yet.
    book.note([topic], samples(sample(0, level)), 30_000);
    expect(book.of(topic, 30_000)?.[1]).toMatchObject({ seconds: 30.1, records: 301, basis: 'stale' });
  });

  test('who takes a partition up does not make it young before the copy is level again', () => {
    const book = new ExposureBook();
    book.note([topic], samples(sample(0, level)), 0);
    const fresh = { ...level, watchedMs: 50, answerAgeMs: undefined, levelAgeMs: undefined };
    book.note([topic], samples(sample(0, fresh, 'resuming')), 20_000);
    expect(book.of(topic, 20_000)?.[0]).toMatchObject({ seconds: 20.1, basis: 'stale' });
    book.note([topic], samples(sample(0, { ...fresh, answerAgeMs: 10, missing: 300 }, 'copying')), 21_000);
    expect(book.of(topic, 21_000)?.[0]).toMatchObject({ seconds: 21.1, records: 300, basis: 'measured' });
    book.note([topic], samples(sample(0, level)), 22_000);
    expect(book.of(topic, 22_000)?.[0]).toMatchObject({ seconds: 0, records: 0, basis: 'measured' });
  });

  test('of two that speak of a partition the one that still copies it counts', () => {
    const book = new ExposureBook();
    const old = { ...level, answerAgeMs: 9_000, levelAgeMs: 9_000 };
    for (const order of [
      [sample(0, level), sample(0, old, 'stopped')],
      [sample(0, old, 'stopped'), sample(0, level)],
      [sample(0, level), sample(0, old)],
    ]) {
      book.note([topic], samples(...order), 0);
      expect(book.of(topic, 0)?.[0]).toMatchObject({ seconds: 0, basis: 'measured' });
    }
  });

  test('of a copy that was made anew nothing is known of the one before', () => {
    const book = new ExposureBook();
    book.note([topic], samples(sample(0, level)), 0);
    const anew = { ...topic, copy: 'id-2' };
    book.note([anew], samples(sample(0, { ...level, levelAgeMs: undefined, watchedMs: 500, missing: 9 })), 5_000);
    expect(book.of(anew, 5_000)?.[0]).toMatchObject({ seconds: 0.5, records: 9, basis: 'estimated' });
  });

  test('topics that only `_umbra` tells of are at risk, orphans and promoted ones are not', () => {
    const shadow = (name: string, link = 'a-b'): ShadowRecord => ({
      ...{ topic: name, link, sourceTopicId: 's', faults: [] },
      state: { kind: 'ours', shadowTopicId: `id of ${name}` },
    });
    const tracked = new Map(
      (['following', 'orphaned', 'promoted', 'faulted', 'stopped'] as const).map((state) => [
        `a_${state}`,
        { state, shadowTopicId: 'id', partitions: 3 },
      ]),
    );
    const shadows = [shadow('a_following'), shadow('a_unseen'), shadow('a_gone'), shadow('b_other', 'b-a')];
    const names = topicsAtRisk({ link: 'a-b', tracked, shadows, orphans: new Set(['a_gone', 'a_stopped']) }).map(
      ({ name }) => name,
    );
    expect(names).toEqual(['a_following', 'a_faulted', 'a_unseen']);
  });

  test('a link that cannot look for topics does not say that nothing is at risk', () => {
    const looks = { sinceMs: 0, everyMs: 1_000 };
    expect(unlooked(looks, 3_000)).toMatchObject([{ seconds: 3, basis: 'stale' }]);
    expect(unlooked({ ...looks, lookedAtMs: 3_000 }, 18_000)).toEqual([]);
    expect(unlooked({ ...looks, lookedAtMs: 3_000 }, 20_000)).toMatchObject([{ seconds: 17, basis: 'stale' }]);
    // Where looks are rare because there is much to look at.
    expect(unlooked({ ...looks, everyMs: 30_000, lookedAtMs: 3_000 }, 80_000)).toEqual([]);
  });
});
