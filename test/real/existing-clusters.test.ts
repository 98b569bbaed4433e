import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type AclApi, openAclApi } from '../../src/local/acl-api.ts';
import { type SiteId, sites } from '../../src/pair/site.ts';
import { type AclBinding, renderSiteAcls } from '../../src/prefix-policy/acls.ts';
import { type LinkView } from '../../src/worker/views.ts';
import { testOwners } from '../fixtures/brokers.ts';
import { startTestCluster, type TestCluster } from '../fixtures/cluster.ts';
import { createTopic, kafkajs, logEnds, produce } from '../fixtures/kafkajs.ts';
import { startPair, type TestPair } from '../fixtures/pair.ts';
import { transact } from '../fixtures/transactions.ts';
import { eventually } from '../fixtures/wait.ts';

const principals = { umbra: 'User:umbra', app: 'User:app' };
/** Longer than the pause after a refusal, twice. */
const noticeMs = 30_000;
let clusters: Readonly<Record<SiteId, TestCluster>>;
let acls: AclApi;
let pair: TestPair;

beforeAll(async () => {
  const [a, b] = await Promise.all([
    startTestCluster({ name: 'secured' }),
    startTestCluster({ name: 'open', version: '3.9.2', security: 'none' }),
  ]);
  clusters = { a, b };
  await a.grant(renderSiteAcls({ site: 'a', owners: testOwners, principals }));
  acls = openAclApi(a.connection('admin'));
  pair = await startPair({ clusters: { a: a.connection('umbra'), b: b.connection('umbra') } });
});

afterAll(async () => {
  await pair.remove();
  await acls.close();
  await Promise.all(sites.map((site) => clusters[site].remove()));
});

/** A new topic of that site with three records. */
async function written(site: SiteId, topic: string): Promise<void> {
  await createTopic(clusters[site].connection('app'), topic);
  await produce(clusters[site].connection('app'), topic, ['1', '2', '3']);
}

async function link(into: SiteId): Promise<LinkView> {
  const [view] = await pair.api[into].links();
  if (view === undefined) throw new Error(`no link into site ${into}`);
  return view;
}

test('a secured 4.3.1 and an open 3.9.2 cluster copy both ways, and the open one is called unfenced', async () => {
  await written('a', 'a_hello');
  await written('b', 'b_hello');
  for (const topic of ['a_hello', 'b_hello']) await pair.level(topic);
  const report = await pair.verify(['a_hello', 'b_hello']);
  expect(report.totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, recordsEqual: 6, behind: 0 });
  expect(await link('b')).toMatchObject({ id: 'a-b', state: 'following', fence: 'unfenced' });
  expect(await link('a')).toMatchObject({ id: 'b-a', state: 'following', fence: 'acl' });
});

/** What a test takes from the worker's principal at the secured site. */
function right(
  operation: AclBinding['operation'],
  resourceName: string,
  patternType: AclBinding['patternType'] = 'PREFIXED',
): AclBinding {
  const resource = { resourceType: 'TOPIC', resourceName, patternType } as const;
  return { ...resource, principal: principals.umbra, host: '*', operation, permission: 'ALLOW' };
}

async function withdraw(binding: AclBinding): Promise<void> {
  const key = JSON.stringify(binding);
  expect((await acls.list()).map((each) => JSON.stringify(each))).toContain(key);
  onTestFinished(() => acls.create([binding]));
  await acls.remove([binding]);
}

describe('without a right, the link says which one is missing, and goes on when it is back:', () => {
  test('READ at the source, and WRITE at the target, each said by the link that lacks it', async () => {
    await Promise.all([written('a', 'a_read'), written('b', 'b_write')]);
    await Promise.all([pair.level('a_read'), pair.level('b_write')]);
    const [read, write] = [right('READ', 'a_'), right('WRITE', 'b_')];
    await withdraw(read);
    await withdraw(write);
    await produce(clusters.a.connection('app'), 'a_read', ['4']);
    await produce(clusters.b.connection('app'), 'b_write', ['4']);
    await Promise.all([
      troubleSays('b', 'a_read', /source.*READ at the source/),
      troubleSays('a', 'b_write', /b_write.*WRITE at the target|^produce.*WRITE at the target/),
    ]);
    await acls.create([read, write]);
    await Promise.all([pair.level('a_read', noticeMs), pair.level('b_write', noticeMs)]);
    await Promise.all([expectHealthy('b'), expectHealthy('a')]);
  });

  test('CREATE at the target', async () => {
    const binding = right('CREATE', 'b_');
    await withdraw(binding);
    await written('b', 'b_create');
    await linkSays('a', /b_create at site a.*CREATE/);
    await acls.create([binding]);
    await pair.level('b_create', noticeMs);
    await expectHealthy('a');
  });

  test('ALTER at the target', async () => {
    await written('b', 'b_grow');
    await pair.level('b_grow');
    const binding = right('ALTER', 'b_');
    await withdraw(binding);
    const admin = kafkajs(clusters.b.connection('app')).admin();
    await admin.connect();
    await admin.createPartitions({ topicPartitions: [{ topic: 'b_grow', count: 2 }] });
    await admin.disconnect();
    await linkSays('a', /b_grow at site a.*ALTER/);
    await acls.create([binding]);
    await pair.topic('b_grow', ({ state, partitions }) => state === 'following' && partitions === 2, noticeMs);
    await expectHealthy('a');
  });

  test('DESCRIBE_CONFIGS at the source', async () => {
    const binding = right('DESCRIBE_CONFIGS', 'a_');
    await withdraw(binding);
    await written('a', 'a_configs');
    await linkSays('b', /a_configs at site a.*DESCRIBE_CONFIGS/);
    await acls.create([binding]);
    await pair.level('a_configs', noticeMs);
    await expectHealthy('b');
  });

  test('DESCRIBE and WRITE of transactional ids at the target', async () => {
    const [describe, write] = (['DESCRIBE', 'WRITE'] as const).map((operation): AclBinding => ({
      ...right(operation, 'umbra-'),
      resourceType: 'TRANSACTIONAL_ID',
    }));
    await written('b', 'b_leased');
    await pair.level('b_leased');
    await withdraw(describe!);
    await withdraw(write!);
    // The first may still be appended under the lease as it was last seen.
    const goOn = (): Promise<void> => produce(clusters.b.connection('app'), 'b_leased', ['more']);
    // Without it the lease is not renewed, and when the state is to be written nobody can lead: whichever comes first.
    const missing = /TRANSACTIONAL_ID_AUTHORIZATION_FAILED/;
    await eventually(
      'it is named',
      async () => {
        await goOn();
        const said = await link('a').then(
          ({ problem }) => problem ?? '',
          (error: unknown) => String(error),
        );
        return missing.test(said) || undefined;
      },
      noticeMs,
    );
    await acls.create([describe!, write!]);
    await pair.level('b_leased', noticeMs);
    await expectHealthy('a');
  });

  test('READ of the state topic at the source', async () => {
    const binding = right('READ', '_umbra', 'LITERAL');
    await withdraw(binding);
    // A new copy at site a is noted in the state topic there, which the link that leaves site a has to read.
    await written('b', 'b_noted');
    await pair.level('b_noted');
    await linkSays('b', /_umbra.*site a.*READ/);
    await acls.create([binding]);
    await written('a', 'a_after_state');
    await pair.level('a_after_state', noticeMs);
    await expectHealthy('b');
  });
});

