import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { coreRooms, rooms } from '../../.dependency-cruiser.mjs';
import { renderTopicStates } from '../../src/pair/topic-state.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'architecture.md'), 'utf8');

test.each([
  ['arrows', rooms],
  ['core-arrows', coreRooms],
])('the table of rooms in the docs is the one that lint holds: %s', (name, table) => {
  const rows = Object.entries(table).map(
    ([room, uses]: [string, readonly string[]]) => `| ${room} | ${uses.length === 0 ? 'nothing' : uses.join(', ')} |`,
  );
  expect(section(name)).toBe(['| room | may use |', '| --- | --- |', ...rows].join('\n'));
});

test('the drawing of topic states in the docs is the table of moves', () => {
  expect(section('topic-states')).toBe(`\`\`\`mermaid\n${renderTopicStates()}\n\`\`\``);
});

function section(name: string): string {
  const match = new RegExp(`<!-- ${name}:begin -->\n([\\s\\S]*?)\n<!-- ${name}:end -->`).exec(page);
  // The formatter pads tables and sets blank lines.
  return (match?.[1] ?? '')
    .trim()
    .replaceAll(/-{3,}/g, '---')
    .replaceAll(/\b +\|/g, ' |');
}
