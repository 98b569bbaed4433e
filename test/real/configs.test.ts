import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster } from '../../src/kafka/cluster.ts';
import { clusterConfigSchema } from '../../src/kafka/cluster-config.ts';
import { describeConfigs } from '../../src/kafka/config-admin.ts';
import { configRules, ruleOf } from '../../src/pair/config-rules.ts';
import { topicPolicySchema } from '../../src/pair/topic-policy.ts';
import { applyConfigs } from '../../src/sync/topics/apply-configs.ts';
import { deleteCopy } from '../../src/sync/topics/delete-copy.ts';
import { promotionConfigs } from '../../src/sync/topics/promotion-configs.ts';
import { ensureStateTopic } from '../../src/worker/state/ensure-state-topic.ts';
import { startTestCluster, type TestCluster } from '../fixtures/cluster.ts';
import { startConfigSync, type TestConfigSync } from '../fixtures/config-sync.ts';
import { createTopic, kafkajs } from '../fixtures/kafkajs.ts';
import { sharedSites } from '../fixtures/shared-sites.ts';
import { eventually } from '../fixtures/wait.ts';

/** A value for each config that is synced, other than the default, and valid beside the others. */
const values: Readonly<Record<string, string>> = {
  'max.message.bytes': '2000000',
  'delete.retention.ms': '3600000',
  'min.compaction.lag.ms': '60000',
  'max.compaction.lag.ms': '7200000',
  'min.cleanable.dirty.ratio': '0.25',
  'segment.bytes': '2097152',
  'segment.ms': '3600000',
  'segment.jitter.ms': '1000',
  'segment.index.bytes': '1048576',
  'index.interval.bytes': '8192',
  'file.delete.delay.ms': '30000',
  preallocate: 'true',
  'flush.messages': '100000',
  'flush.ms': '60000',
  'compression.gzip.level': '6',
  'compression.lz4.level': '6',
  'compression.zstd.level': '6',
};

const withRoom = (name: string, value: string): string => (name === 'max.message.bytes' ? '2201024' : value);

