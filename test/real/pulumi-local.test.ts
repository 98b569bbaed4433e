import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Kafka, type KafkaConfig, logLevel, Partitioners } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiClient } from '../../src/api/client.ts';
import type { DrillsClient } from '../../src/api/drill-client.ts';
import { capture } from '../../tools/child-process.ts';
import { ended } from '../fixtures/drilled.ts';
import { eventually } from '../fixtures/wait.ts';
import { openStack, type StackOutputs, takeAway, type TestStack } from '../infra/real-engine.ts';

const testMs = 240_000;
const topic = 'a_orders';

let stack: TestStack;
let outputs: StackOutputs;
let applicationAcls: readonly string[];

// One pair for the whole file, in a row: each run of the engine is as dear as a broker, so each shows all it can.
beforeAll(async () => {
  // No canary topics beside those that are counted; the drill comes towards the end.
  stack = await openStack({ settings: { 'umbra:drills': [] } });
  const made = await stack.up();
  expect(made.errors, made.text).toEqual([]);
  outputs = await stack.outputs();
}, testMs);

afterAll(async () => {
  await takeAway(stack);
}, testMs);

describe('pulumi up, target local', { timeout: testMs }, () => {
  test('ends with two links that follow, and a topic of an application follows', async () => {
    expect(outputs.links).toEqual({ 'a-b': 'following', 'b-a': 'following' });
    expect(await stack.resources()).toEqual(expect.arrayContaining([...expectedResources]));
    await produceAtA(['one', 'two']);
    const link = await eventually('the topic follows', async () => {
      const [view] = await createApiClient({ url: outputs.api.b }).links();
      return view?.topics.following === 1 ? view : undefined;
    });
    expect(link).toMatchObject({ id: 'a-b', state: 'following', fence: 'acl' });
  });

  test('refuses new prefixes under links in the preview, with every ACL still as it was', async () => {
    const refused = await stack.configured({ 'umbra:prefixes': { a: 'x_', b: 'y_' } }, () => stack.up());
    expect(refused.code).not.toBe(0);
    expect(refused.errors.join('\n')).toMatch(
      /the link .* runs under the present prefixes; 1 topic \(a_orders\) would/,
    );
    await produceAtA(['three']);
  });

  test('again, after that too, has nothing to do', async () => {
    // Its preview first, then what it would do.
    const again = await stack.up('--expect-no-changes');
    expect(again.code, again.text).toBe(0);
  });

  test('refuses to delete a link that a topic follows: removed from the program, or destroyed', async () => {
    const worker = createApiClient({ url: outputs.api.b });
    const before = await stack.resources();
    const removed = await stack.configured({ 'umbra:links': ['b-a'] }, () => stack.up('--skip-preview'));
    expect(removed.code).not.toBe(0);
    expect(removed.errors).toEqual([
      expect.stringMatching(/^link a-b follows 1 topic \(a_orders\), .*onDelete: "detach"/),
    ]);
    expect([...(await stack.resources())].sort()).toEqual([...before].sort());
    expect((await worker.links()).map(({ id, topics }) => [id, topics.following])).toEqual([['a-b', 1]]);

    const destroyed = await stack.pulumi('destroy', '--yes');
    expect(destroyed.code).not.toBe(0);
    expect(destroyed.errors).toEqual([expect.stringMatching(/^link a-b follows 1 topic/)]);
    expect((await worker.links()).map(({ state }) => state)).toEqual(['following']);
  });

  test('repairs what a refused destroy left, and shows every ACL of an application and every drill before they are there', async () => {
    const granted = await stack.configured({ 'umbra:policy': ofOneApplication, ...drilled }, () => stack.up());
    expect(granted.errors, granted.text).toEqual([]);
    expect((await stack.outputs()).links).toEqual({ 'a-b': 'following', 'b-a': 'following' });
    applicationAcls = shownAcls(granted.text, 'add');
    expect(applicationAcls).toHaveLength(8);
    expect(applicationAcls).toContain('ALLOW User:orders WRITE TOPIC a_orders_*');
    expect(await grantedAtA()).toMatchObject({ wanted: 8, created: 8, refused: { count: 0 } });
    expect(granted.text).toMatch(/would declare the drill canary \(L2\) at site b: At 03:00, by the clock of UTC/);
    expect(await stack.resources()).toContain(declaredDrill);
  });

  test('the drill that was declared with it has its times, and runs', async () => {
    const worker = createApiClient({ url: outputs.api.b });
    const { next } = await worker.drills.get('canary');
    expect(next[0]?.at).toMatch(/T03:00:00/);
    const run = await ended(worker, await asked(worker.drills));
    expect(run, run.reasons.join('\n')).toMatchObject({ verdict: 'PASSED', rpoRecords: 0, requestedBy: 'the test' });
    const reports = await readdir(join(stack.root, '.umbra/evidence/pair/b'));
    expect(reports.filter((name) => name.startsWith('00000001-') && name.endsWith('.json'))).toHaveLength(1);
  });

  test('starts a killed broker and a killed worker again, with their data, and takes ACLs back, all shown before', async () => {
    await killNoted(join(stack.root, '.umbra/workers/pair-b/worker.pid'));
    await killNoted(join(stack.root, '.umbra/clusters/b/broker-1/broker.pid'));
    // For the end of this file.
    await stack.setConfig({ 'umbra:onDelete': 'detach' });
    // Its preview first.
    const healed = await stack.configured(drilled, () => stack.up());
    expect(healed.text).toMatch(/broker 1 of site b has died/);
    expect(healed.text).toMatch(/would start the broker again; its data is kept/);
    expect(healed.text).toMatch(/would start the worker again/);
    expect(shownAcls(healed.text, 'remove')).toEqual(applicationAcls);
    expect(healed.errors, healed.text).toEqual([]);
    expect(await stack.outputs()).toMatchObject({ api: outputs.api, bootstrapServers: outputs.bootstrapServers });
    expect(await grantedAtA()).toMatchObject({ wanted: 0, removed: 8 });
    const worker = createApiClient({ url: outputs.api.b });
    await eventually('the topic follows again', async () => {
      const view = await worker.topic(topic);
      return view.state === 'following' && view.partitionViews[0]?.copiedTo === '3' ? view : undefined;
    });
  });

  test('takes a drill back that is not declared any more', async () => {
    const taken = await stack.up('--skip-preview');
    expect(taken.errors, taken.text).toEqual([]);
    expect(await stack.resources()).not.toContain(declaredDrill);
    const { drills: api } = createApiClient({ url: outputs.api.b });
    const left = await eventually('the worker is back', () => api.all());
    expect(left.drills).toEqual([]);
  });

  test('writes no password into state, history, terminal, logs or the process list', async () => {
    const passwords = await Promise.all(['a', 'b'].map(passwordsOf));
    const secrets = passwords.flat();
    expect(secrets.length).toBeGreaterThanOrEqual(6);
    const logs = ['a', 'b'].map((site) => readFile(join(stack.root, `.umbra/workers/pair-${site}/worker.log`), 'utf8'));
    const processes = await capture('ps', ['axww', '-o', 'args'], { signal: AbortSignal.timeout(10_000) });
    const state = await stack.stateFiles();
    expect(state.join()).toContain('umbraPassword');
    const texts = [...state, ...stack.shown, processes.stdout, ...(await Promise.all(logs))];
    for (const secret of secrets) expect(texts.filter((text) => text.includes(secret))).toEqual([]);
  });

  test('detached, destroy leaves no process and no file behind but what drills have recorded', async () => {
    const destroyed = await stack.pulumi('destroy', '--yes');
    expect(destroyed.errors, destroyed.text).toEqual([]);
    expect(await stack.resources()).toEqual([]);
    const processes = await capture('ps', ['axww', '-o', 'args'], { signal: AbortSignal.timeout(10_000) });
    expect(processes.stdout).not.toContain(stack.root);
    const left = await capture('find', [stack.root, '-type', 'f'], { signal: AbortSignal.timeout(10_000) });
    const kept = /\/\.umbra\/(evidence\/pair\/b\/|evidence-key\.pem$|canaries\/pair\/)/;
    expect(left.stdout.split('\n').filter((file) => file !== '' && !kept.test(file))).toEqual([]);
    expect(left.stdout).toContain('/.umbra/evidence/pair/b/head.json');
  });
});

