import kafkajsModule, { Partitioners, type Producer } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { LogReader } from '../../src/replication/logs/log-reader.ts';
import { schemasTopic } from '../../src/schema-primary/schema-primary.ts';
import { IdSampler } from '../../src/sync/schemas/id-sampler.ts';
import { lookAtRegistryGroup } from '../../src/sync/schemas/registry-group.ts';
import { KafkaSchemaLog } from '../../src/sync/schemas/schema-log.ts';
import { SchemaSync } from '../../src/sync/schemas/schema-sync.ts';
import { type SchemaSyncView } from '../../src/sync/schemas/schema-view.ts';
import { createTopic, kafkajs, logEnds } from '../fixtures/kafkajs.ts';
import { startPair, type TestPair } from '../fixtures/pair.ts';
import {
  createSchemasTopic,
  grantRegistry,
  namedSchema,
  register,
  registryRecord as record,
  removeSchemasTopic,
} from '../fixtures/registry-log.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { eventually } from '../fixtures/wait.ts';

/** Node does not find this name among the exports of a CommonJS module. */
const { KafkaJSProtocolError } = kafkajsModule;

const sites = sharedSites();
const cleaningMs = 100_000;
let pair: TestPair;
let clusters: { readonly a: Cluster; readonly b: Cluster };
let registries: { readonly a: Producer; readonly b: Producer };
let withdraw: (() => Promise<void>)[];
let sync: SchemaSync;

beforeAll(async () => {
  await Promise.all([removeSchemasTopic(sites.a.admin), removeSchemasTopic(sites.b.admin)]);
  withdraw = await Promise.all([
    grantRegistry(sites.a.admin, 'User:app', 'primary'),
    grantRegistry(sites.b.admin, 'User:app', 'standby'),
  ]);
  await createSchemasTopic(sites.a.admin);
  const connect = (name: string, site: typeof sites.a): Cluster =>
    new Cluster(name, clusterConfigSchema.parse(site.umbra), { clientId: 'test' });
  clusters = { a: connect('site a', sites.a), b: connect('site b', sites.b) };
  const producer = (site: typeof sites.a): Producer =>
    kafkajs(site.app).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  registries = { a: producer(sites.a), b: producer(sites.b) };
  await Promise.all([registries.a.connect(), registries.b.connect()]);
  sync = new SchemaSync({
    schemaPrimary: () => 'a',
    logs: { a: new KafkaSchemaLog(clusters.a), b: new KafkaSchemaLog(clusters.b) },
    now: () => new Date(),
  });
  pair = await startPair({ clusters: { a: sites.a.umbra, b: sites.b.umbra } });
}, 180_000);

afterAll(async () => {
  await pair.remove();
  await Promise.all([registries.a.disconnect(), registries.b.disconnect()]);
  await Promise.all([clusters.a.close(), clusters.b.close()]);
  await Promise.all(withdraw.map((each) => each()));
  await Promise.all([removeSchemasTopic(sites.a.admin), removeSchemasTopic(sites.b.admin)]);
}, 120_000);

type Watched = Extract<SchemaSyncView, { kind: 'watched' }>;

async function look(): Promise<Watched> {
  await sync.round(AbortSignal.timeout(30_000));
  const view = sync.view();
  if (view.kind !== 'watched') throw new Error('nothing is watched');
  return view;
}

/** Looks until everything that site a has is at b and says the same there. */
async function equal(): Promise<Watched> {
  return eventually('the logs say the same', async () => {
    const view = await look();
    return view.comparison.verdict === 'equal' ? view : undefined;
  });
}

/** Offsets of the source's log that hold no record any more. */
async function cleanedAway(): Promise<bigint> {
  const signal = AbortSignal.timeout(10_000);
  const log = new LogReader(clusters.a);
  const { start, end } = await log.range(schemasTopic, 0, signal);
  let records = 0n;
  for await (const { header } of log.batches({ topic: schemasTopic, partition: 0 }, { from: start, to: end }, signal)) {
    records += BigInt(header.records);
  }
  return end - start - records;
}

