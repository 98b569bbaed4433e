import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dnsFields } from '../../src/worker/repoint/dns-records.ts';
import { type Move, moveAsEnvironment, moveAsJson, repointSchema } from '../../src/worker/repoint/repoint-spec.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/repoint.md'), 'utf8');
const examples = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, text = '']) => JSON.parse(text) as unknown);

test('the example is a list of hooks, one of each kind', () => {
  const { repoint } = examples[0] as { readonly repoint: unknown };
  const hooks = repointSchema.parse(repoint);
  const kinds = repointSchema.def.element.options.map(({ shape }) => shape.kind.value);
  expect(hooks.map(({ kind }) => kind).sort()).toEqual([...kinds].sort());
});

test('the defaults are the schema’s', () => {
  const client = { sasl: undefined };
  const [probe, command] = repointSchema.parse([
    { kind: 'probe', topic: 'a_probe', client },
    { kind: 'command', command: ['true'] },
  ]);
  const said = (text: string): void => expect(page.replaceAll(/\s+/g, ' ')).toContain(text);
  const thousands = (ms: number | undefined): string => (ms ?? 0).toLocaleString('en');
  said(`\`timeoutMs\` (${thousands(command?.timeoutMs)}; probes ${thousands(probe?.timeoutMs)})`);
  said(`\`attempts\` (${command?.attempts}; probes ${probe?.attempts})`);
  said(`0 to 3,600, default ${dnsFields.ttlSeconds.parse(undefined)}`);
});

test('every field of a DNS hook has its row', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` +\|/gm)].map(([, field]) => field);
  expect([...rows, 'port'].sort()).toEqual([...Object.keys(dnsFields), 'prefix'].sort());
});

test('what a hook is told is told here', () => {
  const move: Move = {
    ...{ operationId: 'o', kind: 'switchover', topics: [], from: 'a', to: 'b', term: 3, bootstrapServers: [] },
    ...{ startedAt: '2026-11-22T04:33:00.000Z', terms: new Map() },
  };
  expect(Object.keys(examples[1] as object)).toEqual(Object.keys(JSON.parse(moveAsJson(move)) as object));
  for (const name of Object.keys(moveAsEnvironment(move))) expect(page).toContain(`\`${name}\``);
});
