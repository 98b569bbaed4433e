import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type LinkView } from '../../src/worker/views.ts';
import { type SiteId, sites } from '../../src/pair/site.ts';
import { renderSiteAcls } from '../../src/prefix-policy/acls.ts';
import { testOwners } from '../fixtures/brokers.ts';
import { startTestCluster, type TestCluster } from '../fixtures/cluster.ts';
import { createTopic } from '../fixtures/kafkajs.ts';
import { following, startPair, type TestPair } from '../fixtures/pair.ts';
import { startSteadyLoad, type SteadyLoad } from '../fixtures/steady-load.ts';
import { eventually } from '../fixtures/wait.ts';
import { cpuSeconds, metric } from '../fixtures/worker-metrics.ts';

/** How long a broker stays frozen. Longer than the worker's patience for an answer (40 s) in the long version. */
const pauseMs = Number(process.env['BROKER_PAUSE_MS'] ?? '4000');
const topic = 'a_restarts';
const recoveryMs = 60_000;
const dayMs = 86_400_000;
let clusters: Readonly<Record<SiteId, TestCluster>>;
let pair: TestPair;
let load: SteadyLoad;
let workers: readonly number[];

beforeAll(async () => {
  const start = async (site: SiteId): Promise<TestCluster> => {
    const cluster = await startTestCluster({ name: `restart-${site}` });
    const principals = { umbra: 'User:umbra', app: 'User:app' };
    await cluster.grant(renderSiteAcls({ site, owners: testOwners, principals }));
    return cluster;
  };
  const [a, b] = await Promise.all([start('a'), start('b')]);
  clusters = { a, b };
  pair = await startPair({ clusters: { a: a.connection('umbra'), b: b.connection('umbra') } });
  await createTopic(a.connection('app'), topic, { partitions: 6 });
  workers = await workerPids();
});

afterAll(async () => {
  await pair.remove();
  await Promise.all(sites.map((site) => clusters[site].remove()));
});

beforeEach(async () => {
  // A broker that comes back has forgotten who wrote records this old: nothing but the log itself says what was copied.
  load = startSteadyLoad(clusters.a.connection('app'), { topic, ageMs: 2 * dayMs });
  const before = (await copied()) ?? 0;
  await eventually('the link copies', async () => ((await copied()) ?? 0) > before + 500 || undefined, recoveryMs);
});

afterEach(async () => {
  await load.stop();
  for (const site of sites) {
    await clusters[site].broker.resume().catch(() => undefined);
    await clusters[site].broker.start();
  }
});

async function copied(): Promise<number | undefined> {
  return pair.api.b.topic(topic).then(
    (view) => view.copied.records,
    () => undefined,
  );
}

async function workerPids(): Promise<readonly number[]> {
  return Promise.all(sites.map(async (site) => (await pair.api[site].pair()).worker.pid));
}

function linkInState(state: LinkView['state'], problem = /(?:)/): Promise<LinkView> {
  return eventually(
    `link a-b is ${state}`,
    async () => {
      const link = (await pair.api.b.links()).find(({ id }) => id === 'a-b');
      return link?.state === state && problem.test(link.problem ?? '') ? link : undefined;
    },
    recoveryMs,
  );
}

/** Everything that the source acknowledged is in the copy, the logs are equal, and nobody was restarted for it. */
async function expectWhole(): Promise<void> {
  await linkInState('following');
  await load.stop();
  await pair.topic(topic, following, recoveryMs);
  const report = await pair.verify([topic]);
  expect(report.totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, behind: 0 });
  for (const { partition, copyEnd } of report.topics[0]?.partitions ?? []) {
    expect(BigInt(copyEnd)).toBeGreaterThanOrEqual(load.ends.get(partition) ?? 0n);
  }
  expect(await workerPids()).toEqual(workers);
}

/** While something is down the worker asks again, but neither often nor with much CPU. */
async function expectPatience(failures: string): Promise<void> {
  const pid = workers[1]!;
  const atMs = performance.now();
  const [failed, cpu] = [await metric(pair.api.b, failures), await cpuSeconds(pid)];
  await eventually('three seconds have passed', () => performance.now() - atMs > 3_000 || undefined);
  const seconds = (performance.now() - atMs) / 1000;
  const perSecond = ((await metric(pair.api.b, failures)) - failed) / seconds;
  const share = ((await cpuSeconds(pid)) - cpu) / seconds;
  expect(perSecond).toBeLessThan(20);
  expect(share).toBeLessThan(0.3);
}

test('a killed target broker is waited for, and the copy goes on when it is back', async () => {
  await clusters.b.broker.kill();
  await linkInState('target-unreachable', /no broker of site b answers: .* refuses connections/);
  await expectPatience('umbra_link_target_failures_total');
  await clusters.b.broker.start();
  await expectWhole();
});

test('a killed source broker is waited for, and the copy goes on when it is back', async () => {
  await clusters.a.broker.kill();
  await linkInState('source-unreachable', /no broker of site a answers: .* refuses connections/);
  await expectPatience('umbra_link_source_failures_total');
  await clusters.a.broker.start();
  await expectWhole();
});

test.each(sites)(
  'a broker of site %s that is frozen for a while delays the copy and nothing else',
  async (site) => {
    await clusters[site].broker.pause();
    const atMs = performance.now();
    await eventually('the pause is over', () => performance.now() - atMs > pauseMs || undefined, pauseMs * 2);
    await clusters[site].broker.resume();
    await expectWhole();
  },
  120_000 + 2 * pauseMs,
);

test('both brokers stopped and started again', async () => {
  await Promise.all(sites.map((site) => clusters[site].broker.stop()));
  await linkInState('target-unreachable');
  await Promise.all(sites.map((site) => clusters[site].broker.start()));
  await expectWhole();
});
