import type { DrillPlan, DrillsAnswer, RunView } from '../worker/drill/drill-view.ts';
import type { DrillFinding, PastRun } from '../worker/state/drill-memory.ts';
import type { Colours } from './colours.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export function renderDrills({ drills, runs, frozen }: DrillsAnswer, colours: Colours): string {
  if (drills.length === 0) return 'no drill is declared; docs/drills.md has an example';
  const rows = drills.map(({ spec, schedule = 'when asked', next, last, running }) => [
    spec.name,
    spec.level,
    spec.site,
    printable(schedule),
    next[0]?.at ?? '',
    running ?? (last === undefined ? 'never ran' : `${verdict(last.verdict, colours)} ${last.endedAt}`),
  ]);
  const columns = ['DRILL', 'LEVEL', 'SITE', 'SCHEDULE', 'NEXT', 'LAST'].map((title) => ({ title }));
  return [...frozenLine(frozen), table(columns, rows), ...runs.map(runLine)].join('\n');
}

export function renderNext({ drills, frozen }: Pick<DrillsAnswer, 'drills' | 'frozen'>): string {
  const rows = drills
    .flatMap(({ spec, next }) =>
      next.map(({ at, blocked }) => [
        at,
        spec.name,
        spec.level,
        spec.site,
        blocked === undefined ? '' : `blocked: ${printable(blocked)}`,
      ]),
    )
    .toSorted(([left = ''], [right = '']) => left.localeCompare(right));
  const columns = ['AT', 'DRILL', 'LEVEL', 'SITE', ''].map((title) => ({ title }));
  return [...frozenLine(frozen), rows.length === 0 ? 'no drill has a schedule' : table(columns, rows)].join('\n');
}

function frozenLine(frozen: DrillsAnswer['frozen']): readonly string[] {
  if (frozen === undefined) return [];
  return [`frozen until ${frozen.until} by ${printable(frozen.by)}: ${printable(frozen.reason)}; only L0 and L1 run`];
}

export function renderPlan(
  { drill, level, hash, script, plannedMs, checks, blockers }: DrillPlan,
  colours: Colours,
): string {
  const legs = script.legs.map(({ kind, to, topics, returns }, index) => {
    const what =
      typeof topics === 'string'
        ? `${topics} topics`
        : topics.length <= 3
          ? topics.join(', ')
          : `${topics.length} topics`;
    return `  move ${index + 1}: ${kind} of ${what} to site ${to}${returns ? ', home' : ''}`;
  });
  const phases = script.phases.map(
    (phase) => `${'leg' in phase ? `${phase.does} ${phase.leg + 1}` : phase.does} ${seconds(phase.plannedMs)}`,
  );
  const looked = checks.map(({ check, result, value }) => {
    const mark =
      result === 'passed' ? colours.good('ok  ') : result === 'warned' ? colours.warn('warn') : colours.bad('no  ');
    return `  ${mark} ${check}: ${printable(value)}`;
  });
  return [
    `${drill} (${level}), about ${seconds(plannedMs)}, plan ${hash.slice(0, 12)}`,
    ...legs,
    `  phases: ${phases.join(', ')}`,
    ...looked,
    blockers.length === 0
      ? 'nothing stands against it here; the other site is asked when it begins'
      : `${blockers.length} stand against it`,
  ].join('\n');
}

export function runLine({ id, drill, level, phase = 'the end', since, abort, abortMeans }: RunView): string {
  const ending = abort === undefined ? '' : `, given up (${abort.trigger}: ${printable(abort.reason)})`;
  return `${id}: ${drill} (${level}) at ${phase} since ${since}${ending}; abort now means: ${abortMeans}`;
}

/** How one run ended, for the person who waited for it. */
export function renderPast(run: PastRun, colours: Colours): string {
  const { id, drill, level, startedAt, endedAt, reasons, rtoMs, rpoRecords, phases = {}, evidence } = run;
  const took = Date.parse(endedAt) - Date.parse(startedAt);
  const spans = Object.entries(phases).map(([name, ms]) => `${name} ${seconds(ms)}`);
  return [
    `${verdict(run.verdict, colours)} ${drill} (${level}) in ${seconds(took)}: ${id}`,
    ...reasons.map((reason) => `  ${printable(reason)}`),
    ...(rpoRecords === undefined ? [] : [`  acknowledged records missing: ${rpoRecords}`]),
    ...(rtoMs === undefined
      ? []
      : [`  worst move, to its first acknowledged write: ${seconds(rtoMs)} (${spans.join(', ')})`]),
    ...(evidence === undefined
      ? []
      : [`  evidence ${evidence.sequence}, ${evidence.hash.slice(0, 16)}: "umbra evidence show ${id}"`]),
  ].join('\n');
}

export function renderHistory(runs: readonly PastRun[], colours: Colours): string {
  if (runs.length === 0) return 'no drill has run yet';
  const rows = runs.map(
    ({ startedAt, endedAt, drill, level, verdict: word, rtoMs, rpoRecords, requestedBy, reasons }) => [
      startedAt,
      drill,
      level,
      verdict(word, colours),
      seconds(Date.parse(endedAt) - Date.parse(startedAt)),
      rtoMs === undefined ? '' : seconds(rtoMs),
      rpoRecords === undefined ? '' : String(rpoRecords),
      printable(requestedBy),
      printable(reasons[0] ?? ''),
    ],
  );
  return table(
    ['STARTED', 'DRILL', 'LEVEL', 'VERDICT', 'TOOK', 'RTO', 'LOST', 'BY', 'WHY'].map((title) => ({ title })),
    rows,
  );
}

export function renderDrillFindings(findings: readonly DrillFinding[], colours: Colours): string {
  if (findings.length === 0) return 'no drill has shown anything';
  const rows = findings.map(({ id, severity, status, owner, due, title }) => [
    id,
    severity === 'critical' ? colours.bad(severity) : severity,
    status,
    printable(owner),
    due.slice(0, 10),
    printable(title),
  ]);
  return table(
    ['FINDING', 'SEVERITY', 'STATE', 'OWNER', 'DUE', 'WHAT'].map((title) => ({ title })),
    rows,
  );
}

function verdict(word: PastRun['verdict'], colours: Colours): string {
  switch (word) {
    case 'PASSED':
      return colours.good(word);
    case 'FAILED':
      return colours.bad(word);
    default:
      return colours.warn(word);
  }
}
