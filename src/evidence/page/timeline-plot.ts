import type { EvidenceContent, TimelineEntry } from '../document.ts';
import { scaleOf, type Scale, timeTicks } from './axis.ts';
import { duration } from './figures.ts';
import { html, type Html } from './html.ts';
import { figure, frame, label, timeAxis, verticalLine } from './plot.ts';

/** At the end of this step of a move its new terms are written; from there it only goes forwards. */
const promotion = 'promoting';

const top = 26;
const rowHeight = 30;

interface Row {
  readonly entry: TimelineEntry;
  readonly planned: Span;
  readonly actual: Span;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** The phases of a run, then the steps within each phase that has some: planned above actual. */
export function timelinePlots({ timeline, endedAt }: EvidenceContent): readonly Html[] {
  const phases = timeline.filter(({ within }) => within === undefined);
  const end = Date.parse(endedAt);
  const steps = phases.flatMap(({ step }, index) => {
    const of = timeline.filter(({ within }) => within === step);
    // A phase that comes twice has its steps shown once.
    const again = phases.findIndex((phase) => phase.step === step) < index;
    return of.length === 0 || again
      ? []
      : [plotOf(rowsOf(of, end), { id: `steps-${index}`, title: `Steps of ${step}` })];
  });
  const title = 'Phases, planned and actual';
  const crossings = timeline.flatMap((entry) => crossingOf(entry));
  return phases.length === 0 ? [] : [plotOf(rowsOf(phases, end), { id: 'phases', title, crossings }), ...steps];
}

/** Times at which moves of the run passed their point of no return. */
function crossingOf({ step, result, endedAt }: TimelineEntry): readonly number[] {
  return step === promotion && result === 'done' && endedAt !== undefined ? [Date.parse(endedAt)] : [];
}

/** The plan begins where the first entry began, and each entry of it where the one before should have ended. */
function rowsOf(entries: readonly TimelineEntry[], end: number): readonly Row[] {
  let from = Math.min(...entries.map(({ startedAt }) => Date.parse(startedAt)));
  return entries.map((entry) => {
    const planned = { from, to: from + entry.plannedMs };
    from = planned.to;
    const startedAt = Date.parse(entry.startedAt);
    const actual = {
      from: startedAt,
      to: entry.endedAt === undefined ? Math.max(startedAt, end) : Date.parse(entry.endedAt),
    };
    return { entry, planned, actual };
  });
}

interface PlotOfRows {
  readonly id: string;
  readonly title: string;
  readonly crossings?: readonly number[];
}

function plotOf(rows: readonly Row[], { id, title, crossings }: PlotOfRows): Html {
  const from = Math.min(...rows.flatMap(({ planned, actual }) => [planned.from, actual.from]));
  const to = Math.max(...rows.flatMap(({ planned, actual }) => [planned.to, actual.to]));
  const scale = scaleOf({ from, to }, [frame.left, frame.right]);
  const bottom = top + rows.length * rowHeight;
  const lines = (crossings ?? rows.flatMap(({ entry }) => crossingOf(entry))).map((at) =>
    verticalLine(scale, { at, text: 'point of no return', top: 4, bottom, kind: 'no-return' }),
  );
  const caption = 'grey as planned, blue as it was; red where it failed';
  const description = `${rows.length} rows of bars; the table below has the same in figures.`;
  return figure({ id, title, description, height: bottom + 26, caption }, [
    timeAxis(timeTicks(scale), { top, bottom }),
    ...rows.map((row, index) => renderRow(row, { scale, y: top + index * rowHeight })),
    ...lines,
  ]);
}

function renderRow({ entry, planned, actual }: Row, { scale, y }: { readonly scale: Scale; readonly y: number }): Html {
  const kind = entry.result === 'done' || entry.result === 'skipped' ? 'actual' : 'actual failed';
  const took = entry.result === 'skipped' ? 'skipped' : duration(actual.to - actual.from);
  const late = actual.to - actual.from > entry.plannedMs ? 'value late' : 'value';
  const words = entry.result === 'done' || entry.result === 'skipped' ? took : `${took}, ${entry.result}`;
  return html`<g class="row">
    ${label(entry.step, { x: frame.left - 12, y: y + 19, width: frame.left - 16, anchor: 'end' })}
    ${bar(planned, { scale, y: y + 5, height: 6, kind: 'planned' })}
    ${bar(actual, { scale, y: y + 13, height: 10, kind })}
    ${label(words, { x: frame.column, y: y + 13, width: frame.width - frame.column, kind: late })}
    ${label(`planned ${duration(entry.plannedMs)}`, { x: frame.column, y: y + 26, width: frame.width - frame.column, kind: 'quiet small' })}
  </g>`;
}

interface BarPlace {
  readonly scale: Scale;
  readonly y: number;
  readonly height: number;
  readonly kind: string;
}

/** What is too short to be seen is drawn two pixels wide, inside of the plot. */
function bar({ from, to }: Span, { scale, y, height, kind }: BarPlace): Html {
  const x = Math.min(scale.at(from), frame.right - 2);
  const width = Math.max(2, Math.round((scale.at(to) - x) * 10) / 10);
  return html`<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="1.5" />`;
}
