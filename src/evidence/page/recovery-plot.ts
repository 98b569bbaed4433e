import type { EvidenceContent } from '../document.ts';
import { phaseOrder } from '../recovery-phases.ts';
import { roundValues, rounded, scaleOf, type Scale } from './axis.ts';
import { count, dateOf, duration } from './figures.ts';
import { html, type Html } from './html.ts';
import { figure, frame, label } from './plot.ts';

const top = 8;
const rowHeight = 26;
/** So many of the newest runs are drawn; the table has the others. */
export const runsDrawnMax = 30;
const coloursOfParts = 5;

/** Runs whose time to recover was measured: a bar each, of its phases, with their names on them. Newest last. */
export function recoveryPlot(runs: readonly EvidenceContent[]): Html | undefined {
  const measured = runs.filter(({ rto }) => rto.totalMs !== undefined).slice(-runsDrawnMax);
  if (measured.length === 0) return undefined;
  const longest = measured.reduce((most, { rto }) => Math.max(most, rto.totalMs ?? 0, sumOf(rto.phases)), 1);
  const scale = scaleOf({ from: 0, to: longest }, [frame.left, frame.right]);
  const ticks = roundValues(longest / 1_000)
    .map((value) => value * 1_000)
    .filter((value) => value <= longest);
  const bottom = top + measured.length * rowHeight;
  const phases = phaseOrder(measured.flatMap(({ rto }) => Object.keys(rto.phases)));
  return figure(
    {
      ...{ id: 'recovery', title: 'Time to recover', height: bottom + 24 },
      description: `Bars of the phases of ${measured.length} runs; the table of runs has their totals.`,
      caption: 'the worst leg of each run, by phase; a dashed line is what was allowed',
    },
    [
      ...ticks.map((value) => {
        const x = scale.at(value);
        const place = {
          x,
          y: bottom + 16,
          width: 80,
          kind: 'quiet',
          anchor: value === 0 ? 'start' : 'middle',
        } as const;
        return html`<line
            class="grid"
            x1="${x}"
            x2="${x}"
            y1="${top}"
            y2="${bottom}"
          />${label(value === 0 ? '0' : duration(value), place)}`;
      }),
      ...measured.map((run, index) => bars(run, { scale, y: top + index * rowHeight, phases, longest })),
    ],
  );
}

interface RowPlace {
  readonly scale: Scale;
  readonly y: number;
  readonly phases: readonly string[];
  readonly longest: number;
}

function bars({ rto, objectives, startedAt, level }: EvidenceContent, { scale, y, phases, longest }: RowPlace): Html {
  let from = 0;
  const parts = phases.flatMap((phase) => {
    const ms = rto.phases[phase] ?? 0;
    if (ms <= 0) return [];
    const x = Math.min(scale.at(from), frame.right - 1);
    from += ms;
    const width = Math.max(1, rounded(scale.at(from) - x));
    return [part(phase, { ms, x, y, width, colour: phases.indexOf(phase) % coloursOfParts })];
  });
  const { rtoMs } = objectives;
  const allowed = rtoMs === undefined || rtoMs > longest ? undefined : scale.at(rtoMs);
  const when = `${dateOf(startedAt)}${level === undefined ? '' : ` ${level}`}`;
  const late = rtoMs !== undefined && (rto.totalMs ?? 0) > rtoMs;
  return html`<g class="row">
    ${label(when, { x: frame.left - 12, y: y + 16, width: frame.left - 16, anchor: 'end' })} ${parts}
    ${allowed === undefined ? undefined : html`<line class="objective" x1="${allowed}" x2="${allowed}" y1="${y}" y2="${y + rowHeight}" />`}
    ${label(duration(rto.totalMs ?? 0), { x: frame.column, y: y + 16, width: 170, kind: late ? 'value late' : 'value' })}
  </g>`;
}

interface PartPlace {
  readonly ms: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly colour: number;
}

/** A name is only written where it has room; each part says it to who points at it. */
function part(phase: string, { ms, x, y, width, colour }: PartPlace): Html {
  const fits = width > phase.length * 6.2 + 6;
  const name = fits ? label(phase, { x: x + 4, y: y + 16, width, kind: 'on-cell' }) : undefined;
  return html`<g
    ><title>${phase}: ${duration(ms)}</title
    ><rect class="part part-${colour}" x="${x}" y="${y + 4}" width="${width}" height="18" />${name}</g
  >`;
}

function sumOf(phases: Readonly<Record<string, number>>): number {
  return Object.values(phases).reduce((sum, ms) => sum + ms, 0);
}

const lossTop = 16;
const lossBottom = 130;

/** Records that runs lost, over time: a stem each; nothing lost is a dot on the line. */
export function lossPlot(runs: readonly EvidenceContent[]): Html | undefined {
  const measured = runs.filter(({ rpo }) => rpo.basis !== 'none');
  if (measured.length === 0) return undefined;
  const times = measured.map(({ startedAt }) => Date.parse(startedAt));
  const scale = scaleOf({ from: Math.min(...times), to: Math.max(...times) }, [frame.left + 6, frame.right - 6]);
  const most = measured.reduce((left, { rpo }) => Math.max(left, rpo.measured.records), 0);
  const ticks = [...new Set(roundValues(most).map(Math.ceil))];
  const values = scaleOf({ from: 0, to: ticks.at(-1) ?? 1 }, [lossBottom, lossTop]);
  const marks = measured.map(({ rpo, objectives, startedAt, reportId }) => {
    const [x, y] = [scale.at(Date.parse(startedAt)), values.at(rpo.measured.records)];
    const wrong = rpo.measured.records > objectives.rpoRecords;
    const number = wrong
      ? label(count(rpo.measured.records), { x: x + 6, y: y + 4, width: 90, kind: 'value small' })
      : undefined;
    return html`<g
      ><title>${reportId}: ${count(rpo.measured.records)} records lost</title
      ><line class="grid" x1="${x}" x2="${x}" y1="${y}" y2="${lossBottom}" /><circle
        class="${wrong ? 'failed' : 'actual'}"
        cx="${x}"
        cy="${y}"
        r="4"
      />${number}</g
    >`;
  });
  const [first, last] = [measured[0], measured.at(-1)];
  const y = lossBottom + 18;
  return figure(
    {
      ...{ id: 'loss', title: 'Records lost', height: lossBottom + 26 },
      description: `${measured.length} runs, ${count(most)} records lost at most; the table of runs has each.`,
      caption: 'a dot per run whose loss was measured; red where it was more than allowed',
    },
    [
      ...ticks.map((value) => {
        const height = values.at(value);
        const place = { x: frame.left - 12, y: height + 4, width: 120, kind: 'quiet', anchor: 'end' } as const;
        return html`<line
            class="grid"
            x1="${frame.left}"
            x2="${frame.right}"
            y1="${height}"
            y2="${height}"
          />${label(count(value), place)}`;
      }),
      ...marks,
      first === undefined ? html`` : label(dateOf(first.startedAt), { x: frame.left, y, width: 100, kind: 'quiet' }),
      last === undefined || last === first
        ? html``
        : label(dateOf(last.startedAt), { x: frame.right, y, width: 100, kind: 'quiet', anchor: 'end' }),
    ],
  );
}
