import {
  alterClientQuotasV1,
  ConfigResourceTypes,
  IncrementalAlterConfigOperationTypes,
  incrementalAlterConfigsV1,
} from '@platformatic/kafka';
import { declaredPolicySchema } from '../../src/prefix-policy/declared-policy.ts';
import { Partitioners, type Transaction } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAcls, deleteAcls } from '../../src/kafka/acl-admin.ts';
import type { Acl } from '../../src/kafka/acl-words.ts';
import { type ClusterConfigInput, clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { call } from '../../src/kafka/library-api.ts';
import { type SiteId, sites as siteIds } from '../../src/pair/site.ts';
import { diagnose } from '../../src/worker/doctor/diagnose.ts';
import type { Finding } from '../../src/worker/finding.ts';
import type { ShadowRecord } from '../../src/worker/state/shadow-record.ts';
import { ensureStateTopic } from '../../src/worker/state/ensure-state-topic.ts';
import { SiteState } from '../../src/worker/state/state.ts';
import { StateWriter } from '../../src/worker/state/state-writer.ts';
import { workerConfigSchema } from '../../src/worker/worker-config.ts';
import { testOwners } from '../fixtures/brokers.ts';
import { createTopic, deleteBefore, kafkajs, produce } from '../fixtures/kafkajs.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { eventually } from '../fixtures/wait.ts';

/** No worker runs here: what `_umbra` says is written by the test, so that each fault can be made by hand. */
const shared = sharedSites();
const clusters = { a: connect('a', 'umbra'), b: connect('b', 'umbra') };
const admins = { a: connect('a', 'admin'), b: connect('b', 'admin') };
const states = { a: stateOf('a'), b: stateOf('b') };
const recorded = new Set<string>();
const bounded = (): AbortSignal => AbortSignal.timeout(60_000);

function connect(site: SiteId, who: 'umbra' | 'admin'): Cluster {
  return new Cluster(`site ${site}`, clusterConfigSchema.parse(shared[site][who]), { clientId: `test-${who}` });
}

function stateOf(site: SiteId): { readonly writer: StateWriter; readonly state: SiteState } {
  const writer = new StateWriter(clusters[site], '_umbra', 'umbra-controller');
  return { writer, state: new SiteState(clusters[site], writer) };
}

beforeAll(async () => {
  for (const site of siteIds) {
    await ensureStateTopic(clusters[site]);
    const { writer, state } = states[site];
    await writer.take(bounded());
    await state.catchUp(bounded());
    await state.putPrefixPolicy(declaredPolicySchema.parse(testOwners), bounded());
    await state.putLink({ from: site === 'a' ? 'b' : 'a', to: site }, bounded());
  }
  await produceTo('a', 'a_doctor', 3);
  await copyOf('a_doctor', { records: 3, configs: copyConfigs });
});

afterAll(async () => {
  try {
    for (const site of siteIds) {
      await states[site].state.removeLink(site === 'a' ? 'b-a' : 'a-b', bounded());
      for (const topic of recorded) await states[site].state.removeShadow(topic, bounded());
    }
  } finally {
    await Promise.all(siteIds.flatMap((site) => [clusters[site].close(), admins[site].close()]));
  }
});

const copyConfigs = {
  'compression.type': 'producer',
  'message.timestamp.before.max.ms': '9223372036854775807',
  'message.timestamp.after.max.ms': '9223372036854775807',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'max.message.bytes': '1154049',
};

async function produceTo(
  site: SiteId,
  topic: string,
  records: number,
  configs: Record<string, string> = {},
): Promise<void> {
  await createTopic(shared[site].admin, topic, { configs });
  if (records > 0)
    await produce(
      shared[site].admin,
      topic,
      Array.from({ length: records }, (_, index) => `v${index}`),
    );
}

/** A topic at b that `_umbra` calls the copy of one at a. */
async function copyOf(
  topic: string,
  {
    records = 0,
    configs = copyConfigs,
    partitions = 1,
    record = {},
  }: { records?: number; configs?: Record<string, string>; partitions?: number; record?: Partial<ShadowRecord> } = {},
): Promise<void> {
  await createTopic(shared.b.admin, topic, { configs, partitions });
  if (records > 0)
    await produce(
      shared.b.admin,
      topic,
      Array.from({ length: records }, (_, index) => `v${index}`),
    );
  const idAt = async (site: SiteId): Promise<string> =>
    (await admins[site].metadata([topic])).topics.get(topic)?.topicId ?? 'f'.repeat(32);
  const [sourceTopicId, shadowTopicId] = [await idAt('a'), await idAt('b')];
  recorded.add(topic);
  const known: ShadowRecord = { topic, link: 'a-b', sourceTopicId, state: { kind: 'ours', shadowTopicId }, faults: [] };
  await states.b.state.putShadow({ ...known, ...record }, bounded());
}

async function looked(change: Partial<Record<SiteId, ClusterConfigInput>> = {}): Promise<readonly Finding[]> {
  const given = { a: change.a ?? shared.a.umbra, b: change.b ?? shared.b.umbra };
  const config = workerConfigSchema.parse({ pair: 'test', site: 'b', clusters: given, api: { port: 0 } });
  return diagnose({ config, signal: bounded() });
}

const right = (over: Partial<Acl>): Acl => ({
  ...{ resourceType: 'TOPIC', resourceName: 'a_', patternType: 'PREFIXED', principal: 'User:umbra', host: '*' },
  ...{ operation: 'CREATE', permission: 'ALLOW' },
  ...over,
});

async function setConfig(
  site: SiteId,
  type: 'TOPIC' | 'BROKER',
  name: string,
  value: readonly [string, string | undefined],
): Promise<void> {
  const broker = await admins[site].any();
  const [config, to] = value;
  const configs = [
    to === undefined
      ? { name: config, configOperation: IncrementalAlterConfigOperationTypes.DELETE }
      : { name: config, configOperation: IncrementalAlterConfigOperationTypes.SET, value: to },
  ];
  const resource = { resourceType: ConfigResourceTypes[type], resourceName: name, configs };
  const answer = await call(broker.connection, broker.negotiate(incrementalAlterConfigsV1.api), [resource], false);
  expect(answer.responses.map(({ errorMessage }) => errorMessage)).toEqual([null]);
}

async function setQuota(site: SiteId, value: number | undefined): Promise<void> {
  const broker = await admins[site].any();
  const entry = {
    entities: [{ entityType: 'user' as const, entityName: 'umbra' }],
    ops: [{ key: 'producer_byte_rate' as const, value: value ?? 0, remove: value === undefined }],
  };
  const answer = await call(broker.connection, broker.negotiate(alterClientQuotasV1.api), [entry], false);
  expect(answer.entries.map(({ errorCode }) => errorCode)).toEqual([0]);
}

/** A transaction with a record that is an hour old, as one whose producer died then. */
async function openTransaction(topic: string): Promise<{ readonly transaction: Transaction; end(): Promise<void> }> {
  const producer = kafkajs(shared.a.admin).producer({
    ...{ transactionalId: 'a_doctor', idempotent: true, maxInFlightRequests: 1 },
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({
    topic,
    messages: [{ value: 'open', partition: 0, timestamp: String(Date.now() - 3_600_000) }],
  });
  return {
    transaction,
    async end() {
      await transaction.abort();
      await producer.disconnect();
    },
  };
}

test('prepared faults are found, each by its code with what, where and the remedy, and are gone when they are healed', async () => {
  const { state } = states.b;
  const heal: (() => Promise<unknown>)[] = [];
  const always = (): boolean => true;
  const removed = [
    right({}),
    right({ resourceType: 'GROUP', operation: 'DELETE' }),
    right({ resourceType: 'TRANSACTIONAL_ID', resourceName: 'umbra-', operation: 'WRITE' }),
    right({ resourceType: 'CLUSTER', resourceName: 'kafka-cluster', patternType: 'LITERAL', operation: 'ALTER' }),
  ];
  const denied = right({
    resourceName: 'a_doctor',
    patternType: 'LITERAL',
    operation: 'ALTER_CONFIGS',
    permission: 'DENY',
  });
  try {
    // Topics of their own, which go with the file.
    await produceTo('b', 'a_doctor_squatter', 0);
    await produceTo('a', 'doctor-unowned', 0);
    await produceTo('a', 'a_doctor_ahead', 1);
    await copyOf('a_doctor_ahead', { records: 2 });
    await produceTo('a', 'a_doctor_gone', 3);
    await copyOf('a_doctor_gone', { records: 1 });
    await deleteBefore(shared.a.admin, 'a_doctor_gone', 2);
    await produceTo('a', 'a_doctor_replaced', 0);
    await copyOf('a_doctor_replaced', { record: { sourceTopicId: 'e'.repeat(32) } });
    await produceTo('a', 'a_doctor_wide', 0);
    await copyOf('a_doctor_wide', { partitions: 2 });
    await produceTo('a', 'a_doctor_edited', 0, {
      'retention.ms': '60000',
      'unclean.leader.election.enable': 'true',
      'min.insync.replicas': '2',
    });
    await copyOf('a_doctor_edited', { configs: { ...copyConfigs, 'compression.type': 'gzip' } });
    await copyOf('a_doctor_orphan');
    const fault = { partition: 0, code: 'FOREIGN_WRITE' as const, message: 'offset 7', at: new Date().toISOString() };
    await produceTo('a', 'a_doctor_faulted', 0);
    await copyOf('a_doctor_faulted', { record: { faults: [fault] } });
    await produceTo('a', 'a_doctor_open', 0);
    await copyOf('a_doctor_open');
    const open = await openTransaction('a_doctor_open');
    heal.push(() => open.end());
    // What outlives the file.
    await state.putPrefixPolicy(declaredPolicySchema.parse({ a: 'a_', b: 'bb_' }), bounded());
    heal.push(() => state.putPrefixPolicy(declaredPolicySchema.parse(testOwners), bounded()));
    await setConfig('b', 'TOPIC', '_umbra', ['cleanup.policy', 'delete']);
    heal.push(() => setConfig('b', 'TOPIC', '_umbra', ['cleanup.policy', 'compact']));
    await setConfig('b', 'BROKER', '', ['producer.id.expiration.ms', '60000']);
    heal.push(() => setConfig('b', 'BROKER', '', ['producer.id.expiration.ms', undefined]));
    await setQuota('b', 1_000);
    heal.push(() => setQuota('b', undefined));
    await deleteAcls(admins.b, removed, always);
    heal.push(() => createAcls(admins.b, removed, always));
    await createAcls(admins.b, [denied], always);
    heal.push(() => deleteAcls(admins.b, [denied], always));
    const findings = await looked();
    const prepared: readonly (readonly [string, SiteId | undefined, RegExp, RegExp])[] = [
      ['SQUATTER', 'b', /a_doctor_squatter/, /delete it/],
      ['UNOWNED', 'a', /doctor-unowned/, /prefix/],
      ['COPY_AHEAD', 'b', /a_doctor_ahead\/0 ends at 2, its source at site a at 1/, /umbra rebuild a_doctor_ahead/],
      [
        'RECORDS_GONE',
        'b',
        /a_doctor_gone\/0 is copied up to 1, but site a has deleted everything below 2/,
        /retention/,
      ],
      ['SOURCE_REPLACED', 'b', /a_doctor_replaced/, /umbra rebuild a_doctor_replaced/],
      ['SOURCE_GONE', 'b', /a_doctor_orphan/, /Delete/],
      ['COPY_MORE_PARTITIONS', 'b', /a_doctor_wide has 2 partitions, its source 1/, /Grow/],
      [
        'COPY_CONFIG',
        'b',
        /a_doctor_edited: compression.type is gzip, a copy needs producer/,
        /--add-config compression.type=producer/,
      ],
      [
        'COPY_FAULTED',
        'b',
        /a_doctor_faulted: partition 0 stopped with FOREIGN_WRITE: offset 7/,
        /umbra rebuild a_doctor_faulted/,
      ],
      ['RETENTION_SHORT', 'a', /a_doctor_edited keeps records for 60 s/, /--add-config retention.ms=/],
      ['UNCLEAN_ELECTION', 'a', /a_doctor_edited/, /unclean.leader.election.enable=false/],
      [
        'MIN_ISR_ABOVE_REPLICAS',
        'a',
        /a_doctor_edited: min.insync.replicas is 2, and it has 1 replica/,
        /min.insync.replicas=1/,
      ],
      [
        'HANGING_TRANSACTION',
        'a',
        /a_doctor_open\/0: producer \d+ has had a transaction open for 60 minutes/,
        /kafka-transactions/,
      ],
      ['POLICY_DIFFERS', undefined, /b "b_" at site a and a "a_", b "bb_" at site b/, /PrefixPolicy/],
      ['STATE_NOT_COMPACTED', 'b', /cleanup.policy=delete/, /cleanup.policy=compact/],
      [
        'PRODUCER_ID_EXPIRATION',
        'b',
        /producer.id.expiration.ms is 60000, less than/,
        /kafka-configs.*producer.id.expiration.ms=/,
      ],
      ['QUOTA', 'b', /producer_byte_rate of user umbra is 1000/, /--entity-name umbra/],
      [
        'RIGHT_MISSING',
        'b',
        /User:umbra lacks CREATE on topics that begin with "a_": new topics get no copy/,
        /--allow-principal 'User:umbra' --operation Create --topic a_ --resource-pattern-type prefixed/,
      ],
      [
        'RIGHT_MISSING',
        'b',
        /lacks WRITE, DESCRIBE on transactional ids.*"umbra-".*no worker can lead/,
        /--transactional-id umbra-/,
      ],
      ['RIGHT_MISSING', 'b', /lacks ALTER on the cluster: gaps are not filled/, /--operation Alter --cluster/],
      [
        'RIGHT_MISSING',
        'b',
        /lacks ALTER_CONFIGS on the topic a_doctor:/,
        /First remove what denies it: DENY ALTER_CONFIGS on TOPIC a_doctor/,
      ],
      ['RIGHT_WANTED', 'b', /lacks DELETE on groups that begin with "a_"/, /--group a_/],
      ['NO_WORKER', 'b', /umbra-workers/, /umbra worker/],
    ];
    for (const [code, site, message, remedy] of prepared) {
      expect(findings, `${code} ${message.source}`).toContainEqual(
        expect.objectContaining({
          code,
          ...(site === undefined ? {} : { site }),
          message: expect.stringMatching(message) as unknown,
          remedy: expect.stringMatching(remedy) as unknown,
        }),
      );
    }
  } finally {
    for (const back of heal.toReversed()) await back();
  }
  const lasting = ['RIGHT_MISSING', 'RIGHT_WANTED', 'POLICY_DIFFERS', 'STATE_NOT_COMPACTED', 'PRODUCER_ID_EXPIRATION'];
  // What was committed last is seen when its marker is there.
  await eventually('they are gone', async () => {
    const codes = (await looked()).map(({ code }) => code ?? '');
    const left = codes.filter((code) => [...lasting, 'QUOTA', 'HANGING_TRANSACTION', 'LOOK_FAILED'].includes(code));
    if (left.length > 0) throw new Error(`still there: ${left.join(', ')}`);
    return true;
  });
});

test('what keeps a site from being entered is told apart', async () => {
  const dead = '127.0.0.1:1';
  const { sasl } = shared.b.umbra;
  if (sasl === undefined || sasl.mechanism === 'OAUTHBEARER') throw new Error('the test brokers use SCRAM');
  const wrong = { ...shared.b.umbra, sasl: { ...sasl, password: 'not this one' } };
  const plain = { bootstrapServers: [...shared.b.bootstrapServers] };
  const authority = { ...shared.b.umbra, tls: {} };
  const cases: readonly (readonly [string, Partial<Record<SiteId, ClusterConfigInput>>])[] = [
    ['CREDENTIALS_REFUSED', { b: wrong }],
    ['CREDENTIALS_REFUSED', { b: plain }],
    ['NO_ANSWER', { b: { ...shared.b.umbra, bootstrapServers: [dead] } }],
    ['NO_ANSWER', { b: authority }],
    ['BOOTSTRAP_SILENT', { b: { ...shared.b.umbra, bootstrapServers: [...shared.b.bootstrapServers, dead] } }],
    ['SAME_CLUSTER', { b: shared.a.umbra }],
  ];
  for (const [code, change] of cases) {
    const seen = (await looked(change)).map((finding) => finding.code);
    expect(seen, code).toContain(code);
  }
});