test('without ALTER on the cluster at the target topics with gaps fault by name, and the others go on', async () => {
  const binding: AclBinding = { ...right('ALTER', 'kafka-cluster', 'LITERAL'), resourceType: 'CLUSTER' };
  await withdraw(binding);
  await createTopic(clusters.b.connection('app'), 'b_gaps');
  await transact(clusters.b.connection('app'), 'b_gaps', { rounds: 2, producers: 1 });
  const { fault } = await pair.topic('b_gaps', ({ state }) => state === 'faulted', noticeMs);
  expect(fault).toMatchObject({ code: 'MARKERS_DENIED', remedy: expect.stringContaining('ALTER') as string });
  expect(fault?.message).toMatch(/^the gap at offset \d+ cannot be filled: CLUSTER_AUTHORIZATION_FAILED/);
  await written('b', 'b_without_gaps');
  await pair.level('b_without_gaps', noticeMs);
  await acls.create([binding]);
  await pair.kill('a');
  await pair.start('a');
  await pair.level('b_gaps', noticeMs);
  expect((await pair.verify(['b_gaps'])).totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, behind: 0 });
});

test('a copy that somebody deleted and created anew is left alone; deleted again, the link makes its own', async () => {
  await written('a', 'a_swapped');
  await pair.level('a_swapped');
  const admin = kafkajs(clusters.b.connection('admin')).admin();
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  // While nobody looks: a copy that is merely gone is made anew.
  await pair.kill('b');
  await admin.deleteTopics({ topics: ['a_swapped'] });
  await createTopic(clusters.b.connection('admin'), 'a_swapped');
  await produce(clusters.b.connection('admin'), 'a_swapped', ['theirs']);
  await pair.start('b');
  const { fault } = await pair.topic('a_swapped', ({ state }) => state === 'faulted', noticeMs);
  expect(fault?.code).toBe('SHADOW_RECREATED');
  expect(await logEnds(clusters.b.connection('admin'), 'a_swapped')).toEqual([1n]);
  await admin.deleteTopics({ topics: ['a_swapped'] });
  await pair.level('a_swapped', noticeMs);
  expect((await pair.verify(['a_swapped'])).totals).toMatchObject({ recordsEqual: 3, recordsDifferent: 0, behind: 0 });
});

test('a copy that umbra may no longer see holds up no other', async () => {
  await written('b', 'b_hidden');
  await pair.level('b_hidden');
  const hide: AclBinding = { ...right('DESCRIBE', 'b_hidden', 'LITERAL'), permission: 'DENY' };
  onTestFinished(() => acls.remove([hide]));
  await acls.create([hide]);
  await linkSays('a', /b_hidden/);
  await written('b', 'b_beside');
  await pair.level('b_beside', noticeMs);
});

async function troubleSays(into: SiteId, topic: string, what: RegExp): Promise<void> {
  await pair.topic(
    topic,
    ({ partitionViews }) => partitionViews.some(({ retrying }) => retrying !== undefined && what.test(retrying)),
    noticeMs,
  );
  await linkSays(into, what);
}

async function linkSays(into: SiteId, what: RegExp): Promise<void> {
  await eventually(
    `link into ${into} says ${String(what)}`,
    async () => {
      const { problem, state } = await link(into);
      return state === 'degraded' && what.test(problem ?? '') ? true : undefined;
    },
    noticeMs,
  );
}

async function expectHealthy(into: SiteId): Promise<void> {
  await eventually(
    `link into ${into} follows`,
    async () => {
      const { problem, state } = await link(into);
      return problem === undefined && state === 'following' ? true : undefined;
    },
    noticeMs,
  );
}
