import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemEvents } from '../../src/worker/events/event.ts';

test('docs/events.md names every kind of event with its level and meaning, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'events.md'), 'utf8');
  const documented = [...page.matchAll(/^\| `([a-z ]+)` +\| (info|warn|error) +\| (\S.*\S) +\|$/gm)];
  const known = Object.entries(systemEvents).map(([kind, { level, meaning }]) => [kind, level, meaning]);
  expect(documented.map(([, ...cells]) => cells)).toEqual(known);
});
