import { expect, test } from 'vitest';
import { objections } from '../../../src/worker/drill/check.ts';
import { readinessOf, type ReadinessSight } from '../../../src/worker/drill/readiness.ts';

const ready: ReadinessSight = {
  findings: [{ level: 'ok', site: 'a', subject: 'rights', message: 'all there' }],
  link: 'a-b',
  acls: { off: undefined, refused: 0, trouble: undefined },
  groups: { synced: 4, refused: 0, trouble: undefined },
  configs: { topics: 9, level: 9, refused: 0 },
  schemas: 'equal',
};

test('a pair that is ready has a line for each thing that was looked at', () => {
  const checks = readinessOf(ready);
  expect(checks.map(({ result }) => result)).toEqual(['passed', 'passed', 'passed', 'passed', 'passed']);
  expect(checks.map(({ check }) => check)).toEqual([
    ...['rights of a', 'ACLs of a-b', 'groups of a-b', 'configs of a-b', 'schemas'],
  ]);
});

test.each<[string, Partial<ReadinessSight>, RegExp]>([
  [
    'an error of the doctor',
    { findings: [{ level: 'error', code: 'RIGHT_MISSING', site: 'b', subject: 'rights', message: 'no WRITE on a_' }] },
    /^rights of b \(RIGHT_MISSING\): no WRITE on a_/,
  ],
  ['ACLs that are not synced', { acls: { ...ready.acls, off: 'no authorizer' } }, /not synced: no authorizer/],
  ['ACLs that the standby refuses', { acls: { ...ready.acls, refused: 2 } }, /refuses 2/],
  ['groups that are refused', { groups: { ...ready.groups, refused: 1 } }, /positions of 1 are refused/],
  ['configs that are refused', { configs: { ...ready.configs, refused: 3 } }, /refuses 3 values/],
  ['schemas that differ', { schemas: 'different' }, /another schema after a move/],
])('%s: it is not ready, and says why', (_what, over, why) => {
  const against = objections(readinessOf({ ...ready, ...over }));
  expect(against).toHaveLength(1);
  expect(against[0]).toMatch(why);
});

test('what will hurt when something else happens is noted, and holds nothing up', () => {
  const checks = readinessOf({
    ...ready,
    findings: [{ level: 'warn', code: 'RETENTION_SHORT', site: 'a', subject: 'copies', message: 'an hour' }],
    configs: { topics: 9, level: 8, refused: 0 },
  });
  expect(objections(checks)).toEqual([]);
  expect(checks.filter(({ result }) => result === 'warned')).toHaveLength(2);
});
