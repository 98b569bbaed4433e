import { afterAll, beforeAll, expect, test } from 'vitest';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { describeConfigs } from '../../src/kafka/config-admin.ts';
import { type SiteId, sites } from '../../src/pair/site.ts';
import { lostTail } from '../../src/schema-primary/lost-tail.ts';
import { schemasTopic } from '../../src/schema-primary/schema-primary.ts';
import type { MoveRequestInput, OperationView } from '../../src/worker/moves/operation-view.ts';
import { type GrantedSites, removeSites, startGrantedSites } from '../fixtures/granted-sites.ts';
import { consumeWhole } from '../fixtures/consumed-records.ts';
import { createTopic, kafkajs, logEnds, produce } from '../fixtures/kafkajs.ts';
import { startPair, type TestPair } from '../fixtures/pair.ts';
import {
  createSchemasTopic,
  grantRegistry,
  namedSchema,
  readRegistry,
  register,
  registryRecord as record,
} from '../fixtures/registry-log.ts';
import { eventually } from '../fixtures/wait.ts';

let clusters: GrantedSites;
let pair: TestPair;

beforeAll(async () => {
  clusters = await startGrantedSites();
  const { a, b } = clusters;
  pair = await startPair({ clusters: { a: a.connection('umbra'), b: b.connection('umbra') } });
}, 240_000);

afterAll(async () => {
  await pair.remove();
  await removeSites(clusters);
});

async function ended(site: SiteId, id: string): Promise<OperationView> {
  return eventually(
    `${id} is over`,
    async () => {
      const operation = await pair.api[site].operation(id);
      return ['done', 'aborted'].includes(operation.step.kind) ? operation : undefined;
    },
    60_000,
  );
}

/** Plans it, begins what was planned, and waits until it is over. */
async function moved(site: SiteId, request: MoveRequestInput): Promise<OperationView> {
  const plan = await pair.api[site].planMove(request);
  expect(plan.blockers).toEqual([]);
  const { id } = await pair.api[site].beginMove(request, plan.hash);
  return ended(site, id);
}

test('a topic whose site is dead is promoted where its copy ends, with the configs of its source, and takes writes', async () => {
  const configs = { 'retention.ms': '86400000', 'cleanup.policy': 'compact' };
  await createTopic(clusters.a.connection('app'), 'a_orders', { partitions: 3, configs });
  await createTopic(clusters.a.connection('app'), 'a_other');
  const keyed = Array.from({ length: 30 }, (_, index) => ({ key: `k${index}`, value: `v${index}` }));
  const producer = kafkajs(clusters.a.connection('app')).producer();
  await producer.connect();
  await producer.send({ topic: 'a_orders', messages: keyed });
  await producer.disconnect();
  await produce(clusters.a.connection('app'), 'a_other', ['x']);
  for (const topic of ['a_orders', 'a_other']) await pair.level(topic);
  const ends = await logEnds(clusters.a.connection('app'), 'a_orders');
  // Configs and ACLs of the source are known when their first rounds are over.
  await eventually('the ACLs are level', async () => {
    const { links } = await pair.api.b.acls();
    return links[0] !== undefined && 'withheld' in links[0] && JSON.stringify(links[0].withheld).includes('WRITE')
      ? true
      : undefined;
  });
  await eventually('what the source wishes is known', async () => {
    const [link] = await pair.api.b.configs();
    return link?.topics === 2 && link.level === 2 ? true : undefined;
  });
  await expect(produce(clusters.b.connection('app'), 'a_orders', ['refused'])).rejects.toThrow(/authorized/i);
  await clusters.a.broker.kill();
  const begun = performance.now();
  const request: MoveRequestInput = { kind: 'failover', topics: ['a_orders'] };
  const refused = await eventually('the source is known to be silent', async () => {
    const plan = await pair.api.b.planMove(request);
    return plan.blockers.some(({ code }) => code === 'OLD_SIDE_UNCONFIRMED') ? plan : undefined;
  });
  await expect(pair.api.b.beginMove(request, refused.hash)).rejects.toMatchObject({ code: 'MOVE_REFUSED' });
  const operation = await moved('b', { ...request, oldSideUnconfirmed: true });
  process.stdout.write(`failover: over ${Math.round(performance.now() - begun)} ms after the decision\n`);
  expect(operation.step).toEqual({ kind: 'done', remarks: [] });
  expect(await logEnds(clusters.b.connection('app'), 'a_orders')).toEqual(ends);
  expect(await pair.api.b.roles()).toMatchObject([{ topic: 'a_orders', home: 'a', primary: 'b', term: 1 }]);
  const target = new Cluster('b', clusterConfigSchema.parse(clusters.b.connection('admin')), { clientId: 'test' });
  try {
    const own = (await describeConfigs(target, ['a_orders'])).configs.get('a_orders');
    expect(own?.get('retention.ms')).toMatchObject({ value: '86400000', own: true });
    expect(own?.get('cleanup.policy')).toMatchObject({ value: 'compact', own: true });
  } finally {
    await target.close();
  }
  const after = kafkajs(clusters.b.connection('app')).producer();
  await after.connect();
  await after.send({ topic: 'a_orders', messages: [{ key: 'new', value: 'at b' }] });
  await after.disconnect();
  await expect(produce(clusters.b.connection('app'), 'a_other', ['refused'])).rejects.toThrow(/authorized/i);
}, 180_000);

