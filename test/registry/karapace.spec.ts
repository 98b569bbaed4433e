import { afterAll, beforeAll, expect, test } from 'vitest';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { renderSiteAcls } from '../../src/prefix-policy/acls.ts';
import { type SiteId, sites } from '../../src/pair/site.ts';
import { type RegistryFinding } from '../../src/schema-primary/judge-registries.ts';
import { schemasTopic } from '../../src/schema-primary/schema-primary.ts';
import { checkRegistries } from '../../src/sync/schemas/registry-check.ts';
import { registryConfigSchema } from '../../src/sync/schemas/registry-config.ts';
import { KafkaSchemaLog } from '../../src/sync/schemas/schema-log.ts';
import { SchemaSync } from '../../src/sync/schemas/schema-sync.ts';
import { type SchemaSyncView } from '../../src/sync/schemas/schema-view.ts';
import { testOwners } from '../fixtures/brokers.ts';
import { startTestCluster, type TestCluster } from '../fixtures/cluster.ts';
import { type Karapace, startKarapace } from '../fixtures/karapace.ts';
import { logEnds } from '../fixtures/kafkajs.ts';
import { startPair, type TestPair } from '../fixtures/pair.ts';
import { grantRegistry } from '../fixtures/registry-log.ts';
import { eventually } from '../fixtures/wait.ts';

// A real registry at each site: `npm run test:registry` (docs/schemas.md). Its name keeps it out of the other suites.

let brokers: Readonly<Record<SiteId, TestCluster>>;
let clusters: Readonly<Record<SiteId, Cluster>>;
let pair: TestPair;
let primary: Karapace;
let standby: Karapace;
let sync: SchemaSync;

beforeAll(async () => {
  const [a, b] = await Promise.all([startTestCluster({ name: 'a' }), startTestCluster({ name: 'b' })]);
  brokers = { a, b };
  for (const site of sites) {
    const principals = { umbra: 'User:umbra', app: 'User:app' };
    await brokers[site].grant([
      ...renderSiteAcls({ site, owners: testOwners, principals }),
      {
        principal: 'User:umbra',
        host: '*',
        resourceType: 'GROUP',
        resourceName: 'schema-registry',
        patternType: 'LITERAL',
        operation: 'DESCRIBE',
        permission: 'ALLOW',
      },
    ]);
    await grantRegistry(brokers[site].connection('admin'), 'User:app', site === 'a' ? 'primary' : 'standby');
  }
  pair = await startPair({ clusters: { a: a.connection('umbra'), b: b.connection('umbra') } });
  const connect = (site: SiteId): Cluster =>
    new Cluster(`site ${site}`, clusterConfigSchema.parse(brokers[site].connection('umbra')), { clientId: 'test' });
  clusters = { a: connect('a'), b: connect('b') };
  sync = new SchemaSync({
    schemaPrimary: () => 'a',
    logs: { a: new KafkaSchemaLog(clusters.a), b: new KafkaSchemaLog(clusters.b) },
    now: () => new Date(),
  });
  // The primary's makes the topic; the standby's is started when the copy is there, or it would make one of its own.
  primary = await startKarapace({ cluster: a.connection('app'), eligible: true, name: 'primary' });
  await equal();
  standby = await startKarapace({ cluster: b.connection('app'), eligible: false, name: 'standby' });
}, 400_000);

afterAll(async () => {
  await Promise.allSettled([standby.stop(), primary.stop()]);
  await pair.remove();
  await Promise.all([clusters.a.close(), clusters.b.close()]);
  await Promise.all([brokers.a.remove(), brokers.b.remove()]);
}, 120_000);

type Watched = Extract<SchemaSyncView, { kind: 'watched' }>;

async function equal(): Promise<Watched> {
  return eventually('both logs are there and say the same', async () => {
    await sync.round(AbortSignal.timeout(30_000));
    const view = sync.view();
    if (view.kind !== 'watched' || view.sites.b.state !== 'read') return undefined;
    return view.comparison.verdict === 'equal' ? view : undefined;
  });
}

