import { expect, test } from 'vitest';
import { drillLevels } from '../../../src/drill/level.ts';
import { whyForbidden } from '../../../src/worker/drill/legs.ts';

const owners = { a: 'a_', b: 'b_' };
const canary = 'a_umbra-canary-000007';

test('a real topic is moved from L4 on, and failed over at L6 alone, whatever a record says', () => {
  for (const level of drillLevels) {
    for (const topics of [['a_orders'], [canary, 'a_orders'], 'all' as const]) {
      const names = typeof topics === 'string' ? topics : [...topics];
      const moved = whyForbidden({ kind: 'switchover', to: 'b', topics: names, returns: false }, level, owners);
      expect(moved === undefined).toBe(level >= 'L4');
      const failedOver = whyForbidden({ kind: 'failover', to: 'b', topics: names, returns: false }, level, owners);
      expect(failedOver === undefined).toBe(level === 'L6');
    }
    expect(
      whyForbidden({ kind: 'switchover', to: 'b', topics: [canary], returns: false }, level, owners),
    ).toBeUndefined();
  }
});

test('a name that only looks like a canary is a real topic', () => {
  for (const name of ['c_umbra-canary-000007', 'a_umbra-canary-7', 'a_umbra-canary-000007x', 'xa_umbra-canary-000007'])
    expect(whyForbidden({ kind: 'switchover', to: 'b', topics: [name], returns: false }, 'L2', owners)).toBeDefined();
});
