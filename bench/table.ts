/** Rows under titles; figures to the right, the first column and those without a title to the left. */
export function renderTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [titles, ...rows];
  const widths = titles.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      widths
        .map((width, column) =>
          column === 0 || titles[column] === ''
            ? (row[column] ?? '').padEnd(width)
            : (row[column] ?? '').padStart(width),
        )
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `  ${line}`)
    .join('\n');
}
