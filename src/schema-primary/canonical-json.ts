/**
 * JSON text in one form: keys sorted, no blanks, numbers as they were written (2^53 and more, `1.0`: a default value of a
 * schema must not be rounded). Undefined when the text is no JSON, or nested too deep to be walked.
 */
export function canonicalJson(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text, inOneForm));
  } catch (error) {
    // What is nested some thousand levels deep overflows the stack of whoever walks it.
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** What the engine tells a reviver beside key and value; `source` is there for values that are no objects. */
interface RevivedFrom {
  readonly source?: string;
}

const mark = '\u0000';

function inOneForm(_key: string, value: unknown, from?: RevivedFrom): unknown {
  if (typeof value === 'number') return `${mark}n${from?.source ?? String(value)}`;
  if (typeof value === 'string') return value.startsWith(mark) ? `${mark}s${value}` : value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)));
}
