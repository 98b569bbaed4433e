import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { shadowLinkHandler } from '../../src/provider/handlers/shadow-link.ts';
import { type PropertyMap, SecretProperty, unknownValue } from '../../src/provider/server/property.ts';
import { bindResource } from '../../src/provider/server/resource.ts';
import { Problem } from '../../src/worker/problems.ts';
import { catalogueOf, fakeApis, type FakeApis, fakeClock, linkView, unreachable } from './fakes.ts';
import { type PluginClient, refusal, startPlugin, type Unfinished, unfinishedOf } from './plugin-client.ts';

const ids = { a: 'clusterA', b: 'clusterB' };
const news = { from: 'a', to: 'b', worker: 'http://worker-b:8080', gap: 'fault', onDelete: 'refuse', clusterIds: ids };
const following = linkView({ from: 'a', to: 'b', state: 'following' });

let apis: FakeApis;
let plugin: PluginClient;

beforeEach(async () => {
  apis = fakeApis();
  const handler = shadowLinkHandler({ openApi: apis.open, clock: fakeClock() });
  plugin = await startPlugin(catalogueOf(bindResource(handler)), 'umbra:index:ShadowLink');
});
afterEach(() => plugin.close());

async function created(more: PropertyMap = {}): Promise<PropertyMap> {
  const { outputs } = await plugin.create({ ...news, ...more });
  apis.calls.length = 0;
  return outputs;
}

describe('check', () => {
  test('a link that joins a site with itself, a wrong site, address or rule is refused', async () => {
    const reasons = async (wrong: PropertyMap): Promise<readonly string[]> =>
      (await plugin.check({ ...news, ...wrong })).failures;
    expect(await reasons({ to: 'a' })).toEqual([expect.stringMatching(/^to\| must be the other site/)]);
    expect(await reasons({ from: 'c' })).toEqual(['from| from: must be "a" or "b"']);
    expect(await reasons({ worker: 'worker-b:8080' })).toEqual([
      expect.stringMatching(/^worker\| worker: must look like http:\/\/host:port, or s3:/),
    ]);
    expect(await reasons({ worker: 's3://spec/pair/?region=eu-west-1&pair=orders&site=b' })).toEqual([]);
    expect(await reasons({ worker: 's3://spec/pair/?region=eu-west-1' })).toHaveLength(1);
    expect(await reasons({ onDelete: 'drop' })).toEqual(['onDelete| onDelete: must be "refuse" or "detach"']);
  });

  test('deletion is refused unless the program says otherwise', async () => {
    const { onDelete, ...rest } = news;
    expect(onDelete).toBe('refuse');
    expect((await plugin.check(rest)).inputs['onDelete']).toBe('refuse');
  });
});

describe('diff', () => {
  test.each<[string, PropertyMap]>([
    ['from', { from: 'b', to: 'b' }],
    ['to', { to: 'a' }],
    ['clusterIds', { clusterIds: { ...ids, a: 'anew' } }],
    ['clusterIds', { clusterIds: { ...ids, a: unknownValue } }],
  ])('another %s is another link: the old one is deleted first', async (name, change) => {
    const diff = await plugin.diff({ olds: await created(), oldInputs: news, news: { ...news, ...change } });
    expect(diff).toEqual({ changed: [name], replaces: [name], deleteFirst: true });
  });

  test.each<[string, PropertyMap]>([
    ['worker', { worker: unknownValue }],
    ['onDelete', { onDelete: 'detach' }],
    ['gap', { gap: 'fill' }],
  ])('%s is changed in place', async (name, change) => {
    const diff = await plugin.diff({ olds: await created(), oldInputs: news, news: { ...news, ...change } });
    expect(diff).toEqual({ changed: [name], replaces: [], deleteFirst: false });
  });
});

