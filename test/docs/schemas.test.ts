import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { registrySettings } from '../../src/schema-primary/registry-settings.ts';

test('the settings of registries in the docs are those that doctor goes by', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'schemas.md'), 'utf8');
  const section = /<!-- registries:begin -->([\s\S]*)<!-- registries:end -->/.exec(page)?.[1] ?? '';
  const wanted = (['primary', 'standby'] as const).flatMap((role) =>
    registrySettings(role)
      .filter(({ supported }) => supported || role === 'standby')
      .flatMap(({ title, settings, notes }) => [
        `### ${title}, ${role}`,
        ...(settings.length === 0 ? [] : ['| setting | value | why |', '| --- | --- | --- |']),
        ...settings.map(({ name, value, why }) => `| \`${name}\` | ${value} | ${why} |`),
        ...notes,
      ]),
  );
  expect(flat(section)).toBe(flat(wanted.join('\n')));
});

/** Without what the formatter decides. */
function flat(text: string): string {
  return text
    .replaceAll(/-{3,}/g, '---')
    .replaceAll(/[\s\\]+/g, ' ')
    .trim();
}
