import { expect, test } from 'vitest';
import type { PartitionSample } from '../../src/worker/copying/partition-sample.ts';
import { PausedTopics, pausedSample } from '../../src/worker/control/paused-topics.ts';
import { pauseKey, type PauseRecord, type PauseSubject } from '../../src/worker/state/pause-record.ts';

const since = '2026-01-01T00:00:00.000Z';

function pausedTopics(records: readonly PauseRecord[]): {
  readonly paused: PausedTopics;
  readonly pass: (ms: number) => void;
} {
  let nowMs = 0;
  const byKey = new Map(records.map((record) => [pauseKey(record), record]));
  const paused = new PausedTopics({
    link: 'a-b',
    state: { pause: (subject: PauseSubject) => byKey.get(pauseKey(subject)) },
    clock: { monotonicMs: () => nowMs, now: () => new Date(nowMs) },
  });
  return { paused, pass: (ms) => void (nowMs += ms) };
}

const sample: PartitionSample = {
  ...{ topic: 'a_x', partition: 0, state: 'waiting', caughtUpOnce: true, copiedTo: '5', sourceEnd: '5' },
  copied: { batches: 1, records: 5, bytes: 50 },
  lag: { records: 0, seconds: 0, sampleAgeMs: 40 },
  proof: { unverified: 0 },
  atRisk: {
    answerAgeMs: 40,
    levelAgeMs: 40,
    watchedMs: 1_000,
    missing: 0,
    moving: false,
    recordsPerSecond: 0,
    bytesPerRecord: 0,
  },
};

test('a topic is paused by itself or with its link, and by itself counts first', () => {
  const link = { link: 'a-b', since };
  const topic = { link: 'a-b', topic: 'a_x', since };
  expect(pausedTopics([]).paused.of('a_x')).toBeUndefined();
  expect(pausedTopics([link]).paused.of('a_x')).toEqual({ since, by: 'link' });
  expect(pausedTopics([link, topic]).paused.of('a_x')).toEqual({ since, by: 'topic' });
  expect(pausedTopics([topic]).paused.of('a_y')).toBeUndefined();
  expect(pausedTopics([topic]).paused.ofLink).toBeUndefined();
});

test('what was last known of a paused topic grows older, and nothing is known of one that nobody remembers', () => {
  const { paused, pass } = pausedTopics([]);
  paused.keep('a_x', [sample]);
  pass(2_000);
  expect(paused.samples('a_x')).toMatchObject([
    { state: 'stopped', lag: { records: 0, seconds: 2, sampleAgeMs: 2_040 } },
  ]);
  paused.forget('a_x');
  expect(paused.samples('a_x')).toEqual([]);
});

test('a partition that had faulted stays so', () => {
  expect(pausedSample({ ...sample, state: 'faulted' }, 1_000).state).toBe('faulted');
});