describe('create', () => {
  test('a preview asks nobody', async () => {
    await plugin.create({ ...news, worker: unknownValue }, { preview: true });
    expect(plugin.texts()).toEqual([
      'would copy every topic whose home is site a to site b, read-only there, same offsets and bytes',
    ]);
    expect(apis.calls).toEqual([]);
  });

  test('it waits until the link has left "starting", and says so', async () => {
    apis.states = ['starting', 'starting', 'starting', 'following'];
    const { id, outputs } = await plugin.create({ ...news, apiToken: new SecretProperty('sixteen-characters') });
    expect(id).toBe('a-b');
    expect(outputs).toMatchObject({ state: 'following', fence: 'acl' });
    expect(outputs['apiToken']).toBeInstanceOf(SecretProperty);
    expect(apis.calls).toEqual(['link a-b @worker-b:8080', ...Array<string>(3).fill('links @worker-b:8080')]);
    expect(apis.addresses[0]?.token?.reveal()).toBe('sixteen-characters');
    expect(plugin.lines.map((line) => [line.message, line.ephemeral])).toEqual([
      ['link a-b is starting (0 s)', true],
      ['link a-b is starting (1 s)', true],
      ['link a-b is starting (1 s)', true],
    ]);
  });

  test('a link that does not start in time stays in the state and is tried again', async () => {
    apis.states = ['starting'];
    const unfinished = (await plugin.create(news).catch(unfinishedOf))!;
    expect(unfinished).toMatchObject({ id: 'a-b', outputs: { state: 'starting' } });
    const { outputs, reasons } = unfinished as Unfinished;
    expect(reasons).toEqual([expect.stringMatching(/^link a-b is declared but still starting after 60 s/)]);
    expect((await plugin.diff({ olds: outputs, oldInputs: news, news })).changed).toEqual(['state', 'unfinished']);
  });

  test('a link that is not well is made, with a warning', async () => {
    apis.states = ['degraded'];
    const { outputs } = await plugin.create(news);
    expect(outputs).toMatchObject({ state: 'degraded' });
    expect(plugin.texts()).toEqual(['link a-b is degraded']);
  });

  test('a cluster that is away is waited for, with a bound; the next update looks again', async () => {
    apis.states = ['source-unreachable'];
    const { outputs } = await plugin.create(news);
    expect(outputs).toMatchObject({ state: 'source-unreachable' });
    expect(plugin.texts()).toEqual(['link a-b is source-unreachable']);
    expect(apis.calls.length).toBeLessThan(50);
    const change = { olds: outputs, oldInputs: news, news };
    expect((await plugin.diff(change)).changed).toEqual(['state']);
    apis.states = ['source-unreachable', 'following'];
    expect(await plugin.update(change)).toMatchObject({ state: 'following' });
  });

  test('a topic that is faulted is no reason to declare a link again', async () => {
    apis.states = ['degraded'];
    const { outputs } = await plugin.create(news);
    expect((await plugin.diff({ olds: outputs, oldInputs: news, news })).changed).toEqual([]);
  });

  test('a worker that stays away is waited for with a bound, then named', async () => {
    apis.failing = unreachable;
    const call = plugin.create(news);
    expect(await refusal(call)).toMatch(
      /^the worker at http:\/\/fake is unreachable: ECONNREFUSED\. Run "npx umbra doctor"/,
    );
    expect(apis.calls.length).toBeLessThan(50);
    expect(await call.catch(unfinishedOf)).toBeUndefined();
  });

  test('a refusal of the worker is not repeated', async () => {
    apis.failing = new Problem('POLICY_MISSING', 'no prefix policy is declared');
    expect(await refusal(plugin.create(news))).toMatch(/^no prefix policy is declared\. Declare a PrefixPolicy/);
    expect(apis.calls).toHaveLength(1);
  });
});

describe('update', () => {
  test('a decision to fill gaps is told to the worker, and the preview says that it has a price', async () => {
    const olds = await created();
    const change = { olds, oldInputs: news, news: { ...news, gap: 'fill' } };
    await plugin.update(change, { preview: true });
    expect(plugin.texts().join()).toContain('would fill gaps of any size, at 78 bytes for each missing offset');
    expect(await plugin.update(change)).toMatchObject({ gap: 'fill', state: 'following' });
  });

  test('a change of onDelete alone contacts nobody', async () => {
    const olds = await created();
    const change = { olds, oldInputs: news, news: { ...news, onDelete: 'detach' } };
    expect(await plugin.update(change)).toMatchObject({ onDelete: 'detach', state: 'following' });
    expect(apis.calls).toEqual([]);
  });

  const carries = (state: 'following' | 'orphaned' | 'promoted', name: string): FakeApis['topics'][number] => ({
    ...{ name, link: 'a-b', state },
  });

  test('its preview names the copies that would be left to themselves', async () => {
    const olds = await created();
    apis.topics = [
      carries('following', 'a_x'),
      carries('promoted', 'a_y'),
      { ...carries('following', 'b_z'), link: 'b-a' },
    ];
    await plugin.update({ olds, oldInputs: news, news: { ...news, onDelete: 'detach' } }, { preview: true });
    expect(plugin.texts()).toEqual([
      'without this link nobody keeps 1 of its copies up to date: a_x',
      'deleting this link would then leave its copies as they are, even while topics follow',
    ]);
    apis.failing = unreachable;
    await plugin.update({ olds, oldInputs: news, news: { ...news, onDelete: 'detach' } }, { preview: true });
    expect(plugin.texts()).toContainEqual(expect.stringMatching(/^what link a-b carries could not be asked: /));
  });

  test('copies that were to be kept are not deleted by declaring it: the preview refuses', async () => {
    const olds = await created();
    const change = { olds, oldInputs: news, news: { ...news, topics: { deletion: 'follow' } } };
    await plugin.update(change, { preview: true });
    apis.topics = [carries('orphaned', 'a_gone')];
    expect(await refusal(plugin.update(change, { preview: true }))).toMatch(
      /^the link a-b was told to keep 1 copy of deleted topics \(a_gone\): .* nothing was changed/,
    );
  });

  test('a new address declares the link there, again', async () => {
    const olds = await created();
    await plugin.update({ olds, oldInputs: news, news: { ...news, worker: 'http://elsewhere:1' } });
    expect(apis.calls).toEqual(['link a-b @elsewhere:1']);
  });
});

