import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type ClusterConfigInput } from '../../src/kafka/cluster-config.ts';
import { openAclApi } from '../../src/local/acl-api.ts';
import { type AclBinding } from '../../src/prefix-policy/acls.ts';
import type { Copies } from '../../src/sync/groups/group-look.ts';
import { startTestCluster, type TestCluster } from '../fixtures/cluster.ts';
import { startGroupSync, type TestGroupSync, type TestGroupSyncOptions } from '../fixtures/group-sync.ts';
import {
  alterOffsets,
  commitAsMembers,
  deleteOffsets,
  type GroupOffsets,
  offsetsOf,
  readAsShareGroups,
} from '../fixtures/java-groups.ts';
import { createTopic, kafkajs, produce } from '../fixtures/kafkajs.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { sendIn, transactionalProducer } from '../fixtures/transactions.ts';

/** What the group sync may and may not do, one rule after the other. The copies are complete: ten records each. */
const sites = sharedSites();
const [source, target] = [sites.a, sites.b];
const topics = ['a_rules1', 'a_rules2'] as const;
const end = 10n;
const copies: Copies = {
  follows: (topic) => (topics as readonly string[]).includes(topic),
  range: () => ({ start: 0n, end }),
};
/** One of the rights of the link's principal. */
const mayDelete: AclBinding = {
  ...{ resourceType: 'GROUP', resourceName: 'a_', patternType: 'PREFIXED' },
  ...{ principal: 'User:umbra', host: '*', operation: 'DELETE', permission: 'ALLOW' },
};
const open: TestGroupSync[] = [];
let old: TestCluster;

beforeAll(async () => {
  old = await startTestCluster({ name: 'old', version: '3.3.2', security: 'none' });
  for (const cluster of [source.admin, target.admin, old.connection('app')]) {
    for (const topic of topics) {
      await createTopic(cluster, topic);
      await produce(
        cluster,
        topic,
        Array.from({ length: Number(end) }, (_, index) => `record ${index}`),
      );
    }
  }
}, 240_000);

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
  for (const cluster of [source.admin, target.admin]) await deleteGroups(cluster);
});

afterAll(async () => {
  await old.remove();
}, 120_000);

async function grant(binding: AclBinding): Promise<void> {
  const acls = openAclApi(target.admin);
  try {
    await acls.create([binding]);
  } finally {
    await acls.close();
  }
}

async function revoke(binding: AclBinding): Promise<void> {
  const acls = openAclApi(target.admin);
  try {
    await acls.remove([binding]);
  } finally {
    await acls.close();
  }
}

async function deleteGroups(cluster: ClusterConfigInput, only?: readonly string[]): Promise<void> {
  const admin = kafkajs(cluster).admin();
  await admin.connect();
  try {
    const all = (await admin.listGroups()).groups.filter(({ protocolType }) => protocolType !== 'share');
    const names = all.map(({ groupId }) => groupId).filter((name) => only?.includes(name) ?? name.startsWith('a_'));
    if (names.length > 0) await admin.deleteGroups(names);
  } finally {
    await admin.disconnect();
  }
}

async function groupsAt(cluster: ClusterConfigInput): Promise<readonly string[]> {
  const admin = kafkajs(cluster).admin();
  await admin.connect();
  try {
    return (await admin.listGroups()).groups.map(({ groupId }) => groupId);
  } finally {
    await admin.disconnect();
  }
}

function start(options: Partial<TestGroupSyncOptions> = {}): TestGroupSync {
  const started = startGroupSync({ source: source.umbra, target: target.umbra, copies, ...options });
  open.push(started);
  return started;
}

/** Offsets of partition 0 of both topics, in order. */
function at(group: string, ...offsets: readonly number[]): GroupOffsets {
  return { group, offsets: offsets.map((offset, index) => ({ topic: topics[index]!, partition: 0, offset })) };
}

async function held(cluster: ClusterConfigInput, group: string): Promise<readonly string[]> {
  const found = [...(await offsetsOf(cluster, [group])).values()];
  return found.map(({ topic, offset }) => `${topic}:${offset}`).sort();
}

