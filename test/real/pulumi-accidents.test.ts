import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, createApiClient } from '../../src/api/client.ts';
import { describeAcls } from '../../src/kafka/acl-admin.ts';
import { aclText } from '../../src/kafka/acl-words.ts';
import { type ClusterConfigInput, clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { inspectLocalCluster } from '../../src/local/local-cluster.ts';
import { stopEverything } from '../../src/local/registry.ts';
import { type SiteId, sites } from '../../src/pair/site.ts';
import type { MoveRequestInput, OperationView } from '../../src/worker/moves/operation-view.ts';
import { createTopic, logEnds, produce } from '../fixtures/kafkajs.ts';
import { eventually } from '../fixtures/wait.ts';
import { type CliRun, openStack, type StackOutputs, type TestStack } from '../infra/real-engine.ts';

const testMs = 240_000;

let stack: TestStack;
let outputs: StackOutputs;
let api: Readonly<Record<SiteId, ApiClient>>;
let admin: Readonly<Record<SiteId, ClusterConfigInput>>;
let before: Sight | undefined;
let staleState: string;
const filtered = { 'umbra:topics': { configs: { exclude: ['segment.ms'] } } };

// One pair for the whole file, and accidents in a row. Topic a_moved was failed over to b; a_stays and b_stays follow.
beforeAll(async () => {
  // Canaries would write all the time, and every log end is compared.
  stack = await openStack({ settings: { 'umbra:drills': [] } });
  const made = await stack.configured(filtered, () => stack.up('--skip-preview'));
  expect(made.errors, made.text).toEqual([]);
  outputs = await stack.outputs();
  api = { a: createApiClient({ url: outputs.api.a }), b: createApiClient({ url: outputs.api.b }) };
  admin = { a: await connection('a'), b: await connection('b') };
  staleState = join(stack.root, 'stale.json');
  await stack.pulumi('stack', 'export', '--file', staleState);
  const kept = join(stack.root, '.umbra/quarantine/pair-b/a_older');
  await mkdir(kept, { recursive: true });
  await writeFile(join(kept, 'manifest.json'), 'records that no cluster holds any more');
  await fill('a', 'a_moved');
  await moved('a_moved');
}, testMs);

afterAll(async () => {
  const { failures } = await stopEverything(join(stack.root, '.umbra'), { signal: AbortSignal.timeout(60_000) });
  expect(failures).toEqual([]);
}, testMs);

describe('nothing that Pulumi does by accident moves a role or takes a copy', { timeout: testMs }, () => {
  afterEach(async () => {
    // A worker that was started again, or has slept, answers a little later.
    const now = await eventually('both sites can be looked at', look);
    expect(now).toEqual(before);
  });

  test('destroy is refused while topics are away from home, also where no topic follows', async () => {
    const links = ['a-b', 'b-a'];
    before = await look();
    const run = await stack.pulumi('destroy', '--yes', '--skip-preview');
    refusedBy(
      run,
      links.map((id) => new RegExp(`^link ${id} is needed for 1 topic \\(a_moved\\) whose primary is not at home: `)),
    );
    await fill('a', 'a_stays');
    await fill('b', 'b_stays');
    before = await look();
  });

  test('a link, a worker or a cluster that gets another name stays what it is: only the name is forgotten', async () => {
    const run = await stack.programmed(
      (program) => program.replace("new RegionPair('pair'", "new RegionPair('renamed'"),
      () => stack.configured(filtered, () => stack.up('--skip-preview')),
    );
    expect(run.errors, run.text).toEqual([]);
    for (const id of ['cluster-a', 'cluster-b', 'worker-a', 'worker-b', 'a-b', 'b-a'])
      expect(run.text).toContain(`only the name is forgotten: ${id} was declared anew by this run`);
    const names = (await stack.resources()).map((resource) => resource.split(' ')[1]);
    expect(names).toContain('renamed-link-a-b');
    expect(names).not.toContain('pair-link-a-b');
  });

  test('a stale state, from before the failover and under the old names, changes nothing, nor does a filter of topic configs that is removed take a copy with it', async () => {
    const imported = await stack.pulumi('stack', 'import', '--file', staleState);
    expect(imported.code, imported.text).toBe(0);
    const run = await stack.up('--skip-preview');
    expect(run.errors, run.text).toEqual([]);
  });

  test('another name of the pair is refused before anything is done', async () => {
    const run = await stack.configured({ 'umbra:pair': 'other' }, () => stack.up('--skip-preview'));
    refusedBy(run, [/cannot change from "pair": .*; take it back, or destroy the pair first$/]);
  });

  test('other prefixes are refused before any resource is looked at, with the copies that would lose their protection', async () => {
    const narrower = { 'umbra:prefixes': { a: 'a_m', b: 'b_' } };
    const run = await stack.configured(narrower, () => stack.up('--skip-preview'));
    refusedBy(run, [
      /^umbra:prefixes: the link a-b, b-a runs under the present prefixes; 1 topic \(a_stays\) would not be protected any more\. /,
    ]);
  });

  test('swapped sites are refused before any resource is looked at: each cluster knows which one it is', async () => {
    const swapped = { 'umbra:target': 'existing', 'umbra:sites': { a: admin.b, b: admin.a } };
    const run = await stack.configured(swapped, () => stack.up('--skip-preview'));
    refusedBy(run, [
      /^umbra:sites\.a: this cluster is site b of a pair, .* are the sites swapped\? Give each its own cluster back$/,
    ]);
    expect(run.text).toContain('umbra:sites.b: this cluster is site a of a pair');
  });

  test('a cluster that is replaced by force keeps its data', async () => {
    const run = await stack.up('--skip-preview', '--replace', urnOf('LocalCluster', 'pair-cluster-b'));
    expect(run.errors, run.text).toEqual([]);
    expect(run.text).toContain('only the name is forgotten: cluster-b');
  });

  test('a refresh after the failover reads who is primary, and declares nothing', async () => {
    const run = await stack.pulumi('refresh', '--yes', '--skip-preview');
    expect(run.errors, run.text).toEqual([]);
  });

  test('a change that is declared during an operation is refused, and of two at once one by the lock of the state', async () => {
    const link = urnOf('ShadowLink', 'pair-link-a-b');
    const gap = { 'umbra:gap': 'fill' };
    const refused = await whileMoving('a_stays', () =>
      stack.configured(gap, () => stack.up('--skip-preview', '--target', link)),
    );
    refusedBy(refused, [/^failover-\S+ moves topics of link a-b; nothing was changed\. /]);
    // The worker that was killed for it is started again by the one of these two that may.
    const runs = await Promise.all([stack.up('--skip-preview'), stack.up('--skip-preview')]);
    const done = runs.filter(({ code }) => code === 0);
    const locked = runs.filter(({ text }) => text.includes('the stack is currently locked by'));
    expect([...done, ...locked], runs.map(({ text }) => text).join('\n')).toHaveLength(2);
    expect(locked.length).toBeGreaterThan(0);
  });

  test('an old checkout that knows one link only is refused to delete the other one', async () => {
    const run = await stack.programmed(
      (program) =>
        program.replace('schemaPrimary, links, onDelete, gap },', "schemaPrimary, links: ['a-b'], onDelete, gap },"),
      () => stack.up('--skip-preview'),
    );
    refusedBy(run, [
      /^link b-a follows 1 topic \(b_stays\), which would not be protected any more; nothing was changed/,
    ]);
  });
});

function refusedBy(run: CliRun, lines: readonly RegExp[]): void {
  expect(run.code, run.text).not.toBe(0);
  const wanted = lines.map((line): unknown => expect.stringMatching(line));
  expect(run.errors.toSorted(), run.text).toEqual(wanted);
}

/** Everything that no accident may change. */
interface Sight {
  readonly roles: unknown;
  readonly topics: unknown;
  readonly acls: unknown;
  readonly links: unknown;
  readonly quarantine: string;
}

async function look(): Promise<Sight> {
  const both = async <T>(ask: (site: SiteId) => Promise<T>): Promise<Record<SiteId, T>> => ({
    a: await ask('a'),
    b: await ask('b'),
  });
  return {
    roles: await both(async (site) => api[site].roles()),
    ...(await logsAndRights()),
    links: await both(async (site) => (await api[site].links()).map(({ id, gap }) => [id, gap])),
    quarantine: await readFile(join(stack.root, '.umbra/quarantine/pair-b/a_older/manifest.json'), 'utf8'),
  };
}

async function logsAndRights(): Promise<Pick<Sight, 'topics' | 'acls'>> {
  const [topics, acls] = [new Map<string, unknown>(), new Map<SiteId, unknown>()];
  for (const site of sites) {
    const cluster = new Cluster(site, clusterConfigSchema.parse(admin[site]), { clientId: 'test' });
    try {
      for (const [name, { topicId }] of (await cluster.metadata('all')).topics) {
        if (/^[ab]_/.test(name)) topics.set(`${site} ${name}`, { topicId, ends: await logEnds(admin[site], name) });
      }
      const seen = await describeAcls(cluster);
      acls.set(site, seen.kind === 'seen' ? seen.acls.map(aclText).toSorted() : seen.kind);
    } finally {
      await cluster.close();
    }
  }
  return { topics, acls };
}

async function connection(site: SiteId): Promise<ClusterConfigInput> {
  const home = join(stack.root, '.umbra/clusters', site);
  const report = await inspectLocalCluster({ home }, { signal: AbortSignal.timeout(10_000) });
  if (report.kind === 'absent') throw new Error(`there is no cluster of site ${site}`);
  return report.cluster.connection('admin');
}

/** A topic with records whose copy is level. */
async function fill(home: SiteId, topic: string): Promise<void> {
  await createTopic(admin[home], topic);
  await produce(admin[home], topic, ['one', 'two', 'three']);
  const at = home === 'a' ? 'b' : 'a';
  await eventually(`${topic} is level`, async () => {
    const { state, partitionViews } = await api[at].topic(topic);
    return state === 'following' && partitionViews[0]?.copiedTo === '3' ? true : undefined;
  });
}

/** To site b, and known at both. */
async function moved(topic: string): Promise<void> {
  const { id } = await begun(topic);
  const operation = await eventually(`${id} is over`, async () => {
    const view = await api.b.operation(id);
    return over(view) ? view : undefined;
  });
  expect(operation.step.kind).toBe('done');
  await eventually('site a knows it', async () => ((await api.a.roles()).length > 0 ? true : undefined));
}

async function begun(topic: string): Promise<OperationView> {
  const request: MoveRequestInput = { kind: 'failover', topics: [topic] };
  return api.b.beginMove(request, (await api.b.planMove(request)).hash);
}

const over = ({ step }: OperationView): boolean => ['done', 'aborted'].includes(step.kind);

/**
 * What came of it while an operation waits for site a, whose worker was killed. One that is given up for want of an answer
 * before `work` is done is begun again: Pulumi may be slow.
 */
async function whileMoving(topic: string, work: () => Promise<CliRun>): Promise<CliRun> {
  const pidFile = await readFile(join(stack.root, '.umbra/workers/pair-a/worker.pid'), 'utf8');
  process.kill((JSON.parse(pidFile) as { pid: number }).pid, 'SIGKILL');
  let { id } = await begun(topic);
  const working = work();
  let atWork = true;
  const isAtWork = (): boolean => atWork;
  const ended = working.finally(() => (atWork = false)).catch(() => undefined);
  while (isAtWork()) {
    await Promise.race([
      ended,
      eventually(`${id} is over`, async () => (over(await api.b.operation(id)) ? true : undefined)),
    ]);
    if (isAtWork()) ({ id } = await begun(topic));
  }
  await api.b.abortOperation(id);
  await eventually(`${id} is given up`, async () => (over(await api.b.operation(id)) ? true : undefined));
  return working;
}

function urnOf(type: string, name: string): string {
  return `urn:pulumi:test::umbra::umbra:index:RegionPair$umbra:index:${type}::${name}`;
}