describe('with the rights of a pair', () => {
  const sites = sharedSites();
  let link: TestConfigSync;

  beforeAll(async () => {
    const admin = { source: sites.a.admin, target: sites.b.admin };
    link = startConfigSync({ source: sites.a.umbra, target: sites.b.umbra, admin });
    await ensureStateTopic(link.clusters.target);
  });

  afterAll(() => link.close());

  /** A copy with these configs at the source, level after one round. */
  async function level(topic: string, configs: Record<string, string> = {}): Promise<void> {
    await createTopic(sites.a.admin, topic, { configs });
    await link.copy(topic);
    await eventually('the copy is level', async () => {
      await link.round();
      const { unseen, differing } = link.sync.view();
      return [...unseen.first, ...differing.first].every((each) => each.topic !== topic) ? true : undefined;
    });
  }

  test('every config that is synced arrives when the source sets it, and goes when it takes it back', async () => {
    const topic = 'a_configs_all';
    await level(topic);
    const known = await link.configs('target', topic);
    const synced = configRules.filter(
      ({ name, sync }) => known.has(name) && ['always', 'by default'].includes(sync.kind),
    );
    expect(Object.keys(values).toSorted()).toEqual(synced.map(({ name }) => name).toSorted());
    const before = await link.configs('target', topic);
    await link.set('source', topic, values);
    await link.round();
    const then = await link.configs('target', topic);
    for (const [name, value] of Object.entries(values)) {
      expect(then.get(name), name).toMatchObject({ value: withRoom(name, value), own: true });
    }
    await link.set('source', topic, Object.fromEntries(Object.keys(values).map((name) => [name, undefined])));
    await link.round();
    const after = await link.configs('target', topic);
    for (const name of Object.keys(values)) expect(after.get(name)?.value, name).toBe(before.get(name)?.value);
    await link.round();
    expect(link.sync.view()).toMatchObject({
      level: link.sync.view().topics,
      differing: { count: 0 },
      edited: { count: 0 },
    });
  });

  test('the source’s configs are there when the copy is made', async () => {
    const topic = 'a_configs_created';
    await createTopic(sites.a.admin, topic, { configs: { 'segment.ms': '3600000', 'cleanup.policy': 'compact' } });
    await link.copy(topic);
    // A broker may answer before it has heard of the topic.
    const copy = await eventually('the copy shows its configs', async () => {
      const shown = await link.configs('target', topic);
      return shown.has('segment.ms') ? shown : undefined;
    });
    expect(copy.get('segment.ms')).toMatchObject({ value: '3600000', own: true });
    expect(copy.get('cleanup.policy')).toMatchObject({ value: 'delete', own: true });
  });

  test('what a copy needs stays, whatever the source does', async () => {
    const topic = 'a_configs_needed';
    await level(topic);
    await link.set('source', topic, {
      'cleanup.policy': 'compact',
      'compression.type': 'gzip',
      'message.timestamp.type': 'LogAppendTime',
      'message.timestamp.before.max.ms': '1000',
      'message.timestamp.after.max.ms': '1000',
      'retention.ms': '86400000',
      'retention.bytes': '1000000',
    });
    await link.round();
    const copy = await link.configs('target', topic);
    for (const { name, sync } of configRules) {
      if (sync.kind === 'override' && copy.has(name))
        expect(copy.get(name)).toMatchObject({ value: sync.value, own: true });
    }
    expect(link.records.get(topic)?.wish).toMatchObject({
      'cleanup.policy': { value: 'compact', from: 'topic' },
      'message.timestamp.type': { value: 'LogAppendTime', from: 'topic' },
      'retention.ms': { value: '86400000', from: 'topic' },
    });
  });

  test('a local edit is put back, counted and reported with the value that was there', async () => {
    const topic = 'a_configs_edited';
    await level(topic, { 'segment.ms': '3600000' });
    const { count } = link.sync.view().edited;
    link.events.length = 0;
    const edits = { 'segment.ms': '60000', 'cleanup.policy': 'compact', 'retention.ms': undefined, 'flush.ms': '5' };
    await link.set('target', topic, edits);
    await link.round();
    const copy = await link.configs('target', topic);
    expect(copy.get('segment.ms')).toMatchObject({ value: '3600000', own: true });
    expect(copy.get('cleanup.policy')).toMatchObject({ value: 'delete', own: true });
    expect(copy.get('retention.ms')).toMatchObject({ value: '-1', own: true });
    expect(copy.get('flush.ms')).toMatchObject({ own: false });
    const { edited } = link.sync.view();
    expect(edited.count).toBe(count + 4);
    expect(edited.newest).toContainEqual(
      expect.objectContaining({ topic, name: 'segment.ms', shown: '60000', wanted: '3600000' }),
    );
    expect(link.events).toMatchObject([{ kind: 'config edit reverted', topic }]);
    expect(link.events[0]).toHaveProperty('changes.length', 4);
  });

  test('who edits again and again is left alone for a while, but not with what a copy needs', async () => {
    const topic = 'a_configs_contested';
    await level(topic);
    for (let times = 0; times < 6; times++) {
      link.laterMs += 5_000;
      await link.set('target', topic, { 'flush.ms': String(1000 + times), 'cleanup.policy': 'compact' });
      await link.round();
    }
    const copy = await link.configs('target', topic);
    expect(copy.get('flush.ms')).toMatchObject({ value: '1005', own: true });
    expect(copy.get('cleanup.policy')).toMatchObject({ value: 'delete' });
    const [refused] = link.sync.view().refused.first.filter((each) => each.topic === topic);
    expect(refused).toMatchObject({ name: 'flush.ms' });
    expect(refused?.message).toMatch(/somebody else changed it 5 times/);
    link.laterMs += 400_000;
    await link.round();
    expect((await link.configs('target', topic)).get('flush.ms')).toMatchObject({ own: false });
  });

  test('configs of one cluster only are not touched, unless the link includes them', async () => {
    const topic = 'a_configs_never';
    await level(topic);
    await link.set('source', topic, { 'min.insync.replicas': '2', 'leader.replication.throttled.replicas': '0:1' });
    await link.set('target', topic, { 'unclean.leader.election.enable': 'true' });
    await link.round();
    const copy = await link.configs('target', topic);
    expect(copy.get('min.insync.replicas')).toMatchObject({ own: false });
    expect(copy.get('leader.replication.throttled.replicas')).toMatchObject({ own: false });
    expect(copy.get('unclean.leader.election.enable')).toMatchObject({ value: 'true', own: true });
    link.policy = topicPolicySchema.parse({ configs: { include: ['min.insync.replicas'] } });
    await link.round();
    link.policy = topicPolicySchema.parse({});
    expect((await link.configs('target', topic)).get('min.insync.replicas')).toMatchObject({ value: '2', own: true });
  });

  test('who may not act any more changes nothing', async () => {
    const topic = 'a_configs_demoted';
    await level(topic);
    await link.set('source', topic, { 'segment.ms': '3600000' });
    const before = link.records.get(topic);
    link.mayAct = false;
    await link.round();
    link.mayAct = true;
    expect((await link.configs('target', topic)).get('segment.ms')).toMatchObject({ own: false });
    expect(link.records.get(topic)).toBe(before);
    expect(link.sync.view().differing.first).toContainEqual(
      expect.objectContaining({ topic, name: 'segment.ms', why: 'being changed' }),
    );
    await link.round();
    expect((await link.configs('target', topic)).get('segment.ms')).toMatchObject({ value: '3600000' });
  });

  test('another topic of the same name is not touched', async () => {
    const topic = 'a_configs_replaced';
    await level(topic);
    const admin = kafkajs(sites.b.admin).admin();
    await admin.connect();
    try {
      await admin.deleteTopics({ topics: [topic] });
      await createTopic(sites.b.admin, topic, { configs: { 'retention.ms': '1000000' } });
    } finally {
      await admin.disconnect();
    }
    await link.round();
    link.drop(topic);
    expect((await link.configs('target', topic)).get('retention.ms')).toMatchObject({ value: '1000000' });
  });

  test('a promotion from memory gives the source’s configs back, also when nothing can be asked of it', async () => {
    const topic = 'a_configs_promoted';
    await level(topic, {
      'cleanup.policy': 'compact,delete',
      'retention.ms': '86400000',
      'message.timestamp.type': 'LogAppendTime',
      'min.insync.replicas': '1',
      'max.message.bytes': '500000',
      'segment.ms': '3600000',
    });
    const wish = link.records.get(topic)?.wish;
    const { configs } = await describeConfigs(link.clusters.target, [topic], { fallbacks: true });
    const now = { configs: configs.get(topic) ?? new Map<string, never>(), replicas: 1 };
    const { changes, unfulfilled } = promotionConfigs(wish ?? {}, now, link.policy);
    expect(unfulfilled).toEqual([]);
    const { refused } = await applyConfigs(link.clusters.target, [{ topic, changes }], {
      mayAct: () => true,
      stillSynced: (topics) => topics,
    });
    expect(refused.size).toBe(0);
    // A broker shows what the controller has taken a moment later.
    await eventually('the target shows the configs of the source', async () => {
      expect(await link.configs('target', topic)).toEqual(await link.configs('source', topic));
      return true;
    });
    link.drop(topic);
    await link.round();
    expect(link.records.has(topic)).toBe(false);
  });

  test('a copy is deleted by its id when the source says that the topic is not there, and not otherwise', async () => {
    const topic = 'a_configs_deleted';
    await level(topic);
    const shadow = link.shadows.shadow(topic)?.state;
    const shadowTopicId = shadow?.kind === 'ours' ? shadow.shadowTopicId : '';
    const ports = { ...link.clusters, state: link.shadows, mayAct: () => link.mayAct };
    const signal = AbortSignal.timeout(30_000);
    expect(await deleteCopy({ topic, shadowTopicId }, ports, signal)).toBe('source shows it');
    const admin = kafkajs(sites.a.admin).admin();
    await admin.connect();
    try {
      await admin.deleteTopics({ topics: [topic] });
    } finally {
      await admin.disconnect();
    }
    await eventually('the source has forgotten it', async () =>
      (await link.clusters.source.metadata([topic])).topics.has(topic) ? undefined : true,
    );
    link.mayAct = false;
    await expect(deleteCopy({ topic, shadowTopicId }, ports, signal)).rejects.toThrow(/was not sent/);
    link.mayAct = true;
    expect(link.shadows.shadow(topic)).toBeDefined();
    expect(await deleteCopy({ topic, shadowTopicId }, ports, signal)).toBe('deleted');
    expect(await deleteCopy({ topic, shadowTopicId }, ports, signal)).toBe('gone');
    expect(link.shadows.shadow(topic)).toBeUndefined();
    await link.round();
    expect(link.sync.view().unseen.first).toMatchObject([{ topic }, { topic }]);
    link.drop(topic);
  });

  test('a topic that is only hidden from us is not taken for deleted', async () => {
    const source = new Cluster('the source', clusterConfigSchema.parse(sites.a.app), { clientId: 'umbra-test' });
    try {
      const ports = { source, target: link.clusters.target, state: link.shadows, mayAct: () => true };
      const copy = { topic: 'hidden', shadowTopicId: '0'.repeat(31) + '1' };
      await expect(deleteCopy(copy, ports, AbortSignal.timeout(30_000))).rejects.toThrow(/DESCRIBE/);
    } finally {
      await source.close();
    }
  });

  test('more replicas than the target has brokers are refused in words', async () => {
    const topic = 'a_configs_replicas';
    await createTopic(sites.a.admin, topic);
    link.policy = topicPolicySchema.parse({ replicationFactor: 3 });
    await expect(link.copy(topic)).rejects.toThrow(/INVALID_REPLICATION_FACTOR/);
    link.policy = topicPolicySchema.parse({ replicationFactor: 1 });
    await createTopic(sites.a.admin, `${topic}_1`);
    await link.copy(`${topic}_1`);
    link.policy = topicPolicySchema.parse({});
  });
});

