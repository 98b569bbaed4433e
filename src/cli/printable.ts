/**
 * Text that came from elsewhere (topic names, messages of clusters, logs), made safe to print on one line: a terminal
 * obeys control characters, and invisible ones (bidirectional overrides, zero widths) make a line read as another.
 */
export function printable(text: string): string {
  return text.replace(/[\t\n\v\f\r\u2028\u2029]+/g, ' ').replace(/\p{C}/gu, '');
}

/** JSON for a terminal or a pipe: the same value, with every such character escaped. */
export function printableJson(value: unknown): string {
  return escaped(JSON.stringify(value, undefined, 2));
}

/** The same on one line. */
export function printableJsonLine(value: object): string {
  return escaped(JSON.stringify(value));
}

function escaped(json: string): string {
  return json.replace(/[^\P{C}\n]/gu, (character) =>
    Array.from({ length: character.length }, (_, unit) => escapeUnit(character.charCodeAt(unit))).join(''),
  );
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
