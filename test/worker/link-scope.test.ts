import { expect, test } from 'vitest';
import { prefixPolicySchema } from '../../src/prefix-policy/declared-policy.ts';
import { type MovedTopics, nothingMoved } from '../../src/prefix-policy/moved-names.ts';
import { patternText } from '../../src/sync/acls/name-pattern.ts';
import type { SyncScope } from '../../src/sync/acls/sync-scope.ts';
import { linkScope, promotedNames } from '../../src/worker/control/link-acls.ts';

const policy = prefixPolicySchema.parse({ owners: { a: 'a_', b: 'b_' }, groups: { a: 'ga-', b: 'gb-' } });
const ab = { from: 'a' } as const;
const all: MovedTopics = { kind: 'all' };
const some: MovedTopics = { kind: 'topics', topics: new Set(['a_x']) };

const names = (scope: SyncScope | undefined): Record<string, readonly string[]> | undefined =>
  scope && Object.fromEntries(Object.entries(scope).map(([type, patterns]) => [type, patterns.map(patternText)]));

const atHome = { TOPIC: ['"a_"*'], GROUP: ['"ga-"*'], TRANSACTIONAL_ID: ['"a_"*'] };

test('a link carries the names of its source, and those of the other site that were promoted there', () => {
  expect(names(linkScope(ab, policy, undefined))).toEqual(atHome);
  expect(names(linkScope({ from: 'b' }, policy, undefined, { ...nothingMoved, a: some }))).toEqual({
    ...{ TOPIC: ['"b_"*', '"a_x"'], GROUP: ['"gb-"*'], TRANSACTIONAL_ID: ['"b_"*'] },
  });
  expect(names(linkScope({ from: 'b' }, policy, undefined, { ...nothingMoved, a: all }))).toEqual({
    ...{ TOPIC: ['"b_"*', '"a_"*'], GROUP: ['"gb-"*', '"ga-"*'], TRANSACTIONAL_ID: ['"b_"*', '"a_"*'] },
  });
});

test('what was promoted at the target of a link is left as it is: single topics, or all with their groups', () => {
  expect(promotedNames(ab, policy, nothingMoved)).toEqual({ promoted: new Set() });
  expect(promotedNames(ab, policy, { ...nothingMoved, a: some })).toEqual({ promoted: new Set(['a_x']) });
  expect(names(promotedNames(ab, policy, { ...nothingMoved, a: all }).frozen)).toEqual(atHome);
  expect(promotedNames({ from: 'b' }, policy, { ...nothingMoved, a: all })).toEqual({ promoted: new Set() });
});
