/** Markup, as opposed to text, which is escaped wherever it goes into markup. */
export interface Html {
  readonly markup: string;
}

export type HtmlValue = string | number | Html | undefined | readonly Html[];

/**
 * Markup of a template. Values are escaped; markup, also lists of it, goes in as it is, and undefined is nothing. How a
 * template is indented here does not go into the page.
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return { markup: strings.map((text, index) => text.replace(/\s*\n\s*/g, '\n') + markupOf(values[index])).join('') };
}

/** Markup that this program itself wrote, such as a style sheet. Never for text from elsewhere. */
export function verbatim(markup: string): Html {
  return { markup };
}

function markupOf(value: HtmlValue): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return escaped(value);
  if (typeof value === 'number') return String(value);
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Without characters that cannot be seen: some of them make a line read as another one. */
function escaped(text: string): string {
  return text
    .replace(/[\t\n\v\f\r\u2028\u2029]+/g, ' ')
    .replace(/\p{C}/gu, '')
    .replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
