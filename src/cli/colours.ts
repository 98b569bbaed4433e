import { styleText } from 'node:util';

/** How words are set off. Every function returns its text unchanged where colour is not wanted. */
export interface Colours {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly bad: (text: string) => string;
}

type Format = Parameters<typeof styleText>[0];

export function colours(enabled: boolean): Colours {
  const set = (format: Format) => (text: string) =>
    enabled ? styleText(format, text, { validateStream: false }) : text;
  return {
    bold: set('bold'),
    dim: set('dim'),
    good: set('green'),
    warn: set('yellow'),
    bad: set(['bold', 'red']),
  };
}

/** Colour is for eyes: only on a terminal, and not where NO_COLOR (no-color.org) is set to anything. */
export function wantsColour(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}
