import { makeScript } from '../../src/drill/script.ts';
import { drillSpecSchema } from '../../src/drill/drill-spec.ts';
import { noFacts } from '../../src/drill/run-record.ts';
import type { DrillService } from '../../src/worker/drill/drill-service.ts';
import type { DrillPlan, DrillView, RunAnswerView, RunView } from '../../src/worker/drill/drill-view.ts';
import type { DrillFinding, DrillFreeze, PastRun } from '../../src/worker/state/drill-memory.ts';

const at = '2026-11-22T10:15:00.000Z';
const script = makeScript({
  ...{ level: 'L2', site: 'b', canaries: { a: 'a_umbra-canary-000001', b: 'b_umbra-canary-000001' }, topics: [] },
  ...{ baselineMs: 5_000, holdMs: 1_000, returns: true },
});

const past: PastRun = {
  ...{ id: 'drill-20261122-091500-canary-ab12', drill: 'canary', level: 'L2', site: 'b', requestedBy: 'schedule' },
  ...{
    startedAt: at,
    endedAt: at,
    verdict: 'PASSED',
    reasons: [],
    rtoMs: 1_800,
    rpoRecords: 0,
    phases: { fence: 500 },
  },
  evidence: { sequence: 1, hash: 'a'.repeat(64) },
};

const drill: DrillView = {
  spec: drillSpecSchema.parse({ name: 'canary', level: 'L2', site: 'b', schedule: { cron: '0 3 * * *' } }),
  ...{ schedule: 'at 03:00', next: [{ at, plannedFor: at }], skips: 0, last: past, approvals: [] },
};

const run: RunView = {
  ...{ id: 'drill-20261122-101500-canary-ab12', drill: 'canary', level: 'L2', site: 'b', requestedBy: 'ann' },
  ...{ startedAt: at, deadlineAt: at, planHash: '0'.repeat(64), state: 'running', phase: 'look', since: at },
  ...{ abortMeans: 'nothing has been moved: it ends', journal: [], facts: noFacts, script },
};

const plan: DrillPlan = {
  ...{ drill: 'canary', level: 'L2', hash: '0'.repeat(64), script, plannedMs: 40_000, blockers: [] },
  checks: [{ check: 'link a-b', result: 'passed', value: 'following', at }],
};

const finding: DrillFinding = {
  ...{ id: 'canary-skipped', drill: 'canary', run: past.id, severity: 'major', title: 'it did not run', owner: 'sre' },
  ...{ openedAt: at, due: at, status: 'open' },
};

const freeze: DrillFreeze = { by: 'ann', reason: 'end of year', since: at, until: '2027-01-04T00:00:00.000Z' };

/** Drills as the API shows them; every change is noted. */
export function stubDrills(asked: unknown[]): DrillService {
  const note = <T>(answer: T, ...entry: unknown[]): Promise<T> => {
    asked.push(entry);
    return Promise.resolve(answer);
  };
  const running: RunAnswerView = { kind: 'running', run };
  return {
    put: (spec) => note(undefined, 'drill', spec),
    remove: (name) => note(undefined, 'delete drill', name),
    views: () => [drill],
    view: () => drill,
    runViews: () => [run],
    run: () => running,
    history: () => [past],
    plan: (name) => note(plan, 'plan drill', name),
    begin: (name, by) => note(running, 'run drill', name, by),
    abort: (id, reason) => note(running, 'abort drill', id, reason),
    skip: (name, reason) => note(drill, 'skip drill', name, reason),
    frozen: () => freeze,
    freeze: (wanted) => note(undefined, 'freeze drills', wanted),
    thaw: () => note(undefined, 'thaw drills'),
    approve: (name, by) => note(drill, 'approve drill', name, by),
    findings: () => [finding],
    decide: (id, decision) => note(finding, 'decide', id, decision),
  };
}
