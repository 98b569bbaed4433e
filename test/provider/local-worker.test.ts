import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { localWorkerHandler } from '../../src/provider/handlers/local-worker.ts';
import {
  encodeProperties,
  type PropertyMap,
  SecretProperty,
  unknownValue,
} from '../../src/provider/server/property.ts';
import { hookArgs } from '../../src/provider/resources/hook-args.ts';
import { bindResource } from '../../src/provider/server/resource.ts';
import { workerConfigSchema } from '../../src/worker/worker-config.ts';
import { catalogueOf, fakeWorkers, type FakeWorkers } from './fakes.ts';
import { type PluginClient, refusal, startPlugin, unfinishedOf } from './plugin-client.ts';

const password = 'hunter2-hunter2';
const cluster = (port: number, secret: PropertyMap[string] = new SecretProperty(password)): PropertyMap => ({
  bootstrapServers: [`127.0.0.1:${port}`],
  sasl: { mechanism: 'SCRAM-SHA-512', username: 'umbra', password: secret },
});
const news = { pair: 'shop', site: 'a', clusters: { a: cluster(9092), b: cluster(9093) } };

let workers: FakeWorkers;
let plugin: PluginClient;

beforeEach(async () => {
  workers = fakeWorkers();
  plugin = await startPlugin(catalogueOf(bindResource(localWorkerHandler(workers))), 'umbra:index:LocalWorker');
});
afterEach(() => plugin.close());

async function created(): Promise<PropertyMap> {
  return (await plugin.create(news)).outputs;
}

describe('check', () => {
  test('passwords and tokens become secrets whatever the program says', async () => {
    const plain = { ...news, clusters: { a: cluster(1, password), b: cluster(2) }, apiToken: 'sixteen-characters' };
    const { inputs, failures } = await plugin.check(plain);
    expect(failures).toEqual([]);
    const wanted = {
      ...plain,
      clusters: { a: cluster(1), b: cluster(2) },
      apiToken: new SecretProperty('sixteen-characters'),
    };
    expect(encodeProperties(inputs)).toEqual(encodeProperties(wanted));
  });

  test.each([
    [
      { ...news, clusters: { a: cluster(1), b: cluster(70_000) } },
      /^\| clusters\.b\.bootstrapServers\[0\]: port must be/,
    ],
    [{ ...news, clusters: { a: cluster(1), b: cluster(2, '') } }, /^\| clusters\.b\.sasl\.password: must not be empty/],
    [{ ...news, apiToken: 'short' }, /^\| apiToken: must have at least 16/],
    [{ ...news, pair: 'Shop' }, /^pair\| pair: must match/],
    [{ ...news, logLevel: 'loud' }, /^logLevel\| logLevel: /],
  ])('a wrong field is refused by its path; what holds secrets is not named as a property', async (wrong, reason) => {
    const { failures } = await plugin.check(wrong);
    expect(failures).toEqual([expect.stringMatching(reason)]);
    expect(JSON.stringify(failures)).not.toContain(password);
  });

  test('a cluster that is not known yet is not judged', async () => {
    const clusters: PropertyMap = { a: cluster(1), b: { ...cluster(2), bootstrapServers: unknownValue } };
    expect((await plugin.check({ ...news, clusters })).failures).toEqual([]);
  });

  test('a pair that exists keeps its name', async () => {
    const { failures } = await plugin.check({ ...news, pair: 'other' }, news);
    expect(failures).toEqual([expect.stringMatching(/^pair\| cannot change from "shop"/)]);
  });
});

