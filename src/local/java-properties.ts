/**
 * Text of a Java properties file. Java reads these as ISO 8859-1, so everything outside printable ASCII is written as
 * `\uXXXX`; a backslash starts an escape; blanks before a value are dropped.
 */
export function renderProperties(entries: Iterable<readonly [key: string, value: string | number | boolean]>): string {
  return Array.from(entries, ([key, value]) => `${key}=${escapeValue(String(value))}\n`).join('');
}

function escapeValue(value: string): string {
  return value
    .replaceAll('\\', '\\\\')
    .replace(/^ /, '\\ ')
    .replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
