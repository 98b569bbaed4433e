import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { renderSiteGrants } from '../../src/prefix-policy/acls.ts';

test('the rights in the docs are those that are granted', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'rights.md'), 'utf8');
  const grants = renderSiteGrants({
    site: 'a',
    owners: { a: 'a_', b: 'b_' },
    principals: { umbra: 'User:umbra', app: 'User:app' },
  });
  for (const { principal, resource, operations, why } of grants) {
    const cells = [`\`${principal}\``, resource.resourceType, `\`${resource.resourceName}\``, resource.patternType];
    const row = [...cells, operations.join(', '), why].map((cell) => cell.replaceAll(/\s+/g, ' '));
    expect(page.replaceAll(/ +/g, ' ')).toContain(`| ${row.join(' | ')} |`);
  }
  const rows = /<!-- rights:begin -->([\s\S]*)<!-- rights:end -->/.exec(page)?.[1]?.match(/^\| `/gm) ?? [];
  expect(rows).toHaveLength(grants.length);
});
