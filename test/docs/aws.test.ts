import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { awsSettingNames } from '../../infra/aws/config.ts';
import { interfaceServices } from '../../infra/aws/network.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'aws.md'), 'utf8');

/** First cells of the table that follows these words. */
function named(after: string): readonly string[] {
  const table =
    page
      .slice(page.indexOf(after))
      .split('\n\n')
      .find((block) => block.startsWith('|')) ?? '';
  return table
    .split('\n')
    .slice(2)
    .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name ?? ''));
}

describe('the settings of the target aws in the docs', () => {
  test('of each site are those that there are', () => {
    expect([...named('Of each site, ')].sort()).toEqual([...awsSettingNames.site].sort());
  });

  test('of the pair are those that there are', () => {
    const beside = awsSettingNames.pair.filter((name) => name !== 'sites');
    expect([...named('Of the pair, ')].sort()).toEqual([...beside].sort());
  });

  test('the endpoints are as many as the docs say', () => {
    expect(interfaceServices).toHaveLength(5);
    expect(page).toContain('the five endpoints are enough');
  });
});
