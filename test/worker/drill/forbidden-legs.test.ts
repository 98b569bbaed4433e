import { expect, test } from 'vitest';
import { drillLevels } from '../../../src/drill/level.ts';
import { whyForbidden } from '../../../src/worker/drill/legs.ts';

const owners = { a: 'a_', b: 'b_' };
const labels = ['non-production'];
const canary = 'a_umbra-canary-000007';

test('a real topic is moved from L4 on, and nothing is failed over but at L6 where that may be lost, whatever a record says', () => {
  for (const level of drillLevels) {
    for (const topics of [['a_orders'], [canary, 'a_orders'], 'all' as const]) {
      const names = typeof topics === 'string' ? topics : [...topics];
      const moved = whyForbidden(
        { kind: 'switchover', to: 'b', topics: names, returns: false },
        { level, owners, labels },
      );
      expect(moved === undefined).toBe(level >= 'L4');
    }
    for (const topics of [['a_orders'], [canary, 'a_orders'], 'all' as const, [canary]]) {
      const names = typeof topics === 'string' ? topics : [...topics];
      const leg = { kind: 'failover', to: 'b', topics: names, returns: false } as const;
      expect(whyForbidden(leg, { level, owners, labels }) === undefined).toBe(level === 'L6');
      for (const other of [undefined, [], ['production'], ['Non-Production']])
        expect(whyForbidden(leg, { level, owners, labels: other })).toBeDefined();
    }
    expect(
      whyForbidden({ kind: 'switchover', to: 'b', topics: [canary], returns: false }, { level, owners, labels: [] }),
    ).toBeUndefined();
  }
});

test('a name that only looks like a canary is a real topic', () => {
  for (const name of ['c_umbra-canary-000007', 'a_umbra-canary-7', 'a_umbra-canary-000007x', 'xa_umbra-canary-000007'])
    expect(
      whyForbidden({ kind: 'switchover', to: 'b', topics: [name], returns: false }, { level: 'L2', owners, labels }),
    ).toBeDefined();
});
