import { afterEach, beforeEach, expect, test } from 'vitest';
import { localClusterHandler } from '../../src/provider/handlers/local-cluster.ts';
import type { PropertyMap } from '../../src/provider/server/property.ts';
import { sparingRenamed } from '../../src/provider/server/renamed.ts';
import { bindResource } from '../../src/provider/server/resource.ts';
import { catalogueOf, fakeClusters, type FakeClusters, fakeRunning } from './fakes.ts';
import { type PluginClient, startPlugin, unfinishedOf } from './plugin-client.ts';

const news: PropertyMap = { site: 'a', runtime: 'jvm', kafkaVersion: '4.3.1', grants: [] };

let clusters: FakeClusters;
let plugin: PluginClient;

/** One plugin process serves one run of Pulumi. */
async function run(): Promise<PluginClient> {
  const cluster = sparingRenamed(bindResource(localClusterHandler(clusters)));
  return startPlugin(catalogueOf(cluster), 'umbra:index:LocalCluster');
}

beforeEach(async () => {
  clusters = fakeClusters();
  plugin = await run();
});
afterEach(() => plugin.close());

const deleted = (): readonly string[] => clusters.calls.filter((call) => call.startsWith('delete'));

test('what got another name is created, then forgotten under the old one: nothing is deleted', async () => {
  const { outputs } = await plugin.create(news);
  await plugin.delete('cluster-a', outputs);
  expect(deleted()).toEqual([]);
  expect(plugin.texts()).toEqual([
    'only the name is forgotten: cluster-a was declared anew by this run, and stays as it is',
  ]);
});

test('so it is with what could only be made in part', async () => {
  clusters.failing = { grant: new Error('the grants failed') };
  clusters.leaves = { kind: 'running', ...fakeRunning };
  const unfinished = await plugin.create(news).catch(unfinishedOf);
  expect(unfinished).toMatchObject({ id: 'cluster-a' });
  await plugin.delete('cluster-a', news);
  expect(deleted()).toEqual([]);
});

test('another thing, and one that only a former run made, are deleted', async () => {
  const { outputs } = await plugin.create(news);
  await plugin.delete('cluster-b', { ...outputs, site: 'b' });
  expect(deleted()).toEqual(['delete b']);
  plugin.close();
  plugin = await run();
  await plugin.delete('cluster-a', outputs);
  expect(deleted()).toEqual(['delete b', 'delete a']);
});

test('a preview makes nothing, so it spares nothing', async () => {
  await plugin.create(news, { preview: true });
  await plugin.delete('cluster-a', (await created()).outputs);
  expect(deleted()).toEqual(['delete a']);
});

/** By another run. */
async function created(): Promise<{ outputs: PropertyMap }> {
  const other = await run();
  try {
    return await other.create(news);
  } finally {
    other.close();
  }
}
