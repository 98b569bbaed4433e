import { afterEach, expect, test } from 'vitest';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { fenceHolders } from '../../src/replication/lease/holders.ts';
import { createTopic } from '../fixtures/kafkajs.ts';
import { startReplication, type TestReplication } from '../fixtures/replication.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { startSteadyLoad } from '../fixtures/steady-load.ts';
import { transactInTurn } from '../fixtures/transactions.ts';
import { eventually } from '../fixtures/wait.ts';

const { a: source, b: target } = sharedSites();
const links: TestReplication[] = [];
const equal = { batchesDifferent: 0, recordsDifferent: 0, behind: 0 };
const never = new AbortController().signal;

afterEach(async () => {
  for (const link of links.splice(0)) {
    expect([link.faults, link.unexpected]).toEqual([[], []]);
    await link.stop();
  }
});

function startHolder(holder: string, mayAppend?: () => boolean): TestReplication {
  const link = startReplication({
    source: source.umbra,
    target: target.umbra,
    direct: { source: source.admin, target: target.admin },
    holder,
    ...(mayAppend === undefined ? {} : { mayAppend }),
  });
  links.push(link);
  return link;
}

test('partitions go to and fro between two holders under load, and the copy stays equal', async () => {
  const topic = 'a_hand_over';
  await createTopic(source.app, topic, { partitions: 6 });
  const load = startSteadyLoad(source.app, { topic, partitions: 6, batchRecords: 6 });
  try {
    const holders = [startHolder('one'), startHolder('two')] as const;
    await holders[0].follow(topic);
    // The load goes on meanwhile.
    expect(await holders[0].compare(topic)).toMatchObject({ batchesDifferent: 0, recordsDifferent: 0 });
    for (let round = 0; round < 6; round++) {
      const [from, to] = round % 2 === 0 ? holders : [holders[1], holders[0]];
      const held = from.replicator.copiersOf(topic).map(({ of }) => of.partition);
      const moving = held.filter((partition) => (partition + round) % 2 === 0);
      const before = new Map(
        from.replicator.copiersOf(topic).map(({ of, copiedTo }) => [of.partition, copiedTo ?? 0n]),
      );
      await from.replicator.release(topic, moving, never);
      expect(from.replicator.copiersOf(topic).some(({ of }) => moving.includes(of.partition))).toBe(false);
      await to.join(topic, moving);
      await eventually(
        'they go on',
        () =>
          to.replicator
            .copiersOf(topic)
            .filter(({ of }) => moving.includes(of.partition))
            .every(({ of, copiedTo }) => (copiedTo ?? 0n) > (before.get(of.partition) ?? 0n)) || undefined,
      );
    }
    await load.stop();
    for (const holder of holders) expect(await holder.compare(topic)).toMatchObject(equal);
  } finally {
    await load.stop();
  }
});

test('who was fenced appends nothing any more, and another one goes on without a fault', async () => {
  const topic = 'a_hand_over_fenced';
  await createTopic(source.app, topic);
  const zombie = startHolder('zombie');
  await zombie.follow(topic);
  await transactInTurn(source.admin, topic, { fates: ['commit', 'abort', 'commit'], records: 3 });
  expect(await zombie.compare(topic)).toMatchObject(equal);
  const cluster = new Cluster('site b', clusterConfigSchema.parse(target.umbra), { clientId: 'umbra-test' });
  try {
    await fenceHolders(cluster, { linkId: 'test', holders: ['zombie'] }, never);
  } finally {
    await cluster.close();
  }
  const heir = startHolder('heir');
  await heir.join(topic);
  await transactInTurn(source.admin, topic, { fates: ['commit', 'abort', 'commit'], records: 3 });
  expect(await heir.compare(topic)).toMatchObject(equal);
  expect(zombie.replicator.hindrance?.kind).toBe('fenced');
});

test('nothing is appended while a holder may not, and everything when it may again', async () => {
  const topic = 'a_hand_over_unsure';
  await createTopic(source.app, topic);
  let sure = true;
  const holder = startHolder('unsure', () => sure);
  await holder.follow(topic);
  await transactInTurn(source.admin, topic, { fates: ['commit', 'abort'], records: 3 });
  expect(await holder.compare(topic)).toMatchObject(equal);
  sure = false;
  await transactInTurn(source.admin, topic, { fates: ['commit', 'abort'], records: 3 });
  const [copier] = holder.replicator.copiersOf(topic);
  const before = copier?.copiedTo;
  await eventually('it has seen the new records', () => (copier?.lag().records ?? 0n) > 0n || undefined);
  expect(copier?.copiedTo).toBe(before);
  sure = true;
  expect(await holder.compare(topic)).toMatchObject(equal);
});
