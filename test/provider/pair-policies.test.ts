import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { declaredPolicySchema } from '../../src/prefix-policy/declared-policy.ts';
import { prefixPolicyHandler } from '../../src/provider/handlers/prefix-policy.ts';
import { schemaPrimaryHandler } from '../../src/provider/handlers/schema-primary.ts';
import { type PropertyMap, unknownValue } from '../../src/provider/server/property.ts';
import { bindResource } from '../../src/provider/server/resource.ts';
import { Problem } from '../../src/worker/problems.ts';
import { catalogueOf, fakeApis, type FakeApis, fakeClock, linkView, unreachable } from './fakes.ts';
import { type PluginClient, refusal, startPlugin } from './plugin-client.ts';

const workers = { a: 'http://worker-a:1', b: 'http://worker-b:2' };

let apis: FakeApis;
let plugin: PluginClient;

async function serve(type: 'PrefixPolicy' | 'SchemaPrimary'): Promise<void> {
  apis = fakeApis();
  const ports = { openApi: apis.open, clock: fakeClock() };
  const both = [bindResource(prefixPolicyHandler(ports)), bindResource(schemaPrimaryHandler(ports))];
  plugin = await startPlugin(catalogueOf(...both), `umbra:index:${type}`);
}
afterEach(() => plugin.close());

