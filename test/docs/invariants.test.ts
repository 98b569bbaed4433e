import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const page = readFileSync(new URL('../../docs/invariants.md', import.meta.url), 'utf8');
const root = new URL('../../', import.meta.url);

function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

/** Texts that are the whole first argument of a call, as those of `test(` and `test.each(…)(` are; not of `describe`. */
function titlesIn(code: string): readonly string[] {
  const titles = code.matchAll(/(?<!\bdescribe)\(\s*(?:'([^'\n]+)'|"([^"\n]+)"|`([^`\n]+)`),\s/g);
  return [...titles].map(([, single, double, template]) => single ?? double ?? template ?? '');
}

test('every file that the page names exists', () => {
  const files = [...page.matchAll(/`((?:src|test)\/[^` ]+\.ts)`/g)].map(([, path = '']) => path);
  expect(files.length).toBeGreaterThan(30);
  expect(files.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
});

test('every test that the page names is in the file named before it', () => {
  const named = [...page.matchAll(/^- tried:([\s\S]*?)\n\n/gm)].flatMap(([, block = '']) => {
    const parts = block.replaceAll(/\s+/g, ' ').matchAll(/`(test\/[^`]+)`([^`]*)/g);
    return [...parts].flatMap(([, file = '', names = '']) =>
      [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => ({ file, name })),
    );
  });
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter(({ file, name }) => !titlesIn(read(file)).includes(name))).toEqual([]);
});
