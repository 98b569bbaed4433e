import { describeQuorumV2 } from '@platformatic/kafka';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AclsAwaited, awaitAcls, createAcls, deleteAcls, describeAcls } from '../../src/kafka/acl-admin.ts';
import { type Acl, aclKey } from '../../src/kafka/acl-words.ts';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { KafkaError, NotSentError } from '../../src/kafka/errors.ts';
import { call } from '../../src/kafka/library-api.ts';
import { changedPages, readBook } from '../../src/sync/acls/acl-memory.ts';
import { AclSync } from '../../src/sync/acls/acl-sync.ts';
import { Fence } from '../../src/sync/acls/fence.ts';
import { Grants } from '../../src/sync/acls/grants.ts';
import { syncScope } from '../../src/sync/acls/sync-scope.ts';
import { aclsAt, linesOf, rememberedAcls } from '../fixtures/acls.ts';
import { rememberedFences } from '../fixtures/fence-memory.ts';
import { startTestCluster, type TestCluster } from '../fixtures/cluster.ts';

const always = (): boolean => true;
let three: TestCluster;
let open: TestCluster;
let fenced: Cluster;
let unfenced: Cluster;

beforeAll(async () => {
  [three, open] = await Promise.all([
    startTestCluster({ name: 'three', brokers: 3, brokerSettings: { 'broker.session.timeout.ms': '60000' } }),
    startTestCluster({ name: 'open', security: 'none' }),
  ]);
  const connect = (name: string, cluster: TestCluster): Cluster =>
    new Cluster(name, clusterConfigSchema.parse(cluster.connection('admin')), { clientId: 'test-acls' });
  fenced = connect('three brokers', three);
  unfenced = connect('a cluster without authorizer', open);
}, 240_000);

afterAll(async () => {
  await Promise.all([fenced.close(), unfenced.close()]);
  await Promise.all([three.remove(), open.remove()]);
});

function topicAcl(resourceName: string): Acl {
  return {
    ...{ resourceType: 'TOPIC', resourceName, patternType: 'LITERAL', principal: 'User:x', host: '*' },
    ...{ operation: 'READ', permission: 'ALLOW' },
  };
}

/** The node that leads the quorum of controllers. */
async function controllerOf(cluster: Cluster): Promise<number | undefined> {
  const { connection } = await cluster.any();
  const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }];
  const answer = await call(connection, describeQuorumV2.api, topics);
  return answer.topics[0]?.partitions[0]?.leaderId;
}

/** As the sync does it: what was asked for is there when all brokers show it. */
async function change(cluster: Cluster, { present = [], absent = [] }: Partial<AclsAwaited>): Promise<void> {
  expect(await createAcls(cluster, present, always)).toEqual([]);
  expect(await deleteAcls(cluster, absent, always)).toEqual([]);
  const signal = AbortSignal.timeout(60_000);
  expect(await awaitAcls(cluster, { present, absent }, { timeoutMs: 30_000, signal })).toEqual([]);
}

test('a change is waited for until each broker shows it, and those that do not in time are named', async () => {
  const acls = [topicAcl('a_waits')];
  const signal = AbortSignal.timeout(60_000);
  const leader = await controllerOf(fenced);
  // The first broker is asked, the leader of the quorum writes: it is the third one that does not hear of it.
  const deaf = three.brokers.find(({ nodeId }) => nodeId !== 1 && nodeId !== leader);
  await deaf?.pause();
  try {
    expect(await createAcls(fenced, acls, always)).toEqual([]);
    // Its connections are open and say nothing; the wait is bounded all the same, by the time limit of a request.
    const slow = { connectTimeoutMs: 2_000, requestTimeoutMs: 2_000, frameBytesMax: 1 << 20 };
    const impatient = new Cluster('three brokers', fenced.config, { clientId: 'test-acls', limits: slow });
    try {
      expect(await awaitAcls(impatient, { present: acls, absent: [] }, { timeoutMs: 1_000, signal })).toEqual([
        deaf?.nodeId,
      ]);
    } finally {
      await impatient.close();
    }
  } finally {
    await deaf?.resume();
  }
  expect(await awaitAcls(fenced, { present: acls, absent: [] }, { timeoutMs: 30_000, signal })).toEqual([]);
  await change(fenced, { absent: acls });
});

test('many ACLs go in several requests, and one that is wrong spoils no other', async () => {
  const wrong: Acl = { ...topicAcl('a_wrong'), principal: 'without-type' };
  const many = Array.from({ length: 450 }, (_, index) => topicAcl(`a_${index}`)).toSpliced(210, 0, wrong);
  const refused = await createAcls(fenced, many, always);
  expect(refused.map(({ acl, code }) => [acl, code])).toEqual([[wrong, 42]]);
  const made = many.filter((acl) => acl !== wrong);
  // There already, and gone already, is no error.
  await change(fenced, { present: made });
  expect(linesOf(await aclsAt(fenced))).toEqual(linesOf(made));
  await change(fenced, { absent: made });
  await change(fenced, { absent: made.slice(0, 3) });
});

