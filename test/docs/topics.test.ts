import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { configRules, type ConfigRule } from '../../src/pair/config-rules.ts';

const page = readFileSync(new URL('../../docs/topics.md', import.meta.url), 'utf8');

function rule({ sync }: ConfigRule): string {
  switch (sync.kind) {
    case 'override':
      return `override: \`${sync.value}\``;
    case 'never':
      return sync.includable ? 'never, can be included' : 'never';
    case 'always':
    case 'by default':
      return sync.kind;
  }
}

test('the table of configs in the docs is the one that is obeyed', () => {
  const table = /<!-- configs:begin -->\n([\s\S]*?)<!-- configs:end -->/.exec(page)?.[1] ?? '';
  const rows = table.match(/^\| `.*$/gm)?.map((row) => row.replaceAll(/ +/g, ' '));
  expect(rows).toEqual(
    configRules.map((each) => {
      const cells = [`\`${each.name}\``, rule(each), each.measure, each.promotion, each.releases, each.reason];
      return `| ${cells.join(' | ')} |`;
    }),
  );
});