describe('PrefixPolicy', () => {
  const news = { owners: { a: 'a_', b: 'b_' }, workers };
  beforeEach(() => serve('PrefixPolicy'));

  async function created(): Promise<PropertyMap> {
    const { outputs } = await plugin.create(news);
    apis.calls.length = 0;
    return outputs;
  }

  test.each([
    [{ a: '', b: 'b_' }, /^owners\| owners\.a: is empty/],
    [{ a: 'x_', b: 'x_y_' }, /^owners\| owners\.b: is "x_y_", which begins with the prefix "x_"/],
    [{ a: 'a_', b: '__consumer' }, /^owners\| owners\.b: is "__consumer"/],
  ])('prefixes that cannot be proven are refused', async (owners, reason) => {
    expect((await plugin.check({ ...news, owners })).failures).toEqual([expect.stringMatching(reason)]);
  });

  test('prefixes are judged while the workers are not known yet', async () => {
    const { failures } = await plugin.check({
      owners: { a: '', b: '' },
      workers: { a: unknownValue, b: unknownValue },
    });
    expect(failures).toHaveLength(2);
  });

  test('both workers are told', async () => {
    const { id } = await plugin.create(news);
    expect(id).toBe('prefix-policy');
    expect(apis.calls).toEqual(['policy a_ b_ @worker-a:1', 'policy a_ b_ @worker-b:2']);
  });

  test('a worker that is not ready is waited for; one that stays away is an error', async () => {
    apis.failing = new Problem('NOT_READY', 'the state is being loaded');
    expect(await refusal(plugin.create(news))).toMatch(/^the state is being loaded\./);
    expect(plugin.lines[0]).toMatchObject({ ephemeral: true });
    expect(apis.calls.length).toBeGreaterThan(10);
  });

  test('new prefixes under a link are refused in the preview, before anything is changed', async () => {
    const olds = await created();
    apis.links = [linkView({ from: 'a', to: 'b', state: 'following' })];
    apis.topics = [{ name: 'a_orders', link: 'a-b', state: 'following' }];
    const change = { olds, oldInputs: news, news: { ...news, owners: { a: 'x_', b: 'b_' } } };
    expect(await refusal(plugin.update(change, { preview: true }))).toBe(
      'the link a-b runs under the present prefixes; 1 topic (a_orders) would not be protected any more. It cannot change under running links: take the declaration back, or detach the links first.',
    );
  });

  test('new prefixes while topics are away from home are refused in the preview, also without links', async () => {
    const olds = await created();
    apis.roles = [{ topic: 'a_orders' }];
    const change = { olds, oldInputs: news, news: { ...news, owners: { a: 'x_', b: 'b_' } } };
    expect(await refusal(plugin.update(change, { preview: true }))).toMatch(
      /^1 topic \(a_orders\) went away from home, and home is what the prefixes say; nothing was changed\. /,
    );
  });

  test('a preview is not stopped by a worker that gives no answer, and unchanged prefixes ask nobody', async () => {
    const olds = await created();
    apis.failing = unreachable;
    const moved = { ...news, workers: { ...workers, a: 'http://new:1' } };
    await plugin.update({ olds, oldInputs: news, news: moved }, { preview: true });
    expect(apis.calls).toEqual([]);
    const owners = { a: 'x_', b: 'b_' };
    await plugin.update({ olds, oldInputs: news, news: { ...news, owners } }, { preview: true });
    expect(plugin.texts().some((text) => text.startsWith('whether links use the prefixes'))).toBe(true);
  });

  test('other prefixes at a worker are drift; none at all means that it is gone', async () => {
    const olds = await created();
    expect(await plugin.read('prefix-policy', olds, news)).toMatchObject({ inputs: news });
    apis.policy = declaredPolicySchema.parse({ a: 'q_', b: 'b_' });
    const seen = await plugin.read('prefix-policy', olds, news);
    expect(seen.inputs).toEqual({ ...news, owners: { a: 'q_', b: 'b_' } });
    expect((await plugin.diff({ olds: seen.outputs, oldInputs: seen.inputs, news })).changed).toEqual(['owners']);
    apis.policy = undefined;
    expect((await plugin.read('prefix-policy', olds, news)).id).toBe('');
  });

  const orders = { principal: 'User:orders', host: '10.0.0.7', writes: 'a_orders_', reads: false };
  const granting = { ...news, applications: { a: [orders], b: [] } };

  test('a preview shows each ACL that would be added or removed, and where', async () => {
    await plugin.create(granting, { preview: true });
    const added = plugin.texts().filter((text) => text.startsWith('would add the ACL'));
    expect(added).toEqual([
      ...['READ', 'WRITE', 'DESCRIBE', 'CREATE'].map(
        (operation) => `would add the ACL ALLOW User:orders ${operation} TOPIC a_orders_* from 10.0.0.7 at site a`,
      ),
      ...['WRITE', 'DESCRIBE'].map(
        (operation) =>
          `would add the ACL ALLOW User:orders ${operation} TRANSACTIONAL_ID a_orders_* from 10.0.0.7 at site a`,
      ),
      ...['READ', 'DESCRIBE'].map(
        (operation) => `would add the ACL ALLOW User:orders ${operation} GROUP a_orders_* from 10.0.0.7 at site a`,
      ),
    ]);
    const { outputs } = await plugin.create(granting);
    plugin.lines.length = 0;
    const change = { olds: outputs, oldInputs: granting, news: { ...granting, applications: { a: [], b: [] } } };
    await plugin.update(change, { preview: true });
    const removed = plugin.texts().filter((text) => text.startsWith('would remove the ACL'));
    expect(removed).toEqual(added.map((text) => text.replace('would add', 'would remove')));
  });

  test('applications change under links, and only the site that has some is asked what it granted', async () => {
    const olds = await created();
    apis.links = [linkView({ from: 'a', to: 'b', state: 'following' })];
    const change = { olds, oldInputs: news, news: granting };
    await plugin.update(change, { preview: true });
    await plugin.update(change);
    expect(apis.calls.filter((call) => call.startsWith('acls'))).toEqual(['acls @worker-a:1']);
    expect(apis.policy?.applications.a).toEqual([orders]);
  });

  test('what a cluster does not take is told', async () => {
    const acl = { resourceType: 'TOPIC', resourceName: 'a_', patternType: 'PREFIXED', principal: 'User:orders' };
    const refused = [{ ...acl, host: '*', operation: 'READ', permission: 'ALLOW', why: 'no place for more ACLs' }];
    apis.applications = { ...apis.applications, refused: { count: 1, first: refused } };
    await plugin.create(granting);
    expect(plugin.texts()).toContain('a grant to the applications of site a was refused: no place for more ACLs');
  });

  test.each([
    [{ applications: { a: [{ principal: 'User:*' }], b: [] } }, /^applications\| applications\.a\[0\]\.principal/],
    [{ groups: { a: 'g', b: 'gb' } }, /^groups\| groups\.b: is "gb"/],
    [{ iam: { a: { clusterArn: 'orders' } } }, /^iam\| iam\.a: "orders" is no ARN/],
  ])('a policy that cannot be is refused before anything is done', async (wrong, reason) => {
    expect((await plugin.check({ ...news, ...wrong })).failures).toEqual([expect.stringMatching(reason)]);
  });

  test('statements for the roles of an IAM cluster are put out, known in the preview', async () => {
    const clusterArn = 'arn:aws:kafka:eu-west-1:111122223333:cluster/orders/1a2b-3';
    const next = { ...granting, iam: { a: { clusterArn } } };
    const { outputs } = await plugin.create(next, { preview: true });
    const { a } = outputs['iamPolicies'] as { a: { policies: { principal: string }[]; omitted: string[] } };
    expect(a.policies.map(({ principal }) => principal)).toContain('User:umbra');
    expect(a.omitted).toContainEqual(expect.stringMatching(/User:orders: IAM does not tell hosts apart/));
  });

  test('applications that were declared elsewhere are drift', async () => {
    const olds = await created();
    apis.policy = declaredPolicySchema.parse({
      owners: news.owners,
      applications: { b: [{ principal: 'User:other' }] },
    });
    const seen = await plugin.read('prefix-policy', olds, news);
    expect((await plugin.diff({ olds: seen.outputs, oldInputs: seen.inputs, news })).changed).toEqual(['applications']);
  });

  test('deleting it asks nobody', async () => {
    const olds = await created();
    await plugin.delete('prefix-policy', olds);
    expect(apis.calls).toEqual([]);
  });

  test('a cluster that was made anew is told again', async () => {
    const ids = { a: 'one', b: 'two' };
    const oldInputs = { ...news, clusterIds: ids };
    const next = { ...news, clusterIds: { ...ids, a: 'three' } };
    const diff = await plugin.diff({ olds: oldInputs, oldInputs, news: next });
    expect(diff).toEqual({ changed: ['clusterIds'], replaces: [], deleteFirst: false });
  });
});

