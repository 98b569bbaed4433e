import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SiteId, sites } from '../../src/pair/site.ts';
import { renderSiteAcls } from '../../src/prefix-policy/acls.ts';
import { lostTail } from '../../src/schema-primary/lost-tail.ts';
import { schemasTopic } from '../../src/schema-primary/schema-primary.ts';
import type { MoveRequestInput, OperationView } from '../../src/worker/moves/operation-view.ts';
import { testOwners } from '../fixtures/brokers.ts';
import { startTestCluster, type TestCluster } from '../fixtures/cluster.ts';
import { type Karapace, startKarapace } from '../fixtures/karapace.ts';
import { logEnds } from '../fixtures/kafkajs.ts';
import { startPair, type TestPair } from '../fixtures/pair.ts';
import { grantRegistry, readRegistry } from '../fixtures/registry-log.ts';
import { eventually } from '../fixtures/wait.ts';

// A real registry whose site dies with registrations that were answered and not copied: `npm run test:registry`.

let clusters: Readonly<Record<SiteId, TestCluster>>;
let pair: TestPair;
let old: Karapace;
let standby: Karapace;

beforeAll(async () => {
  const [a, b] = await Promise.all([startTestCluster({ name: 'a' }), startTestCluster({ name: 'b' })]);
  clusters = { a, b };
  for (const site of sites) {
    const principals = { umbra: 'User:umbra', app: 'User:app' };
    await clusters[site].grant(renderSiteAcls({ site, owners: testOwners, principals }));
    await grantRegistry(clusters[site].connection('admin'), 'User:app', site === 'a' ? 'primary' : 'standby');
  }
  pair = await startPair({ clusters: { a: a.connection('umbra'), b: b.connection('umbra') } });
  old = await startKarapace({ cluster: a.connection('app'), eligible: true, name: 'old' });
  await level(0);
  standby = await startKarapace({ cluster: b.connection('app'), eligible: false, name: 'new-standby' });
}, 400_000);

afterAll(async () => {
  await Promise.allSettled([standby.stop(), old.stop()]);
  await pair.remove();
  await Promise.all(sites.map((site) => clusters[site].remove()));
}, 120_000);

/** The copy says the same as the log of the primary, with so many ids. */
async function level(ids: number): Promise<void> {
  await eventually(`the copy has ${ids} ids`, async () => {
    const [link] = await pair.api.b.schemas();
    if (link?.kind !== 'watched' || link.sites.b.state !== 'read') return undefined;
    return (link.comparison.verdict === 'equal' && link.sites.b.counts.ids === ids) || undefined;
  });
}

const avro = (name: string, ...fields: readonly string[]): { schema: string } => ({
  schema: JSON.stringify({
    type: 'record',
    name,
    fields: fields.map((field) => ({ name: field, type: 'string', default: '' })),
  }),
});

async function registered(at: Karapace, subject: string, schema: { schema: string }): Promise<number> {
  const { status, body } = await at.send('POST', `/subjects/${subject}/versions`, schema);
  expect({ status, body }).toMatchObject({ status: 200 });
  return (body as { id: number }).id;
}

async function refuses(at: Karapace): Promise<void> {
  const { status, body } = await at.send('POST', '/subjects/refused-value/versions', avro('Refused', 'x'));
  expect({ status, body }).toMatchObject({ status: 500, body: { error_code: 50003 } });
}

test('ids of registrations that were lost are not given out again by the registry that takes over', async () => {
  const app = { a: clusters.a.connection('app'), b: clusters.b.connection('app') };
  expect(await registered(old, 'a_orders-value', avro('Order', 'id'))).toBe(1);
  expect(await registered(old, 'a_users-value', avro('User', 'name'))).toBe(2);
  await level(2);
  await refuses(standby);

  await pair.api.b.pauseTopic(schemasTopic);
  const lost = [
    await registered(old, 'a_orders-value', avro('Order', 'id', 'customer')),
    await registered(old, 'a_lost-value', avro('Lost', 'x')),
    await registered(old, 'a_lost-value', avro('Lost', 'x', 'y')),
  ];
  expect(lost).toEqual([3, 4, 5]);
  await refuses(standby);
  const [cut = 0n] = await logEnds(app.b, schemasTopic);
  await clusters.a.broker.kill();

  const kind: MoveRequestInput['kind'] = 'failover';
  const request = { kind, topics: [schemasTopic], includeUnready: true, oldSideUnconfirmed: true };
  const { hash } = await eventually('the failover is planned', async () => {
    const plan = await pair.api.b.planMove(request);
    return plan.blockers.length === 0 ? plan : undefined;
  });
  const { id } = await pair.api.b.beginMove(request, hash);
  const ended = await eventually(
    'it is over',
    async (): Promise<OperationView | undefined> => {
      const operation = await pair.api.b.operation(id);
      return ['done', 'aborted'].includes(operation.step.kind) ? operation : undefined;
    },
    60_000,
  );
  expect(ended.step).toEqual({ kind: 'done', remarks: [] });
  // It may write now, and is not allowed to by its own setting.
  await refuses(standby);
  await standby.stop();
  standby = await startKarapace({ cluster: app.b, eligible: true, name: 'new-primary' });

  const next = [
    await registered(standby, 'a_orders-value', avro('Order', 'id', 'amount')),
    await registered(standby, 'a_lost-value', avro('Lost', 'x')),
  ];
  process.stdout.write(`lost ids ${lost.join(', ')}; the registry that took over went on with ${next.join(', ')}\n`);
  expect(next).toEqual([1003, 1004]);
  const { body: subjects } = await standby.get('/subjects');
  expect((subjects as readonly string[]).toSorted()).toEqual(['a_lost-value', 'a_orders-value', 'a_users-value']);
  expect(await standby.get('/schemas/ids/1')).toMatchObject({ status: 200 });
  for (const each of lost) expect(await standby.get(`/schemas/ids/${each}`)).toMatchObject({ status: 404 });
  // A registry that is started anew reads the marker from the log.
  await standby.stop();
  standby = await startKarapace({ cluster: app.b, eligible: true, name: 'new-again' });
  expect(await registered(standby, 'a_more-value', avro('More', 'x'))).toBe(1005);

  await clusters.a.broker.start();
  await eventually(
    'the old registry is fenced',
    async () => {
      const before = await logEnds(app.a, schemasTopic);
      const answer = await old
        .send('POST', '/subjects/late-value/versions', avro('Late', 'x'))
        .catch(() => ({ status: 0 }));
      const after = await logEnds(app.a, schemasTopic);
      return (answer.status !== 200 && before[0] === after[0] && (await pair.api.a.roles()).length > 0) || undefined;
    },
    120_000,
  );
  const tail = lostTail({ old: await readRegistry(app.a), now: await readRegistry(app.b), cut });
  expect(tail.collisions).toEqual([]);
  expect(tail.gaps.map((gap) => gap.id)).toEqual(expect.arrayContaining(lost));
}, 300_000);