describe('read', () => {
  test('the state is looked up', async () => {
    const olds = await created();
    apis.states = ['degraded'];
    expect((await plugin.read('a-b', olds, news)).outputs).toMatchObject({ state: 'degraded' });
  });

  test('a link that nobody knows is gone', async () => {
    const olds = await created();
    apis.links = [];
    expect((await plugin.read('a-b', olds, news)).id).toBe('');
  });

  test('a worker that gives no answer leaves the state as it was, with a warning', async () => {
    const olds = await created();
    apis.failing = unreachable;
    const seen = await plugin.read('a-b', olds, news);
    expect(seen).toMatchObject({ id: 'a-b', outputs: olds, inputs: news });
    expect(plugin.texts()).toEqual([expect.stringMatching(/^link a-b could not be looked at/)]);
  });
});

describe('delete', () => {
  const follows = new Problem('LINK_FOLLOWS', 'link a-b follows 12 topics');

  test('a link that topics follow is refused in one line with the remedy, and stays', async () => {
    const olds = await created();
    apis.links = [following];
    apis.deletion = follows;
    const reason = await refusal(plugin.delete('a-b', olds));
    expect(reason).toMatch(/^link a-b follows 12 topics\. Set onDelete: "detach" on the ShadowLink/);
    expect(reason).not.toContain('\n');
    expect(apis.calls).toEqual(['delete a-b refuse @worker-b:8080']);
    expect(apis.links).toEqual([following]);
  });

  test('a worker that cannot be asked refuses, too: nobody can say that nothing follows', async () => {
    const olds = await created();
    apis.failing = unreachable;
    const reason = await refusal(plugin.delete('a-b', olds));
    expect(reason).toMatch(/^link a-b is not deleted, because nobody can say whether topics follow it/);
    expect(reason).toContain('onDelete: "detach"');
    expect(reason).not.toContain('\n');
  });

  test('detach is passed on as it was applied', async () => {
    await plugin.delete('a-b', await created({ onDelete: 'detach' }));
    expect(apis.calls).toEqual(['delete a-b detach @worker-b:8080']);
  });

  test('detach goes on without the worker, with a warning', async () => {
    const olds = await created({ onDelete: 'detach' });
    apis.failing = unreachable;
    await plugin.delete('a-b', olds);
    expect(plugin.lines.at(-1)?.severity).toBe(2);
    expect(plugin.lines.at(-1)?.message).toContain('the copies are left as they are');
  });

  test('detach does not go on over a refusal', async () => {
    const olds = await created({ onDelete: 'detach' });
    apis.deletion = new Problem('INTERNAL', 'the state topic is broken');
    expect(await refusal(plugin.delete('a-b', olds))).toMatch(/^the state topic is broken/);
  });

  test('a link that is gone already is deleted', async () => {
    const olds = await created();
    apis.deletion = new Problem('NOT_FOUND', 'no link a-b');
    await plugin.delete('a-b', olds);
  });

  test('a link whose creation stopped half-way is deleted under the same rule', async () => {
    apis.states = ['starting'];
    const unfinished = (await plugin.create(news).catch(unfinishedOf)) as { outputs: PropertyMap };
    apis.deletion = follows;
    expect(await refusal(plugin.delete('a-b', unfinished.outputs))).toMatch(/^link a-b follows 12 topics/);
  });
});
