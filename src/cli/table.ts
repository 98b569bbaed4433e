import { stripVTControlCharacters } from 'node:util';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

const gap = '  ';

/**
 * Rows under titles, columns as wide as their widest visible text (colour takes no room). Cells must be `printable`
 * already; a missing cell is empty. Lines carry no trailing blanks.
 */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const all = [columns.map((column) => column.title), ...rows];
  const widths = columns.map((_, index) => Math.max(...all.map((row) => visibleLength(row[index] ?? ''))));
  return all
    .map((row) =>
      columns
        .map((column, index) => pad(row[index] ?? '', widths[index] ?? 0, column.align ?? 'left'))
        .join(gap)
        .trimEnd(),
    )
    .join('\n');
}

function pad(cell: string, width: number, align: 'left' | 'right'): string {
  const blanks = ' '.repeat(width - visibleLength(cell));
  return align === 'left' ? cell + blanks : blanks + cell;
}

function visibleLength(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}
