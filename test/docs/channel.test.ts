import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { channelStates } from '../../src/worker/spec-channel-view.ts';

test('the states of the channel in the docs are those of the code', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/channel.md'), 'utf8');
  const table = page.slice(page.indexOf('<!-- states:begin -->'), page.indexOf('<!-- states:end -->'));
  const rows = [...table.matchAll(/^\| `([a-z]+)` +\| (yes|no) +\| (.*?) +\|$/gm)].map(([, ...cells]) => cells);
  const known = Object.entries(channelStates).map(([state, { well, meaning }]) => [
    state,
    well ? 'yes' : 'no',
    meaning,
  ]);
  expect(rows).toEqual(known);
});