test('an offset that is deleted at the source goes from the standby after three looks, the others stay', async () => {
  const sync = start();
  await alterOffsets(source.admin, [at('a_loses', 4, 5)]);
  await sync.round();
  expect(await held(target.admin, 'a_loses')).toEqual(['a_rules1:4', 'a_rules2:5']);
  await deleteOffsets(source.admin, [at('a_loses', 0)]);
  await sync.round();
  await sync.round();
  expect(sync.group('a_loses')?.state).toBe('removing');
  expect(await held(target.admin, 'a_loses')).toEqual(['a_rules1:4', 'a_rules2:5']);
  await sync.round();
  expect(await held(target.admin, 'a_loses')).toEqual(['a_rules2:5']);
  expect(sync.memory.groups().get('a_loses')?.written).toEqual({ a_rules2: [0] });
});

test('a group that is deleted at the source goes from the standby, with what the link wrote and nothing else', async () => {
  const sync = start();
  await createTopic(target.admin, 'b_local');
  await alterOffsets(source.admin, [at('a_ends', 4, 5), at('a_shared', 4)]);
  await sync.round();
  await alterOffsets(target.admin, [{ group: 'a_shared', offsets: [{ topic: 'b_local', partition: 0, offset: 0 }] }]);
  await deleteGroups(source.admin, ['a_ends', 'a_shared']);
  for (let looks = 0; looks < 4; looks += 1) await sync.round();
  expect(await groupsAt(target.admin)).not.toContain('a_ends');
  expect(await held(target.admin, 'a_shared')).toEqual(['b_local:0']);
  expect(sync.memory.groups().size).toBe(0);
  expect(sync.sync.view().groups).toEqual([]);
});

test('without DELETE on the group nothing is removed, and the missing right is named', async () => {
  const sync = start();
  await alterOffsets(source.admin, [at('a_kept', 4)]);
  await sync.round();
  await revoke(mayDelete);
  try {
    await deleteGroups(source.admin, ['a_kept']);
    for (let looks = 0; looks < 4; looks += 1) await sync.round();
    expect(sync.group('a_kept')).toMatchObject({
      state: 'refused',
      why: expect.stringContaining('grant READ and DELETE on the group') as string,
    });
    expect(await held(target.admin, 'a_kept')).toEqual(['a_rules1:4']);
  } finally {
    await grant(mayDelete);
  }
  await sync.round();
  expect(await held(target.admin, 'a_kept')).toEqual([]);
});

test('positions whose topic the source does not show any more stay at the standby', async () => {
  await createTopic(source.admin, 'a_hidden');
  await createTopic(target.admin, 'a_hidden');
  const following = start({ copies: { ...copies, follows: () => true } });
  await alterOffsets(source.admin, [
    { group: 'a_orphaned', offsets: [{ topic: 'a_hidden', partition: 0, offset: 0 }] },
  ]);
  await following.round();
  const admin = kafkajs(source.admin).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: ['a_hidden'] });
  await admin.disconnect();
  for (let looks = 0; looks < 5; looks += 1) await following.round();
  expect(await held(source.admin, 'a_orphaned')).toEqual([]);
  expect(await held(target.admin, 'a_orphaned')).toEqual(['a_hidden:0']);
});

test('a group that the standby had before is foreign, is left alone, and is synced once it is adopted', async () => {
  const sync = start();
  await alterOffsets(target.admin, [at('a_foreign', 1)]);
  await alterOffsets(source.admin, [at('a_foreign', 7)]);
  await sync.round();
  await sync.round();
  expect(sync.group('a_foreign')).toMatchObject({ state: 'foreign', partitions: 1 });
  expect(await held(target.admin, 'a_foreign')).toEqual(['a_rules1:1']);
  await sync.sync.adopt('a_foreign', AbortSignal.timeout(10_000));
  await sync.round();
  expect(sync.group('a_foreign')?.state).toBe('level');
  expect(await held(target.admin, 'a_foreign')).toEqual(['a_rules1:7']);
});

