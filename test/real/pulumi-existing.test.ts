import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createApiClient } from '../../src/api/client.ts';
import type { ClusterConfigInput } from '../../src/kafka/cluster-config.ts';
import { Secret } from '../../src/kafka/secret.ts';
import { startLocalWorker, stopLocalWorker } from '../../src/local/local-worker.ts';
import { otherSite, sites } from '../../src/pair/site.ts';
import { renderSiteAcls } from '../../src/prefix-policy/acls.ts';
import { startTestCluster, type TestCluster } from '../fixtures/cluster.ts';
import { createTopic, logEnds, produce } from '../fixtures/kafkajs.ts';
import { testFolder } from '../fixtures/test-root.ts';
import { eventually } from '../fixtures/wait.ts';
import { openStack, takeAway, type TestStack } from '../infra/real-engine.ts';

const testMs = 240_000;
const owners = { a: 'a_', b: 'b_' };
const wrongPassword = 'not-the-password-of-umbra';

let secured: TestCluster;
let plain: TestCluster;
let stack: TestStack;
let password: string;

// Two clusters that the program did not start: the newest Kafka with SASL and ACLs, an older one with neither.
beforeAll(async () => {
  [secured, plain] = await Promise.all([
    startTestCluster({ name: 'a', version: '4.3.1', security: 'scram' }),
    startTestCluster({ name: 'b', version: '3.9.2', security: 'none' }),
  ]);
  const principals = { umbra: 'User:umbra', app: 'User:app' };
  await secured.grant(renderSiteAcls({ site: 'a', owners, principals }));
  password = passwordOf(secured.connection('umbra'));
  stack = await openStack();
}, testMs);

afterAll(async () => {
  await takeAway(stack);
  await Promise.all([secured.remove(), plain.remove()]);
}, testMs);

describe('pulumi up, target existing', { timeout: testMs }, () => {
  test('a wrong password, and an address where nobody listens: one clear line each, nothing in the state', async () => {
    const nobody = { 'umbra:sites.b.bootstrapServers[0]': '127.0.0.1:1' };
    await stack.setConfig({ ...sitesAsTheyAre(), ...nobody }, passwordOfA(wrongPassword));
    const run = await stack.up();
    expect(run.code).not.toBe(0);
    expect(run.errors).toEqual([expect.stringMatching(/^umbra:sites\.a: 127\.0\.0\.1:\d+ refuses user "umbra"/)]);
    const lines = run.text.split('\n').map((line) => line.trim());
    const ofSites = lines.filter((line) => line.startsWith('umbra:sites.'));
    expect([...new Set(ofSites)], run.text).toEqual([expect.stringMatching(/^umbra:sites\.b: .*127\.0\.0\.1:1\b/)]);
    expect(run.text).not.toContain(wrongPassword);
    expect(await stack.resources()).toEqual([]);
  });

  test('one cluster under two names: one clear line, nothing in the state', async () => {
    const port = plain.bootstrapServers[0]?.split(':')[1] ?? '';
    const sites = {
      a: { bootstrapServers: plain.bootstrapServers },
      b: { bootstrapServers: [`localhost:${port}`] },
    };
    const run = await stack.configured({ 'umbra:target': 'existing', 'umbra:sites': sites }, () => stack.up());
    expect(run.code).not.toBe(0);
    expect(run.errors).toEqual([expect.stringMatching(/^umbra:sites\.b: is the same cluster as site a/)]);
    expect(await stack.resources()).toEqual([]);
  });

  test('right, it links both ways, and names the cluster without authorizer', async () => {
    await stack.setConfig(sitesAsTheyAre(), passwordOfA(password));
    const run = await stack.up('--skip-preview');
    expect(run.errors, run.text).toEqual([]);
    expect(run.text).toContain('umbra:sites.b: this cluster has no authorizer');
    const { links, api } = await stack.outputs();
    expect(links).toEqual({ 'a-b': 'following', 'b-a': 'following' });
    await createTopic(secured.connection('admin'), 'a_there');
    await produce(secured.connection('admin'), 'a_there', ['one', 'two']);
    await createTopic(plain.connection('admin'), 'b_there');
    await produce(plain.connection('admin'), 'b_there', ['one', 'two', 'three']);
    for (const [url, fence] of [
      [api.b, 'unfenced'],
      [api.a, 'acl'],
    ] as const) {
      await eventually(`a topic follows at ${url}`, async () => {
        const [link] = await createApiClient({ url }).links();
        return link?.topics.following === 1 && link.fence === fence ? true : undefined;
      });
    }
    for (const text of [...(await stack.stateFiles()), ...stack.shown]) expect(text).not.toContain(password);
  });

  test('a second one does nothing but what is new; detached, destroy leaves clusters, topics and data alone', async () => {
    await stack.setConfig({ 'umbra:onDelete': 'detach' });
    const set = await stack.up('--skip-preview');
    expect(set.errors, set.text).toEqual([]);
    // The pair and both links.
    expect(set.text).toMatch(/^Resources:\n +~ 3 updated\n +5 unchanged$/m);
    const destroyed = await stack.pulumi('destroy', '--yes');
    expect(destroyed.errors, destroyed.text).toEqual([]);
    expect(await stack.resources()).toEqual([]);
    expect(await logEnds(secured.connection('admin'), 'a_there')).toEqual([2n]);
    expect(await logEnds(plain.connection('admin'), 'a_there')).toEqual([2n]);
    expect(await logEnds(secured.connection('admin'), 'b_there')).toEqual([3n]);
    expect(await logEnds(plain.connection('admin'), 'b_there')).toEqual([3n]);
  });
});

