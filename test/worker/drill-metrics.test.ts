import { expect, test } from 'vitest';
import { drillSpecSchema } from '../../src/drill/drill-spec.ts';
import { type CanaryFigures, drillFigures } from '../../src/worker/drill/drill-figures.ts';
import { drillMetrics } from '../../src/worker/metrics/drill-metrics.ts';
import type { DrillFinding, DrillMemory, PastRun } from '../../src/worker/state/drill-memory.ts';

const spec = drillSpecSchema.parse({ name: 'weekly', level: 'L2', site: 'b' });
const at = (minute: number): string => new Date(Date.UTC(2026, 10, 22, 10, minute)).toISOString();

function past(minute: number, over: Partial<PastRun>): PastRun {
  const times = { startedAt: at(minute), endedAt: at(minute + 1) };
  return {
    ...{ id: `drill-0000000${minute}`, drill: 'weekly', level: 'L2', site: 'b', requestedBy: 'schedule' },
    ...{ ...times, verdict: 'PASSED', reasons: [], ...over },
  };
}

const finding: DrillFinding = {
  ...{ id: 'weekly-canary', drill: 'weekly', run: 'drill-00000001', severity: 'critical', title: 'a record is lost' },
  ...{ owner: 'nobody', openedAt: at(1), due: at(2), status: 'open' },
};

/** Of what is remembered, newest first, what a scrape shows: by name, each sample with its labels. */
function shown(
  known: { readonly past?: readonly PastRun[]; readonly findings?: readonly DrillFinding[]; readonly skips?: number },
  canaries?: CanaryFigures,
): ReadonlyMap<string, Readonly<Record<string, number>>> {
  const memory: Parameters<typeof drillFigures>[0] = {
    ...{ specs: () => [spec], past: () => known.past ?? [], runs: () => [], findings: () => known.findings ?? [] },
    cursor: (drill) => ({ drill, handledTo: at(0), skips: known.skips ?? 0 }),
    lastPass: (level): ReturnType<DrillMemory['lastPass']> => (level === 'L2' ? new Date(at(5)) : undefined),
  };
  const control = { ...{ links: [], workers: 1, violations: 0, channel: undefined } };
  const drills = drillFigures(memory, 'b', canaries);
  const scrape = { own: undefined, control: { ...control, drills }, ready: true };
  return new Map(
    drillMetrics.map(({ name, read }) => [
      name,
      Object.fromEntries(read(scrape).map(({ labels, value }) => [Object.values(labels).join(' '), value])),
    ]),
  );
}

test('the newest verdict is of a run that has begun: what was skipped since does not hide a failure', () => {
  const runs = [past(3, { verdict: 'SKIPPED' }), past(2, { verdict: 'BLOCKED' }), past(1, { verdict: 'FAILED' })];
  const now = shown({ past: [...runs, past(0, {})], skips: 2 });
  expect(now.get('umbra_drill_last_verdict')).toEqual({
    ...{ 'weekly L2 PASSED': 0, 'weekly L2 FAILED': 1, 'weekly L2 INTERRUPTED': 0 },
  });
  expect(now.get('umbra_drill_skips')).toEqual({ 'weekly L2': 2 });
  expect(now.get('umbra_drill_runs')).toEqual({ PASSED: 1, FAILED: 1, INTERRUPTED: 0, BLOCKED: 1, SKIPPED: 1 });
  expect(shown({ past: runs.slice(0, 2) }).get('umbra_drill_last_verdict')).toEqual({});
});

test('the last success is what is remembered beside the history', () => {
  expect(shown({}).get('umbra_drill_last_success_timestamp')).toEqual({ L2: Date.parse(at(5)) / 1000 });
});

test('times of a recovery are those of the newest run that moved something, in seconds', () => {
  const moved = { rtoMs: 2_500, phases: { fence: 600, firstAck: 1_100 } };
  const runs = [past(2, { verdict: 'BLOCKED' }), past(1, moved), past(0, { rtoMs: 9_000, phases: { fence: 1 } })];
  expect(shown({ past: runs }).get('umbra_drill_rto_seconds')).toEqual({ fence: 0.6, firstAck: 1.1, total: 2.5 });
  expect(shown({}).get('umbra_drill_rto_seconds')).toEqual({});
});

test('a finding is open until somebody has accepted or closed it', () => {
  const findings: readonly DrillFinding[] = [
    finding,
    { ...finding, status: 'accepted' },
    { ...finding, status: 'closed' },
  ];
  expect(shown({ findings }).get('umbra_drill_open_findings')).toEqual({ critical: 1, major: 0, minor: 0 });
});

test('canaries that were never acknowledged grow old from when they are written; without canaries nothing is said', () => {
  const now = new Date(at(1));
  const counts = { acked: 0, refused: 4, unanswered: 1, since: now.getTime() - 90_000 };
  const nothing = { lastAckAt: undefined, lastAckMs: undefined, longestGapMs: undefined };
  const links = [
    { link: 'a-b', ...counts, ...nothing },
    { link: 'b-a', ...counts, acked: 8, lastAckAt: now.getTime() - 250, lastAckMs: 4, longestGapMs: 1_300 },
  ];
  const seen = shown({}, { green: false, links, now });
  expect(seen.get('umbra_canary_ack_age_seconds')).toEqual({ 'a-b': 90, 'b-a': 0.25 });
  expect(seen.get('umbra_canary_ack_seconds')).toEqual({ 'b-a': 0.004 });
  expect(seen.get('umbra_canary_longest_gap_seconds')).toEqual({ 'b-a': 1.3 });
  expect(seen.get('umbra_canary_acked_total')).toEqual({ 'a-b': 0, 'b-a': 8 });
  expect(seen.get('umbra_canary_green')).toEqual({ '': 0 });
  const without = [...shown({})].filter(([name]) => name.startsWith('umbra_canary_'));
  expect(without.map(([, samples]) => samples)).toEqual(without.map(() => ({})));
});