/** Begun as soon as canaries are green: they have just been told who they are. */
async function asked(api: DrillsClient): Promise<string> {
  return eventually(
    'the canaries are green',
    async () => {
      const { blockers } = await api.plan('canary');
      return blockers.length === 0 ? (await api.begin('canary', 'the test')).run.id : undefined;
    },
    60_000,
  );
}

const drill = { name: 'canary', level: 'L2', site: 'b', schedule: { cron: '0 3 * * *' }, baseline: '1s' };
const drilled = { 'umbra:drills': [drill] };

const ofOneApplication = { applications: { a: [{ principal: 'User:orders', writes: 'a_orders_', reads: false }] } };

/** What the text says that would be done to ACLs at site a. */
function shownAcls(text: string, what: 'add' | 'remove'): readonly string[] {
  const lines = text.matchAll(new RegExp(`would ${what} the ACL (.*) at site a`, 'g'));
  return [...new Set(Array.from(lines, ([, acl = '']) => acl))].sort();
}

async function grantedAtA(): Promise<object> {
  return (await createApiClient({ url: outputs.api.a }).acls()).applications;
}

const pair = 'umbra:index:RegionPair';
const declaredDrill = `${pair}$umbra:index:DrillSchedule pair-drill-canary`;
const expectedResources = [
  `${pair} pair`,
  `${pair}$umbra:index:LocalCluster pair-cluster-a`,
  `${pair}$umbra:index:LocalWorker pair-worker-b`,
  `${pair}$umbra:index:PrefixPolicy pair-prefix-policy`,
  `${pair}$umbra:index:SchemaPrimary pair-schema-primary`,
  `${pair}$umbra:index:ShadowLink pair-link-a-b`,
  `${pair}$umbra:index:ShadowLink pair-link-b-a`,
];

/** As a user does: with the file that the stack's outputs name. */
async function produceAtA(values: readonly string[]): Promise<void> {
  const file = outputs.clientFiles['a']?.['appKafkajs'] ?? '';
  const { config } = (await import(pathToFileURL(file).href)) as { config: KafkaConfig };
  const kafka = new Kafka({ ...config, logLevel: logLevel.NOTHING });
  const [admin, producer] = [kafka.admin(), kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })];
  await admin.connect();
  await producer.connect();
  try {
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
    await producer.send({ topic, acks: -1, messages: values.map((value) => ({ value })) });
  } finally {
    await producer.disconnect();
    await admin.disconnect();
  }
}

async function killNoted(pidFile: string): Promise<void> {
  const { pid } = JSON.parse(await readFile(pidFile, 'utf8')) as { pid: number };
  process.kill(pid, 'SIGKILL');
  await eventually('it is gone', async () => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    return stat === undefined || / Z /.test(stat) ? true : undefined;
  });
}

async function passwordsOf(site: string): Promise<readonly string[]> {
  const file = join(stack.root, '.umbra/clusters', site, 'credentials.json');
  return Object.values(JSON.parse(await readFile(file, 'utf8')) as Record<string, string>);
}