test('200 fresh producers straight after it have every record that was acknowledged, once, behind the cut', async () => {
  const app = clusters.b.connection('app');
  const cut = await logEnds(app, 'a_orders');
  const keys = Array.from({ length: 200 }, (_, index) => `fresh ${index}`);
  const waiting = [...keys];
  const acknowledged: { key: string; partition: number; offset: bigint }[] = [];
  const produceEach = async (): Promise<void> => {
    for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
      const producer = kafkajs(app).producer({ idempotent: true });
      await producer.connect();
      const [answer] = await producer.send({ topic: 'a_orders', acks: -1, messages: [{ key, value: 'x' }] });
      await producer.disconnect();
      if (answer?.baseOffset === undefined) throw new Error(`${key} was not answered`);
      acknowledged.push({ key, partition: answer.partition, offset: BigInt(answer.baseOffset) });
    }
  };
  await Promise.all(Array.from({ length: 8 }, produceEach));
  const read = (await consumeWhole(clusters.b.connection('admin'), { topics: ['a_orders'], groupId: 'a_after' })).get(
    'a_orders',
  );
  for (const { key, partition, offset } of acknowledged) {
    expect(offset).toBeGreaterThanOrEqual(cut[partition] ?? 0n);
    const found = (read ?? []).filter((record) => record.key === key);
    expect(found.map((record) => [record.partition, record.offset])).toEqual([[partition, offset]]);
  }
  expect(acknowledged).toHaveLength(200);
}, 120_000);

test('the old side comes back, learns that it is not primary any more, and refuses its writers by itself', async () => {
  await clusters.a.broker.start();
  const app = clusters.a.connection('app');
  await eventually(
    'the writers of a_orders are refused at a',
    async () => {
      const outcome = await produce(app, 'a_orders', ['too late']).then(
        () => 'taken',
        (error: unknown) => String(error),
      );
      return /authorized/i.test(outcome) ? true : undefined;
    },
    90_000,
  );
  const [role] = await eventually('site a has accepted the term', async () => {
    const roles = await pair.api.a.roles();
    return roles.length === 1 ? roles : undefined;
  });
  expect(role).toMatchObject({ topic: 'a_orders', home: 'a', primary: 'b', term: 1 });
  // What is not moved goes on.
  await produce(app, 'a_other', ['y']);
  await pair.level('a_other', 90_000);
  // Records that a took before it was fenced stay there: nothing is copied either way.
  const ends = await logEnds(clusters.b.connection('app'), 'a_orders');
  expect(await logEnds(clusters.b.connection('app'), 'a_orders')).toEqual(ends);
}, 180_000);

test('a topic whose site is well is given up with proof that nobody writes there any more', async () => {
  const request: MoveRequestInput = { kind: 'failover', topics: ['a_other'] };
  const begun = performance.now();
  const operation = await moved('b', request);
  process.stdout.write(
    `failover of a fenced topic: over ${Math.round(performance.now() - begun)} ms after the decision\n`,
  );
  expect(operation.step).toEqual({ kind: 'done', remarks: [] });
  await expect(produce(clusters.a.connection('app'), 'a_other', ['refused'])).rejects.toThrow(/authorized/i);
  await produce(clusters.b.connection('app'), 'a_other', ['at b']);
  expect(await logEnds(clusters.b.connection('app'), 'a_other')).toEqual([
    ((await logEnds(clusters.a.connection('app'), 'a_other'))[0] ?? 0n) + 1n,
  ]);
  const again = await pair.api.b.planMove(request);
  expect(again.blockers).toMatchObject([{ code: 'ALREADY_PRIMARY' }]);
  await expect(pair.api.b.planMove({ kind: 'failover', topics: ['a_nothing'] })).resolves.toMatchObject({
    blockers: [{ code: 'UNKNOWN_TOPIC' }],
  });
}, 120_000);

test('an operation whose worker is killed in the middle is carried to its end by the next one', async () => {
  await createTopic(clusters.a.connection('app'), 'a_third', { partitions: 4 });
  await produce(clusters.a.connection('app'), 'a_third', ['1', '2', '3']);
  await pair.level('a_third');
  const request: MoveRequestInput = { kind: 'failover', topics: ['a_third'] };
  const plan = await pair.api.b.planMove(request);
  const { id } = await pair.api.b.beginMove(request, plan.hash);
  await pair.kill('b');
  await pair.start('b');
  const operation = await ended('b', id);
  expect(operation.step.kind).toBe('done');
  await expect(produce(clusters.a.connection('app'), 'a_third', ['refused'])).rejects.toThrow(/authorized/i);
  await produce(clusters.b.connection('app'), 'a_third', ['at b']);
}, 120_000);

