import { count } from './figures.ts';
import { html, type Html } from './html.ts';
import { styleSheet } from './style.ts';

/** Of longer lists the rest is in the document itself. */
const rowsMax = 500;

export interface Column {
  readonly title: string;
  readonly kind?: 'text' | 'number';
}

export type Cell = string | Html | undefined;

/** A table, which on a narrow screen is moved in its own frame; a sentence where there is nothing in it. */
export function table(caption: string, columns: readonly Column[], rows: readonly (readonly Cell[])[]): Html {
  if (rows.length === 0) return html`<p class="quiet">${caption}: none.</p>`;
  const more = rows.length - rowsMax;
  const classOf = (index: number): string => (columns[index]?.kind === 'number' ? 'number' : '');
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
      <table>
        <caption>
          ${caption}
        </caption>
        <thead>
          <tr>
            ${columns.map(({ title }, index) => html`<th scope="col" class="${classOf(index)}">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.slice(0, rowsMax).map(
            (row) =>
              html`<tr>
                ${row.map((cell, index) => html`<td class="${classOf(index)}">${cell ?? ''}</td>`)}
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
    ${more > 0 ? html`<p class="quiet">${count(more)} more rows are in the document.</p>` : undefined}`;
}

/** Names and what they are; what is undefined is left out. */
export function facts(rows: readonly (readonly [string, Cell])[]): Html {
  const known = rows.filter(([, value]) => value !== undefined);
  return html`<dl class="facts">
    ${known.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd> `,
    )}
  </dl>`;
}

export interface Tile {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  readonly kind?: 'good' | 'warn' | 'bad' | undefined;
}

/** The figures that are looked for first. */
export function tiles(of: readonly Tile[]): Html {
  return html`<dl class="tiles">
    ${of.map(
      ({ name, value, note, kind = '' }) =>
        html`<div>
          <dt>${name}</dt>
          <dd class="${kind}">${value}</dd>
          <dd>${note}</dd>
        </div> `,
    )}
  </dl>`;
}

export function section(title: string, content: readonly (Html | undefined)[]): Html {
  return html`<section>
    <h2>${title}</h2>
    ${content.flatMap((part) => (part === undefined ? [] : [part]))}
  </section> `;
}

/** A whole page that loads nothing: neither scripts nor fonts, pictures or styles. */
export function page(title: string, content: readonly Html[]): string {
  const policy = "default-src 'none'; style-src 'unsafe-inline'";
  const { markup } = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${styleSheet}
      </head>
      <body>
        <main>${content}</main>
      </body>
    </html> `;
  return markup;
}
