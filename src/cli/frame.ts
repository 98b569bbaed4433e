const clear = '\u001B[2J';
const home = '\u001B[H';
const toEndOfLine = '\u001B[K';
const toEndOfScreen = '\u001B[J';
const wrapOff = '\u001B[?7l';
const wrapOn = '\u001B[?7h';

/**
 * What to write so that the text stands at the top of a terminal instead of what stood there: line over line and in one piece,
 * so that nothing flickers. Lines that are too long are cut by the terminal, and lines that do not fit are counted. Pure.
 */
export function frame(text: string, { rows, first }: { readonly rows: number; readonly first: boolean }): string {
  const lines = text.split('\n');
  const room = Math.max(2, rows - 1);
  const shown = lines.length <= room ? lines : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines`];
  const body = shown.map((line) => `${line}${toEndOfLine}\n`).join('');
  return `${first ? clear : ''}${wrapOff}${home}${body}${toEndOfScreen}${wrapOn}`;
}
