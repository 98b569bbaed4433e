import type { EvidenceContent, ExposureSample } from '../document.ts';
import { roundValues, rounded, scaleOf, type Scale, timeTicks } from './axis.ts';
import { seconds } from './figures.ts';
import { html, type Html } from './html.ts';
import { figure, frame, label, timeAxis } from './plot.ts';

const plotTop = 24;
const plotBottom = 214;
const labelGap = 32;

/** One value per pixel column is all that can be seen: the worst of those that fall into it. */
const columnsMax = frame.right - frame.left;

interface Point {
  readonly at: number;
  readonly seconds: number;
  readonly basis: ExposureSample['basis'];
}

/** What would have been lost if the source had died, in seconds over time, a line per link; the basis is the line's style. */
export function exposurePlot({ exposure }: EvidenceContent): Html | undefined {
  if (exposure.length === 0) return undefined;
  const times = exposure.map(({ at }) => Date.parse(at));
  const scale = scaleOf({ from: least(times), to: most(times) }, [frame.left, frame.right]);
  const ticks = roundValues(most(exposure.map((sample) => sample.seconds)));
  const values = scaleOf({ from: 0, to: ticks.at(-1) ?? 1 }, [plotBottom, plotTop]);
  const links = [...new Set(exposure.map(({ link }) => link))].toSorted();
  const lines = links.map((link, index) => ({ link, index, points: thinned(pointsOf(exposure, link), scale) }));
  const grid = ticks.map((value) => {
    const y = values.at(value);
    const place = { x: frame.left - 12, y: y + 4, width: frame.left - 16, kind: 'quiet', anchor: 'end' } as const;
    return html`<line
        class="grid"
        x1="${frame.left}"
        x2="${frame.right}"
        y1="${y}"
        y2="${y}"
      />${label(value === 0 ? '0' : seconds(value), place)}`;
  });
  const names = spread(lines.map(({ points }) => values.at(points.at(-1)?.seconds ?? 0)));
  const words = lines.map(({ link, index, points }) => nameOf(link, { index, points, y: names[index] ?? plotTop }));
  return figure(
    {
      ...{ id: 'exposure', title: 'Exposure', height: plotBottom + 26 },
      description: `${exposure.length} samples of ${links.length} links; the table below has their figures.`,
      caption:
        'what would have been lost if the source had died; solid as measured, dashed as estimated, dotted where stale',
    },
    [
      ...grid,
      timeAxis(timeTicks(scale), { top: plotTop, bottom: plotBottom }),
      ...lines.map(({ index, points }) => lineOf(points, { scale, values, index })),
      ...words,
    ],
  );
}

function pointsOf(exposure: readonly ExposureSample[], link: string): readonly Point[] {
  return exposure
    .filter((sample) => sample.link === link)
    .map(({ at, seconds: value, basis }) => ({ at: Date.parse(at), seconds: value, basis }))
    .toSorted((left, right) => left.at - right.at);
}

function thinned(points: readonly Point[], scale: Scale): readonly Point[] {
  if (points.length <= columnsMax) return points;
  const worst = new Map<number, Point>();
  for (const point of points) {
    const column = Math.round(scale.at(point.at));
    const before = worst.get(column);
    if (before === undefined || point.seconds > before.seconds) worst.set(column, point);
  }
  return [...worst.values()];
}

interface Drawn {
  readonly scale: Scale;
  readonly values: Scale;
  readonly index: number;
}

/** A piece for each stretch of one basis; it ends where the next one begins. */
function lineOf(points: readonly Point[], { scale, values, index }: Drawn): Html {
  const pieces: { readonly basis: Point['basis']; readonly steps: string[] }[] = [];
  for (const point of points) {
    const step = `${scale.at(point.at)} ${values.at(point.seconds)}`;
    const piece = pieces.at(-1);
    if (piece?.basis === point.basis) piece.steps.push(step);
    else {
      piece?.steps.push(step);
      pieces.push({ basis: point.basis, steps: [step] });
    }
  }
  const paths = pieces.map(
    ({ basis, steps }) => html`<path class="line link-${index % 4} ${basis}" d="M${steps.join('L')}" />`,
  );
  const [highest] = points.toSorted((left, right) => right.seconds - left.seconds);
  if (highest === undefined) return html`${paths}`;
  const [x, y] = [scale.at(highest.at), values.at(highest.seconds)];
  return html`${paths}<circle class="dot link-${index % 4}" cx="${x}" cy="${y}" r="3" />`;
}

interface NamePlace {
  readonly index: number;
  readonly points: readonly Point[];
  readonly y: number;
}

function nameOf(link: string, { index, points, y }: NamePlace): Html {
  const width = frame.width - frame.column;
  const highest = most(points.map((point) => point.seconds));
  return html`${label(link, { x: frame.column, y, width, kind: `value link-${index % 4}` })}${label(
    `at most ${seconds(highest)}`,
    { x: frame.column, y: y + 14, width, kind: 'quiet small' },
  )}`;
}

/** Names beside the ends of their lines, moved apart until each has its own room, all of them inside the plot. */
function spread(wanted: readonly number[]): readonly number[] {
  const order = wanted.map((y, index) => ({ y, index })).toSorted((left, right) => left.y - right.y);
  const lowest = plotBottom - 8;
  const placed = new Map<number, number>();
  let free = plotTop + 4;
  for (const [rank, { y, index }] of order.entries()) {
    const room = lowest - (order.length - 1 - rank) * labelGap;
    const at = Math.max(free, Math.min(y, room));
    placed.set(index, rounded(at));
    free = at + labelGap;
  }
  return wanted.map((_, index) => placed.get(index) ?? plotTop);
}

function least(values: readonly number[]): number {
  return values.reduce((left, right) => Math.min(left, right), Infinity);
}

function most(values: readonly number[]): number {
  return values.reduce((left, right) => Math.max(left, right), 0);
}
