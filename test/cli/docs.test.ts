import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { interruptedExit } from '../../src/cli/failure.ts';
import { verbs } from '../../src/cli/program.ts';
import { problems } from '../../src/worker/problems.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string): Promise<string> => readFile(join(root, file), 'utf8');

describe('docs/cli.md', () => {
  test('names every verb with its parameters, and no other', async () => {
    const headings = [...(await read('docs/cli.md')).matchAll(/^### `umbra (.+)`$/gm)].map((found) => found[1]);
    expect(headings).toEqual(verbs.map((verb) => `${verb.name} ${verb.parameters ?? ''}`.trim()));
  });

  test('names every exit code there is, and no other', async () => {
    const [, section = ''] = (await read('docs/cli.md')).split('## Exit codes');
    const documented = [...section.matchAll(/^\| (\d+)/gm)].map((found) => Number(found[1]));
    const used = new Set([0, interruptedExit, ...Object.values(problems).map((problem) => problem.exit)]);
    expect(documented).toEqual([...used].sort((left, right) => left - right));
  });
});

test('README.md shows no verb that does not exist', async () => {
  const shown = [...(await read('README.md')).matchAll(/npx umbra ([a-z]+)/g)].map((found) => found[1]);
  expect(shown.length).toBeGreaterThan(0);
  expect(verbs.map((verb) => verb.name)).toEqual(expect.arrayContaining(shown));
});

test('every remedy of the table names a verb that exists', () => {
  const named = Object.values(problems).flatMap(({ remedy }) => [...remedy.matchAll(/npx umbra ([a-z]+)/g)]);
  expect(verbs.map((verb) => verb.name)).toEqual(expect.arrayContaining(named.map((found) => found[1])));
});

describe('docs/dependencies.md', () => {
  test('gives one reason for every dependency, and names no other', async () => {
    const names = z.record(z.string(), z.string());
    const packageJson = z
      .object({ dependencies: names, devDependencies: names, optionalDependencies: names })
      .parse(JSON.parse(await read('package.json')));
    const [, ...sections] = (await read('docs/dependencies.md')).split(/^## /m);
    const documented = sections.map((section) =>
      [...section.matchAll(/^\| `([^`]+)` +\| (\S.*\S) *\|$/gm)].map((found) => found[1]),
    );
    expect(documented).toEqual([
      Object.keys(packageJson.dependencies),
      Object.keys(packageJson.devDependencies),
      Object.keys(packageJson.optionalDependencies),
    ]);
  });

  test('every version is pinned', async () => {
    const names = z.record(z.string(), z.string());
    const { dependencies, devDependencies } = z
      .object({ dependencies: names, devDependencies: names })
      .parse(JSON.parse(await read('package.json')));
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });
});