describe('hooks', () => {
  const secret = 'do-not-print-me';
  const hook = (url: string): PropertyMap => ({ kind: 'webhook', url, headers: { Authorization: secret } });
  const hooked = { ...news, repoint: [hook(`https://x.example/${secret}`)] };

  test('are a secret as a whole, whatever the program says, and reach the worker in clear', async () => {
    const { inputs, failures } = await plugin.check(hooked);
    expect(failures).toEqual([]);
    expect(inputs['repoint']).toBeInstanceOf(SecretProperty);
    const { outputs } = await plugin.create(inputs);
    expect(JSON.stringify([inputs, outputs, workers.started, plugin.texts()])).not.toContain(secret);
    const { repoint = [] } = workers.started[0]!;
    expect(hookArgs(repoint)).toMatchObject(hooked.repoint);
    const again = workerConfigSchema.shape.repoint.parse(hookArgs(repoint)) ?? [];
    expect(hookArgs(again)).toEqual(hookArgs(repoint));
  });

  test('that cannot be are refused before anything is touched', async () => {
    const { failures } = await plugin.check({ ...news, repoint: [hook(`ftp://${secret}`)] });
    expect(failures).toEqual([expect.stringMatching(/^\| repoint\[0\]\.url: must be an http or https URL/)]);
    expect(JSON.stringify(failures)).not.toContain(secret);
    expect(workers.calls).toEqual([]);
  });

  test('a probe that would be umbra itself is refused', async () => {
    const client = { sasl: { mechanism: 'PLAIN', username: 'umbra', password: secret } };
    const { failures } = await plugin.check({ ...news, repoint: [{ kind: 'probe', topic: 'a_probe', client }] });
    expect(failures).toEqual([expect.stringMatching(/^\| repoint\[0\]\.client\.sasl\.username: is who umbra is/)]);
  });

  test('that change restart the worker, and replace nothing', async () => {
    const { inputs } = await plugin.check(hooked);
    const change = { olds: await created(), oldInputs: news, news: inputs };
    expect(await plugin.diff(change)).toEqual({ changed: ['repoint'], replaces: [], deleteFirst: false });
    const planned = await plugin.update(change, { preview: true });
    expect(planned).toMatchObject({ apiUrl: 'http://127.0.0.1:18080' });
    expect(plugin.texts()).toEqual(['would restart the worker (repoint changed)']);
    expect(JSON.stringify(planned)).not.toContain(secret);
  });
});

describe('canaries', () => {
  const client = (username: string): PropertyMap => ({
    ...{ bootstrapServers: ['127.0.0.1:9092'], sasl: { mechanism: 'SCRAM-SHA-512', username, password } },
  });
  const drilled = (username: string): PropertyMap => ({
    ...{ ...news, drills: { canary: { clients: { a: client('app'), b: client(username) } }, labels: ['lab'] } },
  });

  test('reach the worker with passwords that are secrets whatever the program says', async () => {
    const { inputs, failures } = await plugin.check(drilled('app'));
    expect(failures).toEqual([]);
    const { outputs } = await plugin.create(inputs);
    expect(JSON.stringify([inputs, outputs, workers.started, plugin.texts()])).not.toContain(password);
    const { drills } = workers.started[0]!;
    expect(drills).toMatchObject({
      canary: { rate: 1, clients: { b: { sasl: { username: 'app' } } } },
      labels: ['lab'],
    });
  });

  test('that would be umbra itself are refused before anything is touched', async () => {
    const { failures } = await plugin.check(drilled('umbra'));
    expect(failures).toEqual([
      '| drills.canary.clients.b.sasl.username: is who umbra is: a canary has to be an application',
    ]);
    expect(workers.calls).toEqual([]);
  });
});

describe('the clusters of a pair', () => {
  const ids = { a: 'one', b: 'two' };
  const old = { ...news, clusterIds: ids };
  const refusalOf = async (clusterIds: PropertyMap): Promise<readonly string[]> =>
    (await plugin.check({ ...news, clusterIds }, old)).failures;

  test('cannot be swapped, nor be other ones, while it has workers', async () => {
    expect(await refusalOf({ a: 'two', b: 'one' })).toEqual([
      expect.stringMatching(/^\| the sites are swapped: .*; give each site its own cluster back$/),
    ]);
    expect(await refusalOf({ a: 'one', b: 'three' })).toEqual([
      expect.stringMatching(/^\| site b is another Kafka cluster now \(id three, was two\), .*"npm run down"/),
    ]);
  });

  test('are not judged while an id is not known, or was not noted by an older version', async () => {
    expect(await refusalOf({ a: 'one', b: unknownValue })).toEqual([]);
    expect((await plugin.check(old, news)).failures).toEqual([]);
    const noted = { olds: await created(), oldInputs: news, news: old };
    await plugin.update(noted, { preview: true });
    expect(plugin.texts()).toEqual(['would start the worker again']);
  });
});

