import { expect, test } from 'vitest';
import { makeScript, type ScriptRequest } from '../../../src/drill/script.ts';
import { canariesLeftOut } from '../../../src/worker/drill/left-out.ts';

const canaries = [
  { name: 'a_umbra-canary-000001', home: 'a' },
  { name: 'b_umbra-canary-000001', home: 'b' },
] as const;
const made = { a: canaries[0].name, b: canaries[1].name };

function leftOut(request: Pick<ScriptRequest, 'level' | 'canaries' | 'topics'>): readonly string[] {
  const script = makeScript({ site: 'b', baselineMs: 0, holdMs: 0, returns: true, ...request });
  return canariesLeftOut(script, canaries);
}

test('a canary drill has to move the canaries of both homes', () => {
  expect(leftOut({ level: 'L2', canaries: made, topics: [] })).toEqual([]);
  expect(leftOut({ level: 'L2', canaries: { b: made.b }, topics: [] })).toEqual([made.a]);
  expect(leftOut({ level: 'L2', canaries: {}, topics: [] })).toEqual([made.a, made.b]);
});

test.each(['L4', 'L6'] as const)('%s has to move the canaries of the site that it empties, and no others', (level) => {
  const topics = ['a_orders'];
  expect(leftOut({ level, canaries: made, topics })).toEqual([]);
  expect(leftOut({ level, canaries: {}, topics })).toEqual([made.a]);
});

test('what moves everything moves the canaries with it', () => {
  expect(leftOut({ level: 'L5', canaries: {}, topics: 'all' })).toEqual([]);
});

test('what moves nothing leaves nothing out', () => {
  expect(leftOut({ level: 'L0', canaries: {}, topics: [] })).toEqual([]);
});