test('every resource, pattern, host, operation and permission that brokers store is read as it was written', async () => {
  const all: Acl[] = [
    topicAcl('*'),
    { ...topicAcl('a_'), patternType: 'PREFIXED', operation: 'ALL', permission: 'DENY', host: '10.0.0.7' },
    { ...topicAcl('kafka-cluster'), resourceType: 'CLUSTER', operation: 'IDEMPOTENT_WRITE' },
    { ...topicAcl('kafka-cluster'), resourceType: 'CLUSTER', operation: 'CLUSTER_ACTION' },
    { ...topicAcl('g'), resourceType: 'GROUP', operation: 'ALTER_CONFIGS' },
    { ...topicAcl('t'), resourceType: 'TRANSACTIONAL_ID', operation: 'TWO_PHASE_COMMIT' },
    { ...topicAcl('token'), resourceType: 'DELEGATION_TOKEN', operation: 'DESCRIBE' },
    { ...topicAcl('User:y'), resourceType: 'USER', operation: 'CREATE_TOKENS' },
    { ...topicAcl('User:y'), resourceType: 'USER', operation: 'DESCRIBE_TOKENS', principal: 'User:CN=a, O=b' },
  ];
  await change(fenced, { present: all });
  try {
    expect(linesOf(await aclsAt(fenced))).toEqual(linesOf(all));
  } finally {
    await change(fenced, { absent: all });
  }
  expect(await aclsAt(fenced)).toEqual([]);
});

test('nothing is sent when the worker may not act at the last moment', async () => {
  await expect(createAcls(fenced, [topicAcl('a_late')], () => false)).rejects.toThrow(NotSentError);
  expect(await aclsAt(fenced)).toEqual([]);
});

const policy = {
  scope: syncScope({ prefixes: { TOPIC: 'a_', GROUP: 'a_', TRANSACTIONAL_ID: 'a_' } }),
  ...{ own: ['User:umbra'], promoted: new Set<string>(), superUsers: [], allowsWithoutAcl: false },
};
const common = { mayAct: always, policy: () => policy, now: () => new Date(), report: () => undefined };
const round = (sync: AclSync): Promise<void> => sync.round(AbortSignal.timeout(60_000));

test('a standby without authorizer is unfenced, and nothing is written there', async () => {
  expect(await describeAcls(unfenced)).toEqual({ kind: 'no authorizer' });
  await expect(createAcls(unfenced, [topicAcl('a_x')], always)).rejects.toThrow(KafkaError);
  const memory = rememberedAcls(() => {
    throw new Error('nothing is to be remembered');
  });
  const sync = new AclSync({ ...common, source: fenced, target: unfenced, memory });
  await round(sync);
  expect(sync.view()).toMatchObject({
    authorizers: { source: 'present', target: 'absent' },
    fence: { kind: 'unfenced' },
    trouble: undefined,
    levelAt: undefined,
  });
});

test('without an authorizer nothing can be fenced, nothing has to be granted, and nothing is remembered', async () => {
  const memory = rememberedFences();
  const fence = new Fence({ cluster: unfenced, memory, mayAct: always, policy: () => policy });
  const signal = AbortSignal.timeout(60_000);
  const names = [{ kind: 'prefix', prefix: 'a_' }] as const;
  expect(await fence.preview(names)).toMatchObject({ kind: 'unfenced' });
  expect(await fence.raise('x', names, signal)).toMatchObject({ kind: 'unfenced' });
  expect(await fence.lower('x', signal)).toEqual({ kind: 'lowered' });
  expect(memory.pages()).toEqual([]);
  const grants = new Grants({ cluster: unfenced, memory: () => rememberedAcls(), mayAct: always });
  expect(await grants.grant('x', [topicAcl('a_x')], signal)).toEqual({ kind: 'no authorizer' });
});

test('a fence at several brokers stands when all of them show it, and is gone when none does', async () => {
  const write: Acl = { ...topicAcl('*'), operation: 'WRITE' };
  const narrow: Acl = { ...topicAcl('a_x'), operation: 'ALL' };
  await change(fenced, { present: [write, narrow] });
  const fence = new Fence({ cluster: fenced, memory: rememberedFences(), mayAct: always, policy: () => policy });
  const signal = AbortSignal.timeout(60_000);
  const names = [{ kind: 'prefix', prefix: 'a_' }] as const;
  expect(await fence.raise('x', names, signal)).toEqual({ kind: 'fenced', superUsers: [] });
  for (let look = 0; look < 3; look++) expect(await fence.stands('x')).toMatchObject({ kind: 'fenced' });
  expect(await fence.lower('x', signal)).toEqual({ kind: 'lowered' });
  expect(linesOf(await aclsAt(fenced))).toEqual(linesOf([write, narrow]));
  await change(fenced, { absent: [write, narrow] });
});

test('a source that lost its authorizer takes no right away from the standby', async () => {
  const acl = topicAcl('a_kept');
  await change(fenced, { present: [acl] });
  const memory = rememberedAcls();
  const owned = new Map([[aclKey(acl), { acl, state: 'created' as const }]]);
  for (const page of changedPages(readBook([]), { owned, withheld: new Map() })) {
    await memory.putPage(page, AbortSignal.timeout(1_000));
  }
  const sync = new AclSync({ ...common, source: unfenced, target: fenced, memory });
  await round(sync);
  expect(sync.view()).toMatchObject({
    authorizers: { source: 'absent', target: 'present' },
    fence: { kind: 'fenced' },
    trouble: undefined,
  });
  expect(linesOf(await aclsAt(fenced))).toEqual(linesOf([acl]));
  await change(fenced, { absent: [acl] });
});
