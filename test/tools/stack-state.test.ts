import { expect, test } from 'vitest';
import { parseStack } from '../../tools/command-line.ts';
import { askingResources } from '../../tools/stack-state.ts';

const link = 'urn:pulumi:local::umbra::umbra:index:RegionPair$umbra:index:ShadowLink::a-b';
const drill = 'urn:pulumi:local::umbra::umbra:index:RegionPair$umbra:index:DrillSchedule::canary';

test('the links and drills of a stack are found with what deleting them means', () => {
  const resources = [
    { urn: 'urn:pulumi:local::umbra::pulumi:pulumi:Stack::umbra-local', type: 'pulumi:pulumi:Stack' },
    { urn: link, type: 'umbra:index:ShadowLink', inputs: { onDelete: 'detach' } },
    { urn: `${link}2`, type: 'umbra:index:ShadowLink', inputs: { from: 'a' } },
    { urn: drill, type: 'umbra:index:DrillSchedule', inputs: { onDelete: 'refuse' } },
    { urn: `${drill}2`, type: 'umbra:index:SchemaPrimary', inputs: {} },
  ];
  expect(askingResources(JSON.stringify({ version: 3, deployment: { resources } }))).toEqual([
    { urn: link, detaches: true },
    { urn: `${link}2`, detaches: false },
    { urn: drill, detaches: false },
  ]);
});

test('a stack that was never updated has none', () => {
  expect(askingResources('{"version":3,"deployment":{"manifest":{}}}')).toEqual([]);
});

test('without a word the stack is local; a name is taken, anything else is refused with the usage', () => {
  expect(parseStack([], 'up')).toBe('local');
  expect(parseStack(['--stack', 'existing'], 'up')).toBe('existing');
  expect(() => parseStack(['--force'], 'down')).toThrow('Usage: npm run down [-- --stack NAME]');
  expect(() => parseStack(['--stack', 'a/b'], 'up')).toThrow('is no name of a stack');
  expect(() => parseStack(['existing'], 'up')).toThrow('Usage');
});