describe('from Kafka 3.9.2 to 4.3.1', () => {
  const newer = sharedSites().b;
  let older: TestCluster;
  let link: TestConfigSync;

  beforeAll(async () => {
    older = await startTestCluster({ name: 'older', version: '3.9.2', security: 'none' });
    const source = older.connection('umbra');
    link = startConfigSync({ source, target: newer.umbra, admin: { source, target: newer.admin } });
    await ensureStateTopic(link.clusters.target);
  }, 240_000);

  afterAll(async () => {
    await link.close();
    await older.remove();
  });

  test('what the target does not know or does not take is named, and keeps nothing else away', async () => {
    const topic = 'a_older';
    const bad = { 'message.downconversion.enable': 'false', 'segment.bytes': '1000', 'segment.ms': '3600000' };
    await createTopic(older.connection('umbra'), topic, { configs: bad });
    await link.copy(topic);
    expect((await link.configs('target', topic)).get('retention.ms')).toMatchObject({ value: '-1', own: true });
    await link.round();
    const copy = await link.configs('target', topic);
    expect(copy.get('segment.ms')).toMatchObject({ value: '3600000', own: true });
    expect(copy.get('segment.bytes')).toMatchObject({ own: false });
    const view = link.sync.view();
    expect(view.unknown).toEqual([{ name: 'message.downconversion.enable', topics: 1, example: topic }]);
    expect(view.refused.first).toMatchObject([{ topic, name: 'segment.bytes', wanted: '1000' }]);
    expect(view.refused.first[0]?.message).toMatch(/INVALID_CONFIG \(40\)/);
    expect(link.events.filter(({ kind }) => kind === 'configs refused')).toHaveLength(1);
    // Not tried again before its time, and at once when the source wants something else.
    await link.round();
    expect(link.events.filter(({ kind }) => kind === 'configs refused')).toHaveLength(1);
    link.laterMs += 400_000;
    await link.round();
    expect(link.events.filter(({ kind }) => kind === 'configs refused')).toHaveLength(2);
    await link.set('source', topic, { 'segment.bytes': '2097152' });
    await link.round();
    expect((await link.configs('target', topic)).get('segment.bytes')).toMatchObject({ value: '2097152', own: true });
    expect(link.sync.view()).toMatchObject({ level: 1, refused: { count: 0 } });
  });

  test('the older release’s names are in the table', async () => {
    for (const name of (await link.configs('source', 'a_older')).keys()) {
      expect(ruleOf(name).reason, name).not.toMatch(/^not in this table/);
    }
    for (const name of (await link.configs('target', 'a_older')).keys()) {
      expect(ruleOf(name).reason, name).not.toMatch(/^not in this table/);
    }
  });

  test('the wish of an older source that this release has no name for is named at the promotion', async () => {
    const { configs } = await describeConfigs(link.clusters.target, ['a_older'], { fallbacks: true });
    const now = { configs: configs.get('a_older') ?? new Map<string, never>(), replicas: 1 };
    const { unfulfilled } = promotionConfigs(link.records.get('a_older')?.wish ?? {}, now, link.policy);
    expect(unfulfilled.map(({ name }) => name)).toEqual(['message.downconversion.enable']);
  });

  test('on the older release timestamps are unbounded by all of its names, and the newer one’s configs arrive', async () => {
    const topic = 'b_newer';
    const target = older.connection('umbra');
    const back = startConfigSync({ source: newer.umbra, target, admin: { source: newer.admin, target } });
    try {
      await createTopic(newer.admin, topic, { configs: { 'segment.ms': '3600000', 'compression.zstd.level': '6' } });
      await back.copy(topic);
      await back.round();
      const copy = await back.configs('target', topic);
      for (const name of ['before.max.ms', 'after.max.ms', 'difference.max.ms']) {
        expect(copy.get(`message.timestamp.${name}`)).toMatchObject({ value: '9223372036854775807', own: true });
      }
      expect(copy.get('segment.ms')).toMatchObject({ value: '3600000', own: true });
      expect(copy.get('compression.zstd.level')).toMatchObject({ value: '6', own: true });
      expect(back.sync.view()).toMatchObject({ level: 1, unknown: [], refused: { count: 0 } });
    } finally {
      await back.close();
    }
  });
});
