import { drillLevels, drillVerdicts } from '../../drill/level.ts';
import type { EvidenceContent } from '../document.ts';
import { phasesInOrder } from '../recovery-phases.ts';
import { count, dateOf, duration, time } from './figures.ts';
import { heatMaps } from './heat-map.ts';
import { html, type Html } from './html.ts';
import { type Cell, page, section, table, type Tile, tiles } from './parts.ts';
import { lossPlot, recoveryPlot } from './recovery-plot.ts';
import { countVerdicts, inOrder, notRunLately, openFindings } from './runs.ts';

const number = 'number' as const;
const dayMs = 86_400_000;

/** The page of many runs: what was proven when, what did not run, and how times and losses went. Nothing on it loads. */
export function renderTrendPage(documents: readonly EvidenceContent[]): string {
  const runs = inOrder(documents);
  const drills = runs.filter(({ kind }) => kind === 'drill');
  const pairs = [...new Set(runs.map(({ pair }) => pair.id))].toSorted().join(', ');
  const title = runs.length === 0 ? 'Drills' : `Drills of ${pairs}`;
  const newest = runs.at(-1);
  return page(title, [
    html`<header>
      <h1>${title}</h1>
      <p class="quiet">
        ${count(runs.length)}
        runs${newest === undefined ? '.' : html`, the newest of ${time(newest.startedAt)}. Ages are counted back from it.`}
      </p>
    </header> `,
    tiles(summary(drills, runs)),
    section('Last passed', [lastPassed(drills, newest)]),
    section('Calendar', heatMaps(runs)),
    section('Time to recover', [recoveryPlot(runs)]),
    section('Loss', [lossPlot(runs)]),
    section('What ran and what did not', [verdictTable(drills)]),
    section('Open findings', [findingTable(runs)]),
    section('Runs', [runTable(runs)]),
  ]);
}

function summary(drills: readonly EvidenceContent[], runs: readonly EvidenceContent[]): readonly Tile[] {
  const counts = countVerdicts(drills);
  const open = openFindings(runs);
  const critical = open.filter(({ severity }) => severity === 'critical').length;
  const tile = (name: string, value: number, more: Pick<Tile, 'note' | 'kind'>): Tile => ({
    name,
    value: count(value),
    ...more,
  });
  return [
    tile('Passed', counts.PASSED, { note: `of ${count(drills.length)} drills`, kind: 'good' }),
    tile('Failed', counts.FAILED, {
      note: 'the reasons are in their documents',
      kind: counts.FAILED === 0 ? undefined : 'bad',
    }),
    tile('Interrupted', counts.INTERRUPTED, { note: 'ended before they could show anything' }),
    tile('Blocked', counts.BLOCKED, { note: 'something stood against them' }),
    tile('Skipped', counts.SKIPPED, { note: 'nobody meant them to begin' }),
    tile('Open findings', open.length, {
      note: `${count(critical)} critical`,
      kind: open.length === 0 ? 'good' : 'warn',
    }),
  ];
}

function lastPassed(drills: readonly EvidenceContent[], newest: EvidenceContent | undefined): Html {
  const rows = drillLevels.map((level): readonly Cell[] => {
    const of = drills.filter((run) => run.level === level);
    const passed = of.findLast(({ verdict }) => verdict === 'PASSED');
    const last = of.at(-1);
    const age =
      passed === undefined || newest === undefined ? 0 : Date.parse(newest.startedAt) - Date.parse(passed.startedAt);
    return [
      level,
      passed === undefined ? html`<span class="quiet">never</span>` : time(passed.startedAt),
      passed === undefined ? '' : `${Math.floor(age / dayMs)} d`,
      last === undefined ? '' : html`<strong class="${last.verdict}">${last.verdict}</strong>`,
      count(of.length),
    ];
  });
  const columns = [
    { title: 'Level' },
    { title: 'Last passed' },
    { title: 'Age', kind: number },
    { title: 'Last verdict' },
  ];
  return table('By level', [...columns, { title: 'Runs', kind: number }], rows);
}

function verdictTable(drills: readonly EvidenceContent[]): Html {
  const names = [...new Set(drills.map(({ drill = '' }) => drill))].toSorted();
  const rows = names.map((name): readonly Cell[] => {
    const of = drills.filter(({ drill = '' }) => drill === name);
    const counts = countVerdicts(of);
    const since = notRunLately(of);
    const skips = since === 0 ? '0' : html`<strong class="warn">${count(since)}</strong>`;
    return [name === '' ? 'without a name' : name, ...drillVerdicts.map((verdict) => count(counts[verdict])), skips];
  });
  const columns = drillVerdicts.map((verdict) => ({ title: verdict.toLowerCase(), kind: number }));
  return table(
    'By drill',
    [{ title: 'Drill' }, ...columns, { title: 'not run since it last did', kind: number }],
    rows,
  );
}

function findingTable(runs: readonly EvidenceContent[]): Html {
  const rows = openFindings(runs).map(({ id, severity, title, owner, due, ticket, reportId }): readonly Cell[] => [
    ...[id, severity, title, owner, dateOf(due), ticket, reportId],
  ]);
  const titles = ['Finding', 'Severity', 'What', 'Owner', 'Due', 'Ticket', 'Last named by'];
  return table(
    'As the newest run that names them has them',
    titles.map((title) => ({ title })),
    rows,
  );
}

function runTable(runs: readonly EvidenceContent[]): Html {
  const rows = runs.toReversed().map((run): readonly Cell[] => {
    const { reportId, startedAt, kind, level, drill, verdict, rpo, rto } = run;
    return [
      ...[time(startedAt), run.pair.site, kind, level, drill, html`<strong class="${verdict}">${verdict}</strong>`],
      ...[
        rto.totalMs === undefined ? '' : duration(rto.totalMs),
        rpo.basis === 'none' ? '' : count(rpo.measured.records),
      ],
      ...[phasesOf(run), reportId],
    ];
  });
  const columns = [
    ...['Began', 'Site', 'Kind', 'Level', 'Drill', 'Verdict'].map((title) => ({ title })),
    ...[
      { title: 'RTO', kind: number },
      { title: 'Records lost', kind: number },
      { title: 'Phases' },
      { title: 'Report' },
    ],
  ];
  return table('Newest first', columns, rows);
}

function phasesOf({ rto }: EvidenceContent): string {
  return phasesInOrder(rto.phases)
    .map(([phase, ms]) => `${phase} ${duration(ms)}`)
    .join(', ');
}