test('references, deletions, configs and modes are the same at the standby all the while a cleaner goes through the log', async () => {
  let round = 0;
  let passes = 0;
  let gone = 0n;
  // Also what was only different for a moment.
  const differences: unknown[] = [];
  await eventually(
    'the cleaner has been through three times',
    async () => {
      round += 1;
      const [first, second] = [2 * round - 1, 2 * round];
      await register(
        registries.a,
        record.schema(`a_orders-${round}-value`, 1, first, { schemaType: 'JSON' }),
        record.schema('a_users-value', round, second, {
          references: [{ name: 'orders', subject: `a_orders-${round}-value`, version: 1 }],
        }),
        record.config(round % 2 === 0 ? 'FULL' : 'NONE'),
        record.mode('READWRITE', 'a_users-value'),
        record.noop(),
      );
      if (round % 3 === 0) await register(registries.a, record.deleteSubject('a_users-value', round - 1));
      if (round % 4 === 0) {
        const subject = `a_orders-${round - 1}-value`;
        await register(registries.a, record.schema(subject, 1, first - 2, { deleted: true }));
        await register(registries.a, record.hardDelete(subject, 1));
      }
      differences.push(...(await look()).comparison.differences.first);
      const now = await cleanedAway();
      if (now > gone) passes += 1;
      gone = now;
      return passes >= 3 || undefined;
    },
    cleaningMs,
  );
  expect(differences).toEqual([]);
  const { sites: seen, behind } = await equal();
  expect(seen.b.digest).toBe(seen.a.digest);
  expect(seen.b.counts).toEqual(seen.a.counts);
  expect(seen.a.counts).toMatchObject({ malformed: 0 });
  expect(seen.a.counts.softDeleted).toBeGreaterThan(0);
  expect(behind).toMatchObject({ records: 0, basis: 'measured' });
  // What a fresh reader of the cleaned log sees is what was seen while it grew.
  const fresh = new SchemaSync({
    schemaPrimary: () => 'a',
    logs: { a: new KafkaSchemaLog(clusters.a), b: new KafkaSchemaLog(clusters.b) },
    now: () => new Date(),
  });
  await fresh.round(AbortSignal.timeout(30_000));
  await fresh.round(AbortSignal.timeout(30_000));
  expect(fresh.view()).toMatchObject({ comparison: { verdict: 'equal' }, sites: { a: { digest: seen.a.digest } } });
  const { totals } = await pair.verify([schemasTopic]);
  expect(totals).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0, behind: 0 });
}, 180_000);

test('a registry at the standby cannot write, though it may read, describe and create', async () => {
  const before = await logEnds(sites.b.app, schemasTopic);
  const refused = register(registries.b, record.schema('mine', 1, 1)).catch((error: unknown) => error);
  const error = await refused;
  const causes = [error, error instanceof Error ? error.cause : undefined];
  expect(
    causes.some((each) => each instanceof KafkaJSProtocolError && each.type === 'TOPIC_AUTHORIZATION_FAILED'),
  ).toBe(true);
  expect(await logEnds(sites.b.app, schemasTopic)).toEqual(before);
});

test('the group of the registries is read where umbra may describe it, and said to be unread where it may not', async () => {
  const admin = new Cluster('site b', clusterConfigSchema.parse(sites.b.admin), { clientId: 'test' });
  const signal = AbortSignal.timeout(60_000);
  try {
    expect(await lookAtRegistryGroup(admin, signal)).toEqual({ kind: 'empty', group: 'schema-registry' });
  } finally {
    await admin.close();
  }
  expect(await lookAtRegistryGroup(clusters.b, signal)).toMatchObject({
    kind: 'unread',
    why: expect.stringContaining('GROUP_AUTHORIZATION_FAILED') as string,
  });
});

test('records that name a schema which the standby does not have are found in samples, until it has it', async () => {
  await createTopic(sites.a.app, 'a_events');
  const ends = new Map<string, bigint>();
  const sampler = new IdSampler({
    copies: () => [...ends].map(([topic, end]) => ({ topic, partition: 0, end })),
    log: new LogReader(clusters.b, { attemptsMax: 3 }),
    ids: () => ({ primary: sync.ids('a'), here: sync.ids('b') }),
    now: () => new Date(),
  });
  const sample = async (...values: readonly Buffer[]): Promise<ReturnType<IdSampler['view']>> => {
    await registries.a.send({ topic: 'a_events', messages: values.map((value) => ({ value, partition: 0 })) });
    const view = await pair.level('a_events');
    ends.set('a_events', BigInt(view.partitionViews[0]?.copiedTo ?? 0));
    await sampler.round(AbortSignal.timeout(30_000));
    return sampler.view();
  };
  await register(registries.a, record.schema('a_known-value', 1, 50_000));
  await equal();
  expect(await sample(namedSchema(50_000), namedSchema(2_000_000_000), Buffer.from('plain text'))).toMatchObject({
    sampled: 3,
    named: 1,
    unknown: 0,
    waiting: 0,
    topics: [],
  });
  // The next id has reached the records, not yet the logs.
  expect(await sample(namedSchema(50_001), namedSchema(50_001))).toMatchObject({
    sampled: 5,
    unknown: 2,
    topics: [{ topic: 'a_events', records: 2, schemas: [{ schema: '50001', verdict: 'unknown' }] }],
  });
  await register(registries.a, record.schema('a_known-value', 2, 50_001));
  await equal();
  expect(sampler.view()).toMatchObject({ topics: [], topicsTotal: 0 });

  // Last, since it ends the copying: somebody who may do all writes to the copy.
  const intruder = kafkajs(sites.b.admin).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await intruder.connect();
  await register(intruder, record.schema('mine', 1, 50_002));
  await intruder.disconnect();
  await register(registries.a, record.schema('a_known-value', 3, 50_002, { schema: '"long"' }));
  await eventually('what somebody wrote is named', async () => {
    const { comparison } = await look();
    const found = comparison.differences.first.some(
      ({ kind, label }) => kind === 'extra' && label === 'subject "mine" version 1',
    );
    return (comparison.verdict === 'different' && found) || undefined;
  });
  await register(registries.a, record.schema('a_known-value', 4, 50_003));
  await look();
  expect(await sample(namedSchema(50_003))).toMatchObject({
    waiting: 1,
    topics: [{ topic: 'a_events', schemas: [{ schema: '50003', verdict: 'waiting' }] }],
  });
}, 120_000);