describe('pulumi up, workers that somebody else runs', { timeout: testMs }, () => {
  test('everything is declared to them, nothing is started here, and a destroy leaves them running', async () => {
    const bounds = { signal: AbortSignal.timeout(testMs) };
    const clusters = { a: secured.connection('umbra'), b: plain.connection('umbra') };
    const homes = { a: testFolder('elsewhere-a'), b: testFolder('elsewhere-b') };
    const apiToken = 'of-workers-elsewhere';
    const start = async (site: 'a' | 'b'): Promise<string> => {
      onTestFinished(() => stopLocalWorker({ home: homes[site] }, bounds));
      return (await startLocalWorker({ home: homes[site], pair: 'pair', site, clusters, apiToken }, bounds)).apiUrl;
    };
    const [urlA, urlB] = await Promise.all([start('a'), start('b')]);
    await stack.setConfig(
      { 'umbra:workers.a.url': urlA, 'umbra:workers.b.url': urlB, 'umbra:onDelete': 'detach' },
      { 'umbra:apiToken': apiToken },
    );
    const run = await stack.up('--skip-preview');
    expect(run.errors, run.text).toEqual([]);
    expect((await stack.resources()).filter((name) => /Worker|Cluster/.test(name))).toEqual([]);
    expect(await stack.outputs()).toMatchObject({ api: { a: urlA, b: urlB }, links: { 'a-b': 'following' } });
    const api = {
      a: createApiClient({ url: urlA, token: new Secret(apiToken) }),
      b: createApiClient({ url: urlB, token: new Secret(apiToken) }),
    };
    for (const site of sites) {
      expect((await api[site].links()).map(({ id }) => id)).toEqual([`${otherSite(site)}-${site}`]);
    }
    const again = await stack.up('--skip-preview', '--expect-no-changes');
    expect(again.errors, again.text).toEqual([]);
    const destroyed = await stack.pulumi('destroy', '--yes');
    expect(destroyed.errors, destroyed.text).toEqual([]);
    for (const site of sites) expect(await api[site].links()).toEqual([]);
  });
});

/** All but the password of site a. */
function sitesAsTheyAre(): Readonly<Record<string, string>> {
  return {
    'umbra:target': 'existing',
    'umbra:sites.a.bootstrapServers[0]': secured.bootstrapServers[0] ?? '',
    'umbra:sites.a.sasl.mechanism': 'SCRAM-SHA-512',
    'umbra:sites.a.sasl.username': 'umbra',
    'umbra:sites.b.bootstrapServers[0]': plain.bootstrapServers[0] ?? '',
  };
}

function passwordOfA(value: string): Readonly<Record<string, string>> {
  return { 'umbra:sites.a.sasl.password': value };
}

function passwordOf({ sasl }: ClusterConfigInput): string {
  if (sasl === undefined || !('password' in sasl)) throw new Error('this cluster has no passwords');
  return sasl.password;
}
