import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { localClusterHandler } from '../../src/provider/handlers/local-cluster.ts';
import {
  encodeProperties,
  type PropertyMap,
  SecretProperty,
  unknownValue,
} from '../../src/provider/server/property.ts';
import { bindResource } from '../../src/provider/server/resource.ts';
import { catalogueOf, fakeClusters, type FakeClusters, fakePasswords, fakeRunning } from './fakes.ts';
import { type PluginClient, refusal, startPlugin, unfinishedOf } from './plugin-client.ts';

const grant = (resourceName: string, operation = 'READ'): PropertyMap => ({
  ...{ resourceType: 'TOPIC', resourceName, patternType: 'PREFIXED', principal: 'User:app', host: '*' },
  ...{ operation, permission: 'ALLOW' },
});
const news = { site: 'a', runtime: 'jvm', kafkaVersion: '4.3.1', heapMb: 384, grants: [grant('a_')] };

let clusters: FakeClusters;
let plugin: PluginClient;

beforeEach(async () => {
  clusters = fakeClusters();
  plugin = await startPlugin(catalogueOf(bindResource(localClusterHandler(clusters))), 'umbra:index:LocalCluster');
});
afterEach(() => plugin.close());

async function created(): Promise<PropertyMap> {
  const { inputs } = await plugin.check(news);
  return (await plugin.create(inputs)).outputs;
}

describe('check', () => {
  test('what is left out gets its default, which the state then holds', async () => {
    const { inputs, failures } = await plugin.check({ site: 'a', grants: [] });
    expect(failures).toEqual([]);
    expect(inputs).toEqual({ site: 'a', grants: [], runtime: 'jvm', kafkaVersion: '4.3.1', heapMb: 384 });
  });

  test.each([
    [{ ...news, site: 'c' }, 'site| site: must be "a" or "b"'],
    [{ ...news, heapMb: 100 }, 'heapMb| heapMb: must be at least 192'],
    [{ ...news, kafkaVersion: '4.3' }, 'kafkaVersion| kafkaVersion: must look like 4.3.1'],
    [{ ...news, clientPort: 80 }, 'clientPort| clientPort: must be at least 1024'],
    [{ ...news, grants: [grant('')] }, 'grants| grants[0].resourceName: must not be empty'],
    [
      { ...news, port: 1 },
      '| port: is not a property; known are site, runtime, kafkaVersion, clientPort, heapMb, grants',
    ],
    [{ site: 'a' }, 'grants| grants: is required'],
  ])('a wrong field is refused with its path and bound', async (wrong, reason) => {
    expect((await plugin.check(wrong)).failures).toEqual([reason]);
  });

  test('an unknown property is not judged, the others are', async () => {
    const { failures } = await plugin.check({ ...news, site: unknownValue, heapMb: 1 });
    expect(failures).toEqual(['heapMb| heapMb: must be at least 192']);
  });

  test('an older Kafka than the one that wrote the data is refused', async () => {
    const { failures } = await plugin.check({ ...news, kafkaVersion: '3.9.2' }, news);
    expect(failures).toEqual([expect.stringMatching(/^kafkaVersion\| the data was written by Kafka 4\.3\.1/)]);
    expect((await plugin.check({ ...news, kafkaVersion: '4.4.0' }, news)).failures).toEqual([]);
  });
});

describe('diff', () => {
  test('the same inputs are no change', async () => {
    expect(await plugin.diff({ olds: await created(), oldInputs: news, news })).toEqual({
      ...{ changed: [], replaces: [], deleteFirst: false },
    });
  });

  test.each([
    ['kafkaVersion', { kafkaVersion: '4.4.0' }],
    ['runtime', { runtime: 'docker' }],
    ['heapMb', { heapMb: 512 }],
    ['grants', { grants: [] }],
  ])('%s is changed in place: the data stays', async (name, change) => {
    const diff = await plugin.diff({ olds: await created(), oldInputs: news, news: { ...news, ...change } });
    expect(diff).toEqual({ changed: [name], replaces: [], deleteFirst: false });
  });

  test('another site is another cluster', async () => {
    const diff = await plugin.diff({ olds: await created(), oldInputs: news, news: { ...news, site: 'b' } });
    expect(diff).toEqual({ changed: ['site'], replaces: ['site'], deleteFirst: true });
  });

  test('a broker that was found dead asks for an update', async () => {
    const olds = { ...(await created()), running: false };
    expect((await plugin.diff({ olds, oldInputs: news, news })).changed).toEqual(['running']);
  });
});

describe('preview', () => {
  test('a creation is told in words and starts nothing', async () => {
    const { id, outputs } = await plugin.create(news, { preview: true });
    expect(id).toBe('');
    expect(outputs).toMatchObject({ home: '/fake/a', running: true, site: 'a' });
    expect(outputs['bootstrapServers']).toBe(unknownValue);
    expect(outputs['umbraPassword']).toBe(unknownValue);
    expect(plugin.texts()).toEqual([
      'would start Kafka 4.3.1 (jvm) for site a in /fake/a',
      'would grant 1 ACLs to its principals',
    ]);
    expect(clusters.calls).toEqual([]);
  });

  test('changed grants are listed one by one, and what is known stays known', async () => {
    const olds = await created();
    const next = { ...news, grants: [grant('b_'), grant('a_', 'WRITE')] };
    const outputs = await plugin.update({ olds, oldInputs: news, news: next }, { preview: true });
    expect(plugin.texts()).toEqual([
      'would add the ACL ALLOW User:app READ TOPIC b_*',
      'would add the ACL ALLOW User:app WRITE TOPIC a_*',
      'would remove the ACL ALLOW User:app READ TOPIC a_*',
    ]);
    expect(outputs).toMatchObject({ clusterId: 'fakeClusterId', bootstrapServers: ['127.0.0.1:19092'] });
    expect(clusters.calls).toEqual(['start a jvm 4.3.1', 'grant a 1']);
  });

  test('a new port makes the address unknown', async () => {
    const change = { olds: await created(), oldInputs: news, news: { ...news, clientPort: 19_999 } };
    const outputs = await plugin.update(change, { preview: true });
    expect(outputs['bootstrapServers']).toBe(unknownValue);
    expect(plugin.texts()).toEqual(['would restart the broker (clientPort changed); its data is kept']);
  });
});

