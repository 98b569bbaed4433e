import type { EvidenceContent, VantagePoint } from '../document.ts';
import { rounded, scaleOf, type Scale, timeTicks } from './axis.ts';
import { duration } from './figures.ts';
import { html, type Html } from './html.ts';
import { figure, frame, label, timeAxis } from './plot.ts';

const top = 8;
const rowHeight = 44;

/** Acknowledged writes as ticks, a row per vantage point and link, with the longest time without one as a band. */
export function canaryPlot({ rto }: EvidenceContent): Html | undefined {
  const points = rto.vantagePoints;
  const times = points.flatMap((point) => [...point.acks.map(({ at }) => Date.parse(at)), ...gapOf(point)]);
  if (times.length === 0) return undefined;
  const from = times.reduce((left, right) => Math.min(left, right));
  const to = times.reduce((left, right) => Math.max(left, right));
  const scale = scaleOf({ from, to }, [frame.left, frame.right]);
  const bottom = top + points.length * rowHeight;
  return figure(
    {
      ...{ id: 'canaries', title: 'Canaries', height: bottom + 26 },
      description: `Ticks of acknowledged writes in ${points.length} rows; the table below has the gaps in figures.`,
      caption: 'each tick is an acknowledged write, the band the longest time without one',
    },
    [
      timeAxis(timeTicks(scale), { top, bottom }),
      ...points.map((point, index) => renderRow(point, { scale, y: top + index * rowHeight })),
    ],
  );
}

/** Begin and end of the longest gap, where it is known. */
function gapOf({ writeGapFrom, writeGapMs }: VantagePoint): readonly number[] {
  if (writeGapFrom === undefined) return [];
  const from = Date.parse(writeGapFrom);
  return [from, from + writeGapMs];
}

function renderRow(point: VantagePoint, { scale, y }: { readonly scale: Scale; readonly y: number }): Html {
  const width = frame.width - frame.column;
  const ticks = [...new Set(point.acks.map(({ at }) => scale.at(Date.parse(at))))].toSorted(
    (left, right) => left - right,
  );
  const path = ticks.map((x) => `M${x} ${y + 20}v16`).join('');
  const read = point.readGapMs === undefined ? undefined : `without a read ${duration(point.readGapMs)}`;
  return html`<g class="row">
    ${label(point.name, { x: frame.left - 12, y: y + 25, width: frame.left - 16, anchor: 'end' })}
    ${label(`link ${point.link}`, { x: frame.left - 12, y: y + 39, width: frame.left - 16, kind: 'quiet small', anchor: 'end' })}
    ${path === '' ? undefined : html`<path class="ack" d="${path}" />`} ${band(point, { scale, y })}
    ${label(`${duration(point.writeGapMs)} without a write`, { x: frame.column, y: y + 25, width, kind: 'value' })}
    ${read === undefined ? undefined : label(read, { x: frame.column, y: y + 39, width, kind: 'quiet small' })}
  </g>`;
}

function band(point: VantagePoint, { scale, y }: { readonly scale: Scale; readonly y: number }): Html | undefined {
  const [from, to] = gapOf(point);
  if (from === undefined || to === undefined) return undefined;
  const x = Math.min(scale.at(from), frame.right - 2);
  const width = Math.max(2, rounded(scale.at(to) - x));
  const middle = rounded(Math.min(frame.right - 36, Math.max(frame.left + 36, x + width / 2)));
  return html`<rect class="gap" x="${x}" y="${y + 18}" width="${width}" height="20" />${label(
      duration(point.writeGapMs),
      {
        ...{ x: middle, y: y + 13, width: 80, kind: 'value gap-length', anchor: 'middle' },
      },
    )}`;
}