describe('diff', () => {
  test('a changed password restarts the worker in place', async () => {
    const next = { ...news, clusters: { a: cluster(9092, new SecretProperty('another')), b: cluster(9093) } };
    const diff = await plugin.diff({ olds: await created(), oldInputs: news, news: next });
    expect(diff).toEqual({ changed: ['clusters'], replaces: [], deleteFirst: false });
  });

  test('an address that is not known yet is a change, not a replacement', async () => {
    const clusters: PropertyMap = { a: { ...cluster(9092), bootstrapServers: unknownValue }, b: cluster(9093) };
    const diff = await plugin.diff({ olds: await created(), oldInputs: news, news: { ...news, clusters } });
    expect(diff).toEqual({ changed: ['clusters'], replaces: [], deleteFirst: false });
  });
});

test('of several workers of a site each has its number in its name', async () => {
  const { id } = await plugin.create({ ...news, number: 2 });
  expect(id).toBe('worker-a-2');
  expect(workers.started.at(-1)).toMatchObject({ site: 'a', number: 2 });
});

test('a worker gets its passwords, and they stay secrets in what is stored', async () => {
  const { id, outputs } = await plugin.create({ ...news, apiToken: new SecretProperty('sixteen-characters') });
  expect(id).toBe('worker-a');
  expect(outputs).toMatchObject({ apiUrl: 'http://127.0.0.1:18080', pid: 4711, running: true });
  expect(JSON.stringify(outputs)).not.toContain(password);
  expect(workers.started[0]?.apiToken?.reveal()).toBe('sixteen-characters');
  const { sasl } = workers.started[0]!.clusters.b;
  expect(sasl !== undefined && 'password' in sasl ? sasl.password.reveal() : '').toBe(password);
  expect(JSON.stringify(workers.started)).not.toContain(password);
});

test('a preview says what would start and changes nothing', async () => {
  const { outputs } = await plugin.create(news, { preview: true });
  expect(outputs['apiUrl']).toBe(unknownValue);
  expect(plugin.texts()).toEqual(['would start the worker of site a']);
  expect(workers.calls).toEqual([]);
});

test('a preview of a restart keeps the address, and a moved one is not known', async () => {
  const olds = await created();
  const restart = { olds, oldInputs: news, news: { ...news, logLevel: 'debug' } };
  expect(await plugin.update(restart, { preview: true })).toMatchObject({ apiUrl: 'http://127.0.0.1:18080' });
  const move = { olds, oldInputs: news, news: { ...news, apiPort: 18_081 } };
  expect((await plugin.update(move, { preview: true }))['apiUrl']).toBe(unknownValue);
  expect(plugin.texts()).toEqual([
    'would restart the worker (logLevel changed)',
    'would restart the worker (apiPort changed)',
  ]);
});

test('a dead worker is found with a warning; its address stays, and the next update starts it', async () => {
  const olds = await created();
  workers.condition = { kind: 'down', why: 'the worker of site a has died' };
  const seen = await plugin.read('worker-a', olds, news);
  expect(seen.outputs).toMatchObject({ running: false, apiUrl: 'http://127.0.0.1:18080' });
  expect(plugin.texts()).toEqual(['the worker of site a has died\n"pulumi up" starts it again.']);
  expect((await plugin.diff({ olds: seen.outputs, oldInputs: news, news })).changed).toEqual(['running']);
  await plugin.update({ olds: seen.outputs, oldInputs: news, news });
  expect(workers.calls).toEqual(['start shop-a', 'start shop-a']);
});

test('a worker without files is gone', async () => {
  const olds = await created();
  workers.condition = { kind: 'absent' };
  expect((await plugin.read('worker-a', olds, news)).id).toBe('');
});

test('a worker that does not become ready is an error; one that left files behind stays in the state', async () => {
  workers.failing = new Error('the worker ended before it was ready');
  expect(await refusal(plugin.create(news))).toBe('the worker ended before it was ready');
  workers.condition = { kind: 'down', why: 'it died' };
  const unfinished = await plugin.create(news).catch(unfinishedOf);
  expect(unfinished).toMatchObject({ id: 'worker-a', reasons: ['the worker ended before it was ready'] });
});

test('an unfinished worker can be deleted', async () => {
  workers.failing = new Error('no');
  workers.condition = { kind: 'down', why: 'it died' };
  const unfinished = (await plugin.create(news).catch(unfinishedOf)) as { id: string; outputs: PropertyMap };
  await plugin.delete(unfinished.id, unfinished.outputs);
  expect(workers.calls.at(-1)).toBe('delete shop-a');
});
