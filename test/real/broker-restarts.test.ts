import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type LinkView } from '../../src/worker/views.ts';
import { type SiteId, sites } from '../../src/pair/site.ts';
import { renderSiteAcls } from '../../src/prefix-policy/acls.ts';
import { testOwners } from '../fixtures/brokers.ts';
import { comesBackSoon, startTestCluster, type TestCluster } from '../fixtures/cluster.ts';
import { createTopic } from '../fixtures/kafkajs.ts';
import { startPair, type TestPair } from '../fixtures/pair.ts';
import { startSteadyLoad, type SteadyLoad } from '../fixtures/steady-load.ts';
import { eventually } from '../fixtures/wait.ts';
import { metric } from '../fixtures/worker-metrics.ts';

/** How long a broker stays frozen. Longer than the worker's patience for an answer (40 s) in the long version. */
const pauseMs = Number(process.env['BROKER_PAUSE_MS'] ?? '4000');
const topic = 'a_restarts';
const partitions = 6;
const recoveryMs = 60_000;
const dayMs = 86_400_000;
let clusters: Readonly<Record<SiteId, TestCluster>>;
let pair: TestPair;
let load: SteadyLoad;
let workers: readonly number[];

beforeAll(async () => {
  const start = async (site: SiteId): Promise<TestCluster> => {
    const cluster = await startTestCluster({ name: `restart-${site}`, brokerSettings: comesBackSoon });
    const principals = { umbra: 'User:umbra', app: 'User:app' };
    await cluster.grant(renderSiteAcls({ site, owners: testOwners, principals }));
    return cluster;
  };
  const [a, b] = await Promise.all([start('a'), start('b')]);
  clusters = { a, b };
  pair = await startPair({ clusters: { a: a.connection('umbra'), b: b.connection('umbra') } });
  await createTopic(a.connection('app'), topic, { partitions });
  workers = await workerPids();
});

afterAll(async () => {
  await pair.abandon();
  await Promise.all(sites.map((site) => clusters[site].remove()));
});

beforeEach(async () => {
  // A broker that comes back has forgotten who wrote records this old: nothing but the log itself says what was copied.
  load = startSteadyLoad(clusters.a.connection('app'), { topic, partitions, pauseMs: 10, ageMs: 2 * dayMs });
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
  await pair.level(topic, recoveryMs);
  const report = await pair.verify([topic]);
  expect(report.totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, behind: 0 });
  for (const { partition, copyEnd } of report.topics[0]?.partitions ?? []) {
    expect(BigInt(copyEnd)).toBeGreaterThanOrEqual(load.ends.get(partition) ?? 0n);
  }
  expect(await workerPids()).toEqual(workers);
}

/** While something is down the worker goes on asking, at a rate that its pauses bound, whatever is asked. */
async function expectPatience(failures: string): Promise<void> {
  const failed = (): Promise<number> => metric(pair.api.b, failures);
  const [before, atMs] = [await failed(), performance.now()];
  const asked = await eventually('it has asked six more times', async () => {
    const more = (await failed()) - before;
    return more >= 6 ? more : undefined;
  });
  expect(asked / ((performance.now() - atMs) / 1000 + 1)).toBeLessThan(20);
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

test(
  'brokers that are frozen for a while, one, both, the other, delay the copy and nothing else',
  async () => {
    const [source, target] = [clusters.a.broker, clusters.b.broker];
    await source.pause();
    await delay(pauseMs / 2);
    await target.pause();
    await delay(pauseMs / 2);
    await source.resume();
    await delay(pauseMs / 2);
    await target.resume();
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