describe('SchemaPrimary', () => {
  const news = { site: 'a', workers };
  beforeEach(() => serve('SchemaPrimary'));

  test('exactly one of the two sites', async () => {
    expect((await plugin.check({ ...news, site: 'both' })).failures).toEqual(['site| site: must be "a" or "b"']);
    expect((await plugin.check(news)).failures).toEqual([]);
  });

  test('both workers are told; where it moved since, that is read and not moved back', async () => {
    const { outputs } = await plugin.create(news);
    expect(apis.calls).toEqual(['primary a @worker-a:1', 'primary a @worker-b:2']);
    apis.schemaPrimary = 'b';
    expect((await plugin.read('schema-primary', outputs, news)).inputs).toEqual(news);
    expect(plugin.texts()).toEqual(['the schema primary is site b, not a as declared first; it stays so']);
    apis.schemaPrimary = undefined;
    expect((await plugin.read('schema-primary', outputs, news)).id).toBe('');
  });

  test('another one is refused in the preview where schemas follow, or have moved, and nowhere else', async () => {
    const { outputs } = await plugin.create(news);
    const change = { olds: outputs, oldInputs: news, news: { ...news, site: 'b' } };
    const refused = /^schemas were declared to be registered at site a, and they follow from there\. /;
    apis.links = [linkView({ from: 'a', to: 'b', state: 'following' })];
    apis.topics = [{ name: 'a_orders', link: 'a-b', state: 'following' }];
    await plugin.update(change, { preview: true });
    apis.topics = [...apis.topics, { name: '_schemas', link: 'a-b', state: 'following' }];
    expect(await refusal(plugin.update(change, { preview: true }))).toMatch(refused);
    apis.topics = [];
    apis.roles = [{ topic: '_schemas' }];
    expect(await refusal(plugin.update(change, { preview: true }))).toMatch(refused);
  });

  test('a preview says which schemas would flow', async () => {
    await plugin.create(news, { preview: true });
    expect(plugin.texts()).toEqual(['would let "_schemas" flow from site a only']);
    expect(apis.calls).toEqual([]);
  });

  test('a worker that gives no answer leaves it as it was', async () => {
    const { outputs } = await plugin.create(news);
    apis.failing = unreachable;
    expect(await plugin.read('schema-primary', outputs, news)).toMatchObject({ id: 'schema-primary', inputs: news });
  });
});