test('with the log of a registry its role moves, and ids of registrations that were lost are never given out again', async () => {
  const [a, b] = [clusters.a.connection('app'), clusters.b.connection('app')];
  await grantRegistry(clusters.a.connection('admin'), 'User:app', 'primary');
  await grantRegistry(clusters.b.connection('admin'), 'User:app', 'standby');
  await createSchemasTopic(clusters.a.connection('admin'));
  await createTopic(a, 'a_events');
  const registries = { a: kafkajs(a).producer(), b: kafkajs(b).producer() };
  await Promise.all([registries.a.connect(), registries.b.connect()]);
  try {
    await register(registries.a, record.schema('orders', 1, 1), record.schema(':.x:orders', 1, 7));
    const level = await eventually('the copy of the schemas is level', async () => {
      const [link] = await pair.api.b.schemas();
      if (link?.kind !== 'watched') return undefined;
      return link.comparison.verdict === 'equal' && link.sites.b.counts.ids === 2 ? link : undefined;
    });
    expect(level.primarySite).toBe('a');
    for (const site of sites) {
      const turned = pair.api[site].putSchemaPrimary({ site: 'b' });
      await expect(turned).rejects.toMatchObject({ code: 'SCHEMAS_FOLLOW' });
    }
    await eventually('WRITE on the schemas is withheld', async () => {
      const [link] = (await pair.api.b.acls()).links;
      const withheld = link !== undefined && 'withheld' in link ? JSON.stringify(link.withheld) : '';
      return withheld.includes(schemasTopic) || undefined;
    });

    // Registered, used by a record that arrives, and lost.
    await pair.api.b.pauseTopic(schemasTopic);
    await register(registries.a, record.schema('orders', 2, 2), record.schema('orders', 3, 3));
    const events = kafkajs(a).producer();
    await events.connect();
    await events.send({ topic: 'a_events', messages: [{ value: namedSchema(3) }] });
    await events.disconnect();
    await pair.level('a_events');

    const request: MoveRequestInput = { kind: 'failover', topics: [schemasTopic], includeUnready: true };
    const plan = await pair.api.b.planMove(request);
    expect(plan).toMatchObject({ blockers: [], topics: [{ name: schemasTopic, term: 1 }] });
    expect(plan.warnings.map(({ code }) => code)).toContain('SCHEMAS_MOVE');
    const { id } = await pair.api.b.beginMove(request, plan.hash);
    await pair.kill('b');
    await pair.start('b');
    expect(await ended('b', id)).toMatchObject({ step: { kind: 'done' } });

    await expect(register(registries.a, record.schema('orders', 4, 4))).rejects.toThrow(/authorized/i);
    const [old, now] = [await readRegistry(a), await readRegistry(b)];
    expect(now.ids.contexts()).toEqual([
      { context: '.', ids: 2, highest: 1003, highestSeen: 1003 },
      { context: '.x', ids: 2, highest: 1007, highestSeen: 1007 },
    ]);
    const markers = [...now.records.values()].filter(({ key }) => key.label.includes('umbra-id-leap'));
    expect(markers.map(({ offset, entry }) => [offset, entry.kind === 'schema' && entry.deleted])).toEqual([
      [2n, true],
      [3n, true],
    ]);
    const nextId = now.ids.highestSeen + 1;
    await register(registries.b, record.schema('orders', 2, nextId));
    const { collisions, gaps, versions } = lostTail({ old, now: await readRegistry(b), cut: 2n });
    expect(collisions).toEqual([]);
    expect(gaps.map((gap) => gap.id)).toEqual([2, 3]);
    expect(versions.map(({ subject, version }) => [subject, version])).toEqual([['orders', 2]]);

    // The role stands against every declaration, and both sites say so.
    for (const site of sites) {
      await pair.api[site].putSchemaPrimary({ site: 'a' });
      await eventually(`site ${site} says who registers`, async () => {
        const [link] = await pair.api[site].schemas();
        return link?.kind === 'watched' && link.primarySite === 'b' ? true : undefined;
      });
    }
    await eventually('what the old side registered after the cut is listed', async () => {
      const [link] = await pair.api.b.schemas();
      if (link?.kind !== 'watched' || link.lost === undefined) return undefined;
      return (link.lost.gaps.total === 2 && link.lost.collisions.total === 0) || undefined;
    });
    await expect(pair.api.a.putSchemaPrimary({ site: 'b' })).rejects.toMatchObject({ code: 'SCHEMAS_FOLLOW' });
    // Both controllers have looked at the topics since: nothing flows, either way.
    expect(await logEnds(a, schemasTopic)).toEqual([4n]);
    expect(await logEnds(b, schemasTopic)).toEqual([5n]);
  } finally {
    await Promise.all([registries.a.disconnect(), registries.b.disconnect()]);
  }
}, 180_000);
