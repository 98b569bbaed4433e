import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { realCatalogue } from '../../src/provider/catalogue.ts';
import type { PropertyMap } from '../../src/provider/server/property.ts';
import { type PluginClient, startPlugin } from '../provider/plugin-client.ts';
import { createTopic, produce } from '../fixtures/kafkajs.ts';
import { type AwsServer, startAwsServer, useAwsServer } from '../fixtures/s3-server.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { startToldSites, type ToldSites } from '../fixtures/told-sites.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { eventually } from '../fixtures/wait.ts';

// Two real workers on real brokers, the provider's real handlers; nothing between them but documents.

const boundMs = 120_000;
const owners = { a: 'a_', b: 'b_' };
const shared = sharedSites();
const topic = 'a_told';

let aws: AwsServer;
let notUsed: () => void;
let told: ToldSites;
let plugins = {} as Readonly<Record<'PrefixPolicy' | 'SchemaPrimary' | 'ShadowLink', PluginClient>>; // as: before the first update
let links: Record<'a-b' | 'b-a', PropertyMap>;

beforeAll(async () => {
  aws = await startAwsServer();
  notUsed = useAwsServer(aws);
  told = await startToldSites(aws, { a: shared.a.umbra, b: shared.b.umbra });
  await beginUpdate();
}, boundMs);

/** Every update has a provider process of its own: what one made and deletes again in one update was only renamed. */
async function beginUpdate(): Promise<void> {
  for (const plugin of Object.values(plugins)) plugin.close();
  const serve = (type: string): Promise<PluginClient> =>
    startPlugin(realCatalogue(testFolder('told')), `umbra:index:${type}`);
  plugins = {
    PrefixPolicy: await serve('PrefixPolicy'),
    SchemaPrimary: await serve('SchemaPrimary'),
    ShadowLink: await serve('ShadowLink'),
  };
}

afterAll(async () => {
  await beginUpdate();
  for (const id of ['a-b', 'b-a'] as const) await plugins.ShadowLink.delete(id, { ...links[id], onDelete: 'detach' });
  for (const plugin of Object.values(plugins)) plugin.close();
  await told.stop();
  notUsed();
  await aws.stop();
}, boundMs);

async function metricsOf(site: 'a' | 'b'): Promise<string> {
  return (await fetch(`${told.api[site].url}/metrics`)).text();
}

async function declaredLink(from: 'a' | 'b', to: 'a' | 'b'): Promise<PropertyMap> {
  const { inputs, failures } = await plugins.ShadowLink.check({ from, to, worker: told.urls[to] });
  expect(failures).toEqual([]);
  return (await plugins.ShadowLink.create(inputs)).outputs;
}

test(
  'a policy, a schema primary and both links that are declared by documents make a pair that copies',
  async () => {
    const workers = { ...told.urls };
    const { inputs } = await plugins.PrefixPolicy.check({ owners, workers });
    // As in an update: two sections of the same documents at once.
    await Promise.all([plugins.PrefixPolicy.create(inputs), plugins.SchemaPrimary.create({ site: 'a', workers })]);
    links = { 'a-b': await declaredLink('a', 'b'), 'b-a': await declaredLink('b', 'a') };
    expect(links['a-b']).toMatchObject({ state: 'following', fence: 'acl' });
    await createTopic(shared.a.app, topic, { partitions: 1 });
    await produce(shared.a.app, topic, ['one', 'two']);
    await eventually('the copy is level', async () => {
      const [partition] = (await told.api.b.topic(topic)).partitionViews;
      return partition?.copiedTo === '2' ? true : undefined;
    });
    for (const site of ['a', 'b'] as const) {
      const { channel } = await told.api[site].pair();
      expect(channel).toMatchObject({ state: 'following' });
    }
    const { events } = await told.api.b.events({ limit: 100 });
    const changes = events.flatMap((event) => (event.type === 'change' ? [`${event.who}: ${event.subject}`] : []));
    expect(changes).toEqual(expect.arrayContaining([expect.stringMatching(/^spec: link a-b, revision \d$/)]));
  },
  boundMs,
);

test(
  'a link that topics follow is not deleted: the same refusal as over the API, and the document declares it again',
  async () => {
    await beginUpdate();
    await expect(plugins.ShadowLink.delete('a-b', links['a-b'])).rejects.toMatchObject({
      details: expect.stringContaining(`link a-b follows 1 topic (${topic})`) as string,
    });
    // What was taken back is taken note of a moment later.
    await eventually('it is as it was', async () => {
      const { outputs } = await plugins.ShadowLink.read('a-b', links['a-b']);
      return outputs['state'] === 'following' ? true : undefined;
    });
    expect((await told.api.b.links()).map(({ id }) => id)).toEqual(['a-b']);
  },
  boundMs,
);

test(
  'a document that is lost changes nothing; it is told, a worker that takes the lead keeps what was in force, and the next declaration mends it',
  async () => {
    await beginUpdate();
    const client = new S3Client({ region: 'eu-west-1' });
    await client.send(new DeleteObjectCommand({ Bucket: told.buckets.b, Key: 'pair/spec.json' }));
    client.destroy();
    const lost = async (): Promise<true | undefined> =>
      (await told.api.b.pair()).channel?.state === 'lost' ? true : undefined;
    await eventually('the loss is seen', lost);
    expect(await metricsOf('b')).toMatch(/^umbra_spec_channel_well\{[^}]*site="b"[^}]*\} 0$/m);
    await told.restart('b');
    await eventually('the worker after it sees it, too', lost);
    await produce(shared.a.app, topic, ['three']);
    await eventually('the copy goes on', async () =>
      (await told.api.b.topic(topic)).partitionViews[0]?.copiedTo === '3' ? true : undefined,
    );
    const { events } = await told.api.b.events({ limit: 100 });
    expect(events).toContainEqual(expect.objectContaining({ kind: 'spec channel changed', level: 'error' }));
    // Nothing is to be changed: a refresh shows that something has to be done.
    const { outputs } = await plugins.ShadowLink.read('a-b', links['a-b']);
    expect(outputs).toMatchObject({ state: 'undeclared' });
    const { state: _state, fence: _fence, ...news } = links['a-b'];
    expect(await plugins.ShadowLink.diff({ olds: outputs, news, oldInputs: news })).toMatchObject({
      changed: ['state'],
    });
    links['a-b'] = await plugins.ShadowLink.update({ olds: outputs, news, oldInputs: news });
    expect(links['a-b']).toMatchObject({ state: 'following' });
    expect((await told.api.b.pair()).channel).toMatchObject({ state: 'following' });
  },
  boundMs,
);