test('an offset inside an open transaction is not carried before it is committed', async () => {
  const sync = start();
  await alterOffsets(source.admin, [at('a_exactly_once', 3)]);
  const producer = transactionalProducer(source.app, 'a_rules-tx');
  await producer.connect();
  try {
    for (const [offset, ending, after] of [
      ['6', 'abort', 'a_rules1:3'],
      ['8', 'commit', 'a_rules1:8'],
    ] as const) {
      const transaction = await producer.transaction();
      await sendIn(transaction, { topic: topics[0], messages: [{ value: 'out', partition: 0 }] });
      await transaction.sendOffsets({
        consumerGroupId: 'a_exactly_once',
        topics: [{ topic: topics[0], partitions: [{ partition: 0, offset }] }],
      });
      await sync.round();
      expect(await held(target.admin, 'a_exactly_once')).toEqual(['a_rules1:3']);
      await transaction[ending]();
      const synced = await held(source.admin, 'a_exactly_once');
      expect(synced).toEqual([after]);
      await sync.round();
      expect(await held(target.admin, 'a_exactly_once')).toEqual([after]);
    }
  } finally {
    await producer.disconnect();
  }
});

test('share groups are named as not synced, names that belong to no site are counted', async () => {
  const sync = start();
  await readAsShareGroups(source.admin, [at('a_sharing', 0)]);
  await alterOffsets(source.admin, [at('nobodys', 4), at('b_elsewhere', 4)]);
  await sync.round();
  expect(sync.group('a_sharing')).toMatchObject({ state: 'not-synced' });
  expect(sync.sync.view().unowned).toEqual({ count: 1, names: ['nobodys'] });
  const synced = await groupsAt(target.admin);
  for (const name of ['a_sharing', 'nobodys', 'b_elsewhere']) expect(synced).not.toContain(name);
  await deleteGroups(source.admin, ['nobodys', 'b_elsewhere']);
});

test('a worker that is not the controller any more writes nothing, and the next one goes on', async () => {
  // Asked at the start, before the records, and twice for each of two commits.
  let answers = 6;
  const first = start({ mayAct: () => answers-- > 0 });
  await alterOffsets(
    source.admin,
    Array.from({ length: 20 }, (_, index) => at(`a_many${index}`, 4)),
  );
  await first.round();
  expect(first.sync.view().trouble?.message).toMatch(/not the controller|not sent/);
  const made = (await groupsAt(target.admin)).filter((name) => name.startsWith('a_many'));
  expect(made).toHaveLength(2);
  const next = start({ memory: first.memory });
  await next.round();
  expect(next.sync.view().counts).toMatchObject({ level: 20, foreign: 0 });
});

test('a source of Kafka 3.3 is followed', async () => {
  const sync = start({ source: old.connection('umbra') });
  const members = [{ ...at('a_of_old', 4, 5), protocol: 'classic' as const }];
  await commitAsMembers(old.connection('app'), members);
  await sync.round();
  expect(sync.group('a_of_old')?.state).toBe('level');
  expect(await held(target.admin, 'a_of_old')).toEqual(['a_rules1:4', 'a_rules2:5']);
  await alterOffsets(old.connection('app'), [at('a_of_old', 1, 2)]);
  await sync.round();
  expect(await held(target.admin, 'a_of_old')).toEqual(['a_rules1:1', 'a_rules2:2']);
});

test('a source that does not answer is a trouble in the view: staleness grows, nothing is removed', async () => {
  const sync = start();
  await alterOffsets(source.admin, [at('a_stays', 4)]);
  await sync.round();
  const { readAt } = sync.sync.view();
  const cut = start({ source: { bootstrapServers: ['127.0.0.1:1'] }, memory: sync.memory });
  await cut.round();
  expect(cut.sync.view().trouble?.message).toMatch(/no broker of the source answers/);
  expect(cut.sync.view().readAt).toBeUndefined();
  expect(readAt).toBeDefined();
  expect(await cut.sync.final(AbortSignal.timeout(30_000))).toMatchObject({ complete: false });
  expect(await held(target.admin, 'a_stays')).toEqual(['a_rules1:4']);
});
