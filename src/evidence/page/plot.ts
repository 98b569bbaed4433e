import type { Scale, Tick } from './axis.ts';
import { html, type Html } from './html.ts';

/** Pixels of every plot: names at the left, marks, what they say in words at the right. */
export const frame = { width: 960, left: 190, right: 770, column: 784 } as const;

/** Of the fonts that a system has; a label that is a little too wide by this is cut. */
const characterPixels = 6.6;

export interface Plot {
  /** Unique on its page, of letters. */
  readonly id: string;
  readonly title: string;
  /** What the marks show, for who does not see them. */
  readonly description: string;
  readonly height: number;
  readonly caption?: string;
}

/** A plot in its own frame: on a narrow screen it is moved within that, never the page. */
export function figure({ id, title, description, height, caption }: Plot, marks: readonly Html[]): Html {
  return html`<figure>
    <div class="plot" role="region" aria-label="${title}" tabindex="0">
      <svg viewBox="0 0 ${frame.width} ${height}" role="img" aria-labelledby="${id}-title ${id}-desc">
        <title id="${id}-title">${title}</title>
        <desc id="${id}-desc">${description}</desc>
        ${marks}
      </svg>
    </div>
    <figcaption>${title}${caption === undefined ? '' : `: ${caption}`}</figcaption>
  </figure>`;
}

/** A label that ends before `width` pixels do; all of it is said where it is cut. */
export function label(text: string, { x, y, width, kind = '', anchor = 'start' }: LabelPlace): Html {
  const most = Math.max(1, Math.floor(width / characterPixels));
  const characters = Array.from(text);
  const shown = characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}…`;
  const whole = shown === text ? undefined : html`<title>${text}</title>`;
  return html`<text x="${x}" y="${y}" text-anchor="${anchor}" class="${kind}">${whole}${shown}</text>`;
}

export interface LabelPlace {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly kind?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
}

/** Lines at the ticks of time, with their labels below `bottom`. */
export function timeAxis(
  ticks: readonly Tick[],
  { top, bottom }: { readonly top: number; readonly bottom: number },
): Html {
  const lines = ticks.map(({ x }) => html`<line class="grid" x1="${x}" x2="${x}" y1="${top}" y2="${bottom}" />`);
  const labels = ticks.map(({ x, label: text }, index) =>
    label(text, { x, y: bottom + 16, width: 90, kind: 'quiet', anchor: index === 0 ? 'start' : 'middle' }),
  );
  return html`${lines}${labels}`;
}

export interface VerticalLine {
  readonly at: number;
  readonly text: string;
  readonly top: number;
  readonly bottom: number;
  readonly kind: string;
}

/** A line across all rows with its word at its top, inside of the marks' room on either side. */
export function verticalLine(scale: Scale, { at, text, top, bottom, kind }: VerticalLine): Html {
  const x = scale.at(at);
  const left = x > (frame.left + frame.right) / 2;
  const place = { x: left ? x - 4 : x + 4, y: top + 9, width: 180, kind, anchor: left ? 'end' : 'start' } as const;
  return html`<line class="${kind}" x1="${x}" x2="${x}" y1="${top}" y2="${bottom}" />${label(text, place)}`;
}
