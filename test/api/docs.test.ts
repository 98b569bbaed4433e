import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { routes } from '../../src/api/routes.ts';
import { problems } from '../../src/worker/problems.ts';

const doc = readFile(join(import.meta.dirname, '../../docs/api.md'), 'utf8');

describe('docs/api.md', () => {
  test('names every route, and no other', async () => {
    const documented = [...(await doc).matchAll(/^\| `((?:GET|PUT|POST|PATCH|DELETE) [^`]+)`/gm)].map(
      (found) => found[1],
    );
    expect(documented).toEqual(routes.map((route) => `${route.method} ${route.path}`));
  });

  test('names every problem with its status, and no other', async () => {
    const documented = [...(await doc).matchAll(/^\| `([A-Z_]+)` +\| (\d+)/gm)].map((found) => [
      found[1],
      Number(found[2]),
    ]);
    const known = Object.entries(problems).map(([code, { status }]) => [code, status]);
    expect(documented.sort()).toEqual(known.sort());
  });
});
