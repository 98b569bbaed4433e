import type { Operations } from '../../../src/kafka/authorized-operations.ts';
import { knownOperations } from '../../../src/kafka/acl-words.ts';
import type { TopicMetadata } from '../../../src/kafka/cluster.ts';
import type { TopicConfigs } from '../../../src/kafka/config-admin.ts';
import type { SiteId } from '../../../src/pair/site.ts';
import type { CopySight } from '../../../src/worker/doctor/copy-sight.ts';
import type { BrokerSight, PairSight, SiteSight } from '../../../src/worker/doctor/site-sight.ts';

export const owners = { a: 'a_', b: 'b_' };
export const pairSight: PairSight = { owners, schemaPrimary: { site: 'a' } };
export const everything: Operations = new Set(knownOperations);

/** A topic whose partitions all have these replicas. */
export function topic(
  name: string,
  shape: { partitions?: number; replicas?: number; inSync?: number; led?: boolean; topicId?: string } = {},
): TopicMetadata {
  const { partitions = 1, replicas = 1, inSync = replicas, led = true, topicId = name } = shape;
  const of = (partition: number): TopicMetadata['partitions'][number] => ({
    ...{ partition, leader: led ? 1 : undefined, leaderEpoch: 0, replicas, inSync },
  });
  return {
    name,
    topicId,
    internal: name.startsWith('__'),
    partitions: Array.from({ length: partitions }, (_, index) => of(index)),
  };
}

export function configs(values: Readonly<Record<string, string>>): TopicConfigs {
  return new Map(
    Object.entries(values).map(([name, value]) => [name, { value, own: true, readOnly: false, sensitive: false }]),
  );
}

export function broker(nodeId: number, settings: Readonly<Record<string, string>> = {}): BrokerSight {
  return { nodeId, address: `kafka-${nodeId}:9092`, lacks: [], settings: new Map(Object.entries(settings)) };
}

/** A site where everything is in order. */
export function sight(
  over: Partial<SiteSight> & { readonly topics?: readonly TopicMetadata[]; readonly size?: number } = {},
): SiteSight {
  const { topics = [topic('_umbra'), topic('b_orders')], size = 1, ...rest } = over;
  return {
    site: 'b',
    bootstrapServers: ['kafka-1:9092'],
    principal: 'User:umbra',
    secured: true,
    metadata: {
      clusterId: 'cluster-b',
      controller: 1,
      brokers: size,
      topics: new Map(topics.map((each) => [each.name, each])),
    },
    authorizer: 'present',
    bootstrap: [],
    brokers: [broker(1)],
    certificates: [],
    configs: new Map(),
    state: {
      kind: 'read',
      spec: { owners, schemaPrimary: { site: 'a' }, links: [{ from: 'a', to: 'b' }], shadows: [], pauses: [] },
    },
    ...{ rights: undefined, acls: [], quotas: [], workers: undefined, clock: undefined },
    ...rest,
  };
}

export function copy(name: string, over: Partial<CopySight> & { readonly site?: SiteId } = {}): CopySight {
  return {
    site: 'b',
    record: { topic: name, link: 'a-b', sourceTopicId: name, state: { kind: 'ours', shadowTopicId: name }, faults: [] },
    source: topic(name),
    copy: topic(name),
    sourceConfigs: undefined,
    copyConfigs: undefined,
    sourceSeen: true,
    ...over,
  };
}
