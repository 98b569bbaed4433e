import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { shadowTopicRights } from '../../src/sync/acls/shadow-rights.ts';
import { linkSpecSchema } from '../../src/pair/spec.ts';
import { prefixPolicySchema } from '../../src/prefix-policy/declared-policy.ts';
import { workerConfigSchema } from '../../src/worker/worker-config.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'acls.md'), 'utf8');

test('the rights on copies in the docs are those of the code, and the others mean nothing on a topic', () => {
  const table = /<!-- shadow-rights:begin -->([\s\S]*)<!-- shadow-rights:end -->/.exec(page)?.[1] ?? '';
  const rows = table
    .split('\n')
    .filter((line) => /^\| [A-Z]/.test(line))
    .map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
  const rights = Object.entries(shadowTopicRights).filter(([, { why }]) => why !== 'means nothing on a topic');
  expect(rows).toEqual(
    rights.map(([right, { synced, withheld, why }]) => [right, synced.join(', '), withheld ? right : '', why]),
  );
});

test('what the docs declare can be declared: a link, principals and authorizers of a worker, and a policy', () => {
  const [link, worker, policy] = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(
    ([, text]) => JSON.parse(text ?? '') as Record<string, unknown>,
  );
  expect(linkSpecSchema.safeParse(link).success).toBe(true);
  const { principals, authorizers } = workerConfigSchema.shape;
  expect(z.strictObject({ principals, authorizers }).safeParse(worker).success).toBe(true);
  expect(prefixPolicySchema.safeParse(policy).success).toBe(true);
});
