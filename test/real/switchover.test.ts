import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SiteId, sites } from '../../src/pair/site.ts';
import { renderSiteAcls } from '../../src/prefix-policy/acls.ts';
import type { MoveRequestInput, OperationView } from '../../src/worker/moves/operation-view.ts';
import { testOwners } from '../fixtures/brokers.ts';
import { startTestCluster, type TestCluster } from '../fixtures/cluster.ts';
import { createTopic, logEnds, produce } from '../fixtures/kafkajs.ts';
import { startPair, type TestPair } from '../fixtures/pair.ts';
import { eventually } from '../fixtures/wait.ts';

let clusters: Readonly<Record<SiteId, TestCluster>>;
let pair: TestPair;

beforeAll(async () => {
  const start = async (site: SiteId): Promise<TestCluster> => {
    const cluster = await startTestCluster({ name: site });
    const principals = { umbra: 'User:umbra', app: 'User:app' };
    await cluster.grant(renderSiteAcls({ site, owners: testOwners, principals }));
    return cluster;
  };
  const [a, b] = await Promise.all([start('a'), start('b')]);
  clusters = { a, b };
  pair = await startPair({ clusters: { a: a.connection('umbra'), b: b.connection('umbra') } });
}, 240_000);

afterAll(async () => {
  await pair.remove();
  await Promise.all(sites.map((site) => clusters[site].remove()));
});

async function ended(site: SiteId, id: string): Promise<OperationView> {
  return eventually(
    `${id} is over`,
    async () => {
      const operation = await pair.api[site].operation(id);
      return ['done', 'aborted'].includes(operation.step.kind) ? operation : undefined;
    },
    90_000,
  );
}

/** Plans it, begins what was planned, and waits until it is over. */
async function moved(site: SiteId, request: MoveRequestInput): Promise<OperationView> {
  const plan = await eventually('nothing stands against it', async () => {
    const made = await pair.api[site].planMove(request);
    return made.blockers.length === 0 ? made : undefined;
  });
  const { id } = await pair.api[site].beginMove(request, plan.hash);
  return ended(site, id);
}

test('a topic goes to the other site and comes home: equal, written there, copied back, nothing copied twice', async () => {
  const app = { a: clusters.a.connection('app'), b: clusters.b.connection('app') };
  await createTopic(app.a, 'a_orders', { partitions: 3 });
  await produce(app.a, 'a_orders', ['1', '2', '3']);
  await pair.level('a_orders');
  const there = await moved('b', { kind: 'switchover', topics: ['a_orders'] });
  expect(there.step).toEqual({ kind: 'done', remarks: [] });
  await expect(produce(app.a, 'a_orders', ['refused'])).rejects.toThrow(/authorized/i);
  await produce(app.b, 'a_orders', ['4', '5']);
  const ends = await logEnds(app.b, 'a_orders');
  await eventually('a has what b wrote', async () => {
    const own = await logEnds(app.a, 'a_orders');
    return own.every((end, partition) => end === ends[partition]) ? true : undefined;
  });
  const home = await moved('a', { kind: 'switchover', topics: ['a_orders'] });
  expect(home.step).toEqual({ kind: 'done', remarks: [] });
  await expect(produce(app.b, 'a_orders', ['refused'])).rejects.toThrow(/authorized/i);
  await produce(app.a, 'a_orders', ['6']);
  await pair.level('a_orders');
  const { totals } = await pair.verify(['a_orders']);
  expect(totals).toMatchObject({ recordsDifferent: 0, batchesDifferent: 0, recordsEqual: 6 });
}, 240_000);
