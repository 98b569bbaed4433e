import { expect, test } from 'vitest';
import { prefixPolicySchema } from '../../src/prefix-policy/declared-policy.ts';
import { refusalOf, unownedNames } from '../../src/prefix-policy/unowned-names.ts';

const owners = { a: 'a_', b: 'b_' };
const reports = prefixPolicySchema.parse({ owners, groups: { a: 'ga', b: 'gb' } });
const refuses = prefixPolicySchema.parse({ owners, unowned: 'refuse' });

test('names that neither prefix owns are told by kind, with the prefixes of that kind', () => {
  const unowned = unownedNames(
    {
      site: 'a',
      topics: ['orders', 'a_x', 'b_x', '__consumer_offsets', '_umbra', '_schemas'],
      groups: ['a_x', 'ga1', 'umbra-workers'],
      transactionalIds: ['tx', 'umbra-a-b', 'b_tx', 'tx'],
    },
    reports,
  );
  expect(unowned.map(({ kind, name }) => [kind, name])).toEqual([
    ['topic', 'orders'],
    ['group', 'a_x'],
    ['transactional id', 'tx'],
  ]);
  expect(unowned[1]?.message).toContain('begins with neither "ga" nor "gb"');
});

test('a link is refused for them only where the policy says so', () => {
  const unowned = unownedNames({ site: 'a', topics: ['orders', 'zoo'] }, refuses);
  expect(refusalOf(unowned, reports)).toBeUndefined();
  expect(refusalOf([], refuses)).toBeUndefined();
  expect(refusalOf(unowned, refuses)).toMatch(/the topic "orders" at site a, and 1 more; rename or delete them/);
});
