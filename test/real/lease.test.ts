import { afterAll, beforeAll, expect, test } from 'vitest';
import { renderSiteAcls } from '../../src/prefix-policy/acls.ts';
import { testOwners } from '../fixtures/brokers.ts';
import { startTestCluster, type TestCluster } from '../fixtures/cluster.ts';
import { createTopic, kafkajs } from '../fixtures/kafkajs.ts';
import { startReplication, type TestReplication } from '../fixtures/replication.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { transact } from '../fixtures/transactions.ts';
import { eventually } from '../fixtures/wait.ts';

/** A coordinator forgets an id that nobody wrote to for this time: 7 days where nobody says otherwise. */
const expirationMs = 4_000;
const acls = renderSiteAcls({
  site: 'b',
  owners: testOwners,
  principals: { umbra: 'User:umbra', app: 'User:app' },
});
const ofTransactionalIds = acls.filter(({ resourceType }) => resourceType === 'TRANSACTIONAL_ID');
const source = sharedSites().a;
const links: TestReplication[] = [];
let target: TestCluster;

beforeAll(async () => {
  target = await startTestCluster({
    name: 'b',
    brokerSettings: {
      'transactional.id.expiration.ms': String(expirationMs),
      'transaction.remove.expired.transaction.cleanup.interval.ms': '500',
    },
  });
  await target.grant(acls.filter((acl) => !ofTransactionalIds.includes(acl)));
});

afterAll(async () => {
  await Promise.all(links.map((link) => link.stop()));
  await target.remove();
});

function startLink(): TestReplication {
  const link = startReplication({
    source: source.umbra,
    target: target.connection('umbra'),
    direct: { source: source.admin, target: target.connection('admin') },
  });
  links.push(link);
  return link;
}

const equal = { batchesDifferent: 0, recordsDifferent: 0, behind: 0 };

test('a right to the lease that was missing is noticed when it is granted, and gaps wait for it', async () => {
  const topic = 'a_lease_granted';
  await createTopic(source.app, topic);
  await transact(source.admin, topic, { rounds: 2, producers: 1 });
  const link = startLink();
  await link.follow(topic);
  await eventually('it goes without', () => link.replicator.hindrance?.kind === 'unleased' || undefined);
  const [copier] = link.replicator.copiersOf(topic);
  await eventually('the gap waits', () => copier?.trouble?.includes('without a lease') === true || undefined);
  await target.grant(acls);
  await eventually('the lease is there', () => link.replicator.hindrance === undefined || undefined, 30_000);
  expect(await link.compare(topic)).toMatchObject(equal);
  expect([link.faults, link.unexpected]).toEqual([[], []]);
});

test('a coordinator that forgot the link is told of it anew, and the copy goes on', async () => {
  const topic = 'a_lease_forgotten';
  await createTopic(source.app, topic);
  const link = startLink();
  await link.follow(topic);
  const producer = kafkajs(source.app).producer();
  await producer.connect();
  try {
    for (let round = 0; round < 2; round++) {
      await eventually('it is forgotten', () => link.replicator.hindrance?.kind === 'acquiring' || undefined, 30_000);
      await producer.send({ topic, messages: [{ value: `while it is taken anew ${round}` }] });
      await transact(source.admin, topic, { rounds: 1, producers: 1 });
      await eventually('it is taken anew', () => link.replicator.hindrance === undefined || undefined, 30_000);
      expect(await link.compare(topic)).toMatchObject(equal);
    }
  } finally {
    await producer.disconnect();
  }
  expect([link.faults, link.unexpected]).toEqual([[], []]);
});
