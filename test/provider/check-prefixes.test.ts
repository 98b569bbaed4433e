import { afterEach, beforeEach, expect, test } from 'vitest';
import { declaredPolicySchema } from '../../src/prefix-policy/declared-policy.ts';
import { checkPrefixesHandler } from '../../src/provider/handlers/check-prefixes.ts';
import { bindInvoke } from '../../src/provider/server/invoke.ts';
import { catalogueOf, fakeApis, type FakeApis, fakeWorkers, type FakeWorkers, linkView, unreachable } from './fakes.ts';
import { type PluginClient, startPlugin } from './plugin-client.ts';

const token = 'umbra:index:checkPrefixes';
const narrower = { pair: 'shop', owners: { a: 'a_x', b: 'b_' } };

let apis: FakeApis;
let workers: FakeWorkers;
let plugin: PluginClient;

beforeEach(async () => {
  [apis, workers] = [fakeApis(), fakeWorkers()];
  workers.condition = { kind: 'running', apiUrl: 'http://worker:1', metricsUrl: 'http://worker:1/metrics', pid: 1 };
  apis.policy = declaredPolicySchema.parse({ a: 'a_', b: 'b_' });
  apis.links = [linkView({ from: 'a', to: 'b', state: 'following' })];
  apis.topics = [{ name: 'a_orders', link: 'a-b', state: 'following' }];
  const handler = checkPrefixesHandler({ workers, openApi: apis.open });
  plugin = await startPlugin(catalogueOf(bindInvoke(handler)), 'umbra:index:None');
});
afterEach(() => plugin.close());

test('prefixes that differ from those of a pair that runs are refused, with what they would let go', async () => {
  const { result } = await plugin.invoke(token, narrower);
  expect(result).toMatchObject({ kind: 'refused' });
  expect(result['reason']).toMatch(
    /^the link a-b runs under the present prefixes; 1 topic \(a_orders\) would not be protected any more\. /,
  );
});

test('the same prefixes are free, whoever declares them, and with whatever else', async () => {
  const same = { ...narrower, owners: { a: 'a_', b: 'b_' }, groups: { a: 'a_', b: 'b_' } };
  expect((await plugin.invoke(token, same)).result).toEqual({ kind: 'free' });
});

test('a pair that does not run, gives no answer, or has no policy yet is not judged', async () => {
  apis.policy = undefined;
  expect((await plugin.invoke(token, narrower)).result).toEqual({ kind: 'free' });
  apis.failing = unreachable;
  expect((await plugin.invoke(token, narrower)).result).toEqual({ kind: 'free' });
  workers.condition = { kind: 'absent' };
  apis.calls.length = 0;
  expect((await plugin.invoke(token, narrower)).result).toEqual({ kind: 'free' });
  expect(apis.calls).toEqual([]);
});
