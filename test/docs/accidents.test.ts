import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { topicPolicySchema } from '../../src/pair/topic-policy.ts';
import { prefixPolicySchema } from '../../src/prefix-policy/declared-policy.ts';
import {
  whyNotDeleted,
  whyNotRedeclared,
  whyNotRenamed,
  whyNotSchemaPrimary,
} from '../../src/worker/control/spec-refusals.ts';
import { whyForeign } from '../../src/worker/state/site-record.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'accidents.md'), 'utf8');
const link = { id: 'a-b', rebuilt: [], operations: [], followed: [], moved: [] };
const site = { links: ['a-b'], operations: [], moved: [], copies: ['a_x', 'a_y'] };
const prefixes = (a: string): ReturnType<typeof prefixPolicySchema.parse> =>
  prefixPolicySchema.parse({ owners: { a, b: 'b_' } });
const narrower = { now: prefixes('a_'), next: prefixes('a_x') };
const spec = { from: 'a', to: 'b' } as const;
const follow = { now: spec, next: { ...spec, topics: topicPolicySchema.parse({ deletion: 'follow' }) } };

test.each([
  whyNotDeleted({ ...link, followed: ['a_x', 'a_y'] }, 'refuse')?.message,
  whyNotDeleted({ ...link, moved: ['a_x'] }, 'refuse')?.message,
  whyNotRenamed(narrower, site)?.message,
  whyNotRenamed(narrower, { ...site, links: [], moved: ['a_x'] })?.message,
  whyNotSchemaPrimary({ now: { site: 'a' }, next: { site: 'b' } }, { follow: true })?.message,
  whyNotRedeclared(follow, { operations: [{ id: 'failover-1' }], orphans: [] })?.message.split('. ')[0],
  whyNotRedeclared(follow, { operations: [], orphans: ['a_gone'] })?.message.split('. ')[0],
  whyForeign('a', 'b'),
])('the docs have the line as it is printed: %s', (line) => {
  expect(page).toContain(`| \`${line}\``);
});