const avro = (name: string, ...fields: readonly string[]): { schema: string } => ({
  schema: JSON.stringify({
    type: 'record',
    name,
    fields: fields.map((field) => ({ name: field, type: 'string', default: '' })),
  }),
});

async function findings(): Promise<readonly RegistryFinding[]> {
  return checkRegistries(
    {
      primary: 'a',
      clusters,
      registries: {
        a: registryConfigSchema.parse({ url: primary.url }),
        b: registryConfigSchema.parse({ url: standby.url }),
      },
      versionsIn: (site, max) => sync.newestVersions(site, max),
    },
    AbortSignal.timeout(60_000),
  );
}

test('the standby answers what was registered at the primary, with the same ids, and what was deleted there', async () => {
  for (const [subject, schema] of [
    ['a_orders-value', avro('Order', 'id')],
    ['a_orders-value', avro('Order', 'id', 'customer')],
    ['a_users-value', avro('User', 'name')],
    ['a_gone-value', avro('Gone', 'x')],
  ] as const) {
    expect(await primary.send('POST', `/subjects/${subject}/versions`, schema)).toMatchObject({ status: 200 });
  }
  await primary.send('PUT', '/config/a_users-value', { compatibility: 'FULL' });
  await primary.send('DELETE', '/subjects/a_gone-value');
  const view = await equal();
  expect(view.sites.a.counts).toMatchObject({ subjects: 2, versions: 4, softDeleted: 1, ids: 4, malformed: 0 });
  expect(view.sites.b).toMatchObject({ digest: view.sites.a.digest, counts: view.sites.a.counts });
  const paths = [
    '/subjects',
    '/subjects?deleted=true',
    '/subjects/a_orders-value/versions/1',
    '/subjects/a_orders-value/versions/2',
    '/schemas/ids/4',
    '/config/a_users-value',
  ];
  for (const path of paths) {
    const wanted = await primary.get(path);
    await eventually(`the standby answers ${path}`, async () => {
      const answer = await standby.get(path);
      return JSON.stringify(answer) === JSON.stringify(wanted) || undefined;
    });
  }
  expect(await findings()).toMatchObject([
    { level: 'ok', site: 'a' },
    { level: 'ok', site: 'b' },
  ]);
});

test('the standby registers nothing, and answers the id of what is registered', async () => {
  const before = await logEnds(brokers.b.connection('app'), schemasTopic);
  expect(await standby.send('POST', '/subjects/b_new-value/versions', avro('New', 'x'))).toMatchObject({
    status: 500,
    body: { error_code: 50003 },
  });
  const known = await standby.send('POST', '/subjects/a_orders-value/versions', avro('Order', 'id'));
  expect(known).toMatchObject({ status: 200, body: { id: 1 } });
  expect(await logEnds(brokers.b.connection('app'), schemasTopic)).toEqual(before);
});

test('a registry that may be elected at the standby is found, and the cluster refuses what it writes all the same', async () => {
  const before = await logEnds(brokers.b.connection('app'), schemasTopic);
  await standby.stop();
  standby = await startKarapace({ cluster: brokers.b.connection('app'), eligible: true, name: 'rival' });
  const { port } = new URL(standby.url);
  expect(await findings()).toMatchObject([
    { level: 'ok', site: 'a' },
    { level: 'error', site: 'b', message: `the registry 127.0.0.1:${port} is elected to write at the standby` },
  ]);
  // It answers with an error, or not at all.
  const answer = await standby.send('POST', '/subjects/b_new-value/versions', avro('New', 'x')).catch(() => undefined);
  expect(answer?.status).not.toBe(200);
  expect(await logEnds(brokers.b.connection('app'), schemasTopic)).toEqual(before);
  await equal();
});
