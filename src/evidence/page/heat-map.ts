import type { DrillVerdict } from '../../drill/level.ts';
import type { EvidenceContent } from '../document.ts';
import { dateOf } from './figures.ts';
import { html, type Html } from './html.ts';
import { figure, label } from './plot.ts';
import { gravestOf, letterOf } from './runs.ts';

type Run = Pick<EvidenceContent, 'startedAt' | 'verdict'>;

const dayMs = 86_400_000;
const cell = 15;
const pitch = 17;
const left = 44;
const top = 22;
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
/** So many years are drawn, the newest ones. */
const yearsMax = 5;

/** A calendar per year, weeks from left to right: each day that has runs shows the gravest verdict by colour and letter. */
export function heatMaps(runs: readonly Run[]): readonly Html[] {
  const byDay = new Map<string, DrillVerdict[]>();
  for (const { startedAt, verdict } of runs) {
    const day = dateOf(startedAt);
    byDay.set(day, [...(byDay.get(day) ?? []), verdict]);
  }
  const years = [...new Set([...byDay.keys()].map((day) => Number(day.slice(0, 4))))].toSorted(
    (one, other) => other - one,
  );
  return years.slice(0, yearsMax).map((year) => yearMap(year, byDay));
}

function yearMap(year: number, byDay: ReadonlyMap<string, readonly DrillVerdict[]>): Html {
  const first = Date.UTC(year, 0, 1);
  const days = (Date.UTC(year + 1, 0, 1) - first) / dayMs;
  // Weeks begin on Monday.
  const offset = (new Date(first).getUTCDay() + 6) % 7;
  const cells = Array.from({ length: days }, (_, day) => {
    const place = { x: left + Math.floor((day + offset) / 7) * pitch, y: top + ((day + offset) % 7) * pitch };
    const date = dateOf(new Date(first + day * dayMs).toISOString());
    return dayCell(date, byDay.get(date) ?? [], place);
  });
  const names = months.map((name, month) => {
    const day = (Date.UTC(year, month, 1) - first) / dayMs;
    return label(name, { x: left + Math.ceil((day + offset) / 7) * pitch, y: 14, width: 40, kind: 'quiet small' });
  });
  const weekdays = ['Mon', 'Wed', 'Fri'].map((name, index) =>
    label(name, { x: left - 8, y: top + index * 2 * pitch + 11, width: 36, kind: 'quiet small', anchor: 'end' }),
  );
  const runs = [...byDay].filter(([day]) => day.startsWith(`${year}-`)).reduce((sum, [, of]) => sum + of.length, 0);
  return figure(
    {
      ...{ id: `year-${year}`, title: `Runs of ${year}`, height: top + 7 * pitch + 4 },
      description: `${runs} runs; the table of runs has them one by one.`,
      caption: 'P passed, F failed, I interrupted, B blocked, S skipped; of several on a day the gravest',
    },
    [...names, ...weekdays, ...cells],
  );
}

function dayCell(
  date: string,
  verdicts: readonly DrillVerdict[],
  { x, y }: { readonly x: number; readonly y: number },
): Html {
  const verdict = gravestOf(verdicts);
  const square = (kind: string): Html =>
    html`<rect class="${kind}" x="${x}" y="${y}" width="${cell}" height="${cell}" rx="2" />`;
  if (verdict === undefined) return square('cell');
  const letter = label(letterOf[verdict], {
    x: x + cell / 2,
    y: y + 11,
    width: cell,
    kind: 'on-cell',
    anchor: 'middle',
  });
  return html`<g class="day"><title>${date}: ${verdicts.join(', ')}</title>${square(`cell-${verdict}`)}${letter}</g>`;
}