describe('create, update, read, delete', () => {
  test('a cluster is started, then its ACLs are applied; its passwords are secrets', async () => {
    const { id, outputs } = await plugin.create(news);
    expect(id).toBe('cluster-a');
    expect(clusters.calls).toEqual(['start a jvm 4.3.1', 'grant a 1']);
    expect(outputs).toMatchObject({ bootstrapServers: ['127.0.0.1:19092'], clusterId: 'fakeClusterId', running: true });
    for (const name of ['umbraPassword', 'appPassword', 'adminPassword']) {
      expect(outputs[name], name).toBeInstanceOf(SecretProperty);
    }
    expect((outputs['umbraPassword'] as SecretProperty).reveal()).toBe(fakePasswords.umbra);
    expect(JSON.stringify(plugin.lines)).not.toContain('password');
    expect(plugin.lines.filter((line) => line.ephemeral).map((line) => line.message)).toEqual(['fake broker starts']);
  });

  test('a start that leaves nothing behind is an error, and nothing is kept', async () => {
    clusters.failing.start = new Error('port 9092 is used by another program');
    const call = plugin.create(news);
    expect(await refusal(call)).toBe('port 9092 is used by another program');
    expect(await call.catch(unfinishedOf)).toBeUndefined();
  });

  test('a start that leaves files behind is kept as unfinished, and the next update goes on', async () => {
    clusters.failing.start = new Error('the broker died');
    clusters.leaves = { kind: 'down', why: 'broker 1 has died', ...fakeRunning };
    const unfinished = await plugin.create(news).catch(unfinishedOf);
    expect(unfinished).toMatchObject({ id: 'cluster-a', reasons: ['the broker died'] });
    const olds = (unfinished as { outputs: PropertyMap }).outputs;
    expect(olds).toMatchObject({ running: false, unfinished: 'the broker died' });
    expect((await plugin.diff({ olds, oldInputs: news, news })).changed).toEqual(['running', 'unfinished']);

    clusters.failing = {};
    const outputs = await plugin.update({ olds, oldInputs: news, news });
    expect(outputs).toMatchObject({ running: true });
    expect(outputs).not.toHaveProperty('unfinished');
  });

  test('grants that fail are told, and a refresh does not forget it', async () => {
    clusters.failing.grant = new Error('the grants failed');
    const unfinished = await plugin.create(news).catch(unfinishedOf);
    const { id, outputs } = unfinished as { id: string; outputs: PropertyMap };
    const seen = await plugin.read(id, outputs, news);
    expect(seen.outputs).toMatchObject({ running: true, unfinished: 'the grants failed' });
    expect((await plugin.diff({ olds: seen.outputs, oldInputs: news, news })).changed).toEqual(['unfinished']);
  });

  test('an update of grants alone does not touch the broker', async () => {
    const olds = await created();
    clusters.calls.length = 0;
    await plugin.update({ olds, oldInputs: news, news: { ...news, grants: [] } });
    expect(clusters.calls).toEqual(['grant a 0']);
  });

  test('a dead broker is found with its data: a warning with its log, and drift', async () => {
    const olds = await created();
    clusters.condition = { kind: 'down', why: 'broker 1 of site a has died\n  OutOfMemoryError', ...fakeRunning };
    const seen = await plugin.read('cluster-a', olds, news);
    expect(seen).toMatchObject({ id: 'cluster-a', refreshFirst: true, outputs: { running: false } });
    expect(plugin.lines.at(-1)).toMatchObject({
      severity: 2,
      message: 'broker 1 of site a has died\n  OutOfMemoryError\nIts data is there; "pulumi up" starts it again.',
    });
  });

  test('a cluster without files is gone', async () => {
    const olds = await created();
    clusters.condition = { kind: 'absent' };
    expect((await plugin.read('cluster-a', olds, news)).id).toBe('');
  });

  test('what is read is what was created: no drift of its own', async () => {
    const olds = await created();
    const seen = await plugin.read('cluster-a', olds, news);
    expect(encodeProperties(seen.outputs)).toEqual(encodeProperties(olds));
    expect(seen.inputs).toEqual(news);
  });

  test('deleting stops it and removes its data', async () => {
    const olds = await created();
    await plugin.delete('cluster-a', olds);
    expect(clusters.calls.at(-1)).toBe('delete a');
  });

  test('a cluster that a worker works with is not deleted, nor its data', async () => {
    const olds = await created();
    clusters.users = ['shop-a', 'shop-b'];
    expect(await refusal(plugin.delete('cluster-a', olds))).toBe(
      'the cluster of site a is not deleted, nor its data: the worker shop-a works with it. Take it back into the program, or take the whole pair away with "npm run down".',
    );
    expect(clusters.calls).not.toContain('delete a');
  });
});
