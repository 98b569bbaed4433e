/**
 * Topics and their configs: CreateTopics (19) versions 5 to 7, DeleteTopics (20) version 6, CreatePartitions (37)
 * version 3, DescribeConfigs (32) version 4, DescribeAcls (29) version 3. Any broker takes these: KRaft brokers pass them on to the controller.
 */
import {
  AclOperations,
  AclPermissionTypes,
  ConfigResourceTypes,
  createPartitionsV3,
  createTopicsV7,
  deleteTopicsV6,
  describeAclsV3,
  describeConfigsV4,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka';
import type { Cluster } from './cluster.ts';
import { KafkaError, MalformedError } from './errors.ts';
import { call } from './library-api.ts';

const adminTimeoutMs = 30_000;
const defaultFactor = -1;
const topicAlreadyExists = 36;
const securityDisabled = 54;
const unknownTopicId = 100;

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  /** Default: what the cluster gives topics for which none is asked. */
  readonly replicationFactor?: number;
  readonly configs: ReadonlyMap<string, string>;
}

export type Created = { readonly kind: 'created'; readonly topicId: string } | { readonly kind: 'exists' };

/** Creates a topic. `exists` when one of that name is there already. */
export async function createTopic(cluster: Cluster, topic: NewTopic): Promise<Created> {
  const broker = await cluster.any();
  const answer = await call(
    broker.connection,
    broker.negotiate(createTopicsV7.api),
    [
      {
        name: topic.name,
        numPartitions: topic.partitions,
        replicationFactor: topic.replicationFactor ?? defaultFactor,
        assignments: [],
        configs: [...topic.configs].map(([name, value]) => ({ name, value })),
      },
    ],
    adminTimeoutMs,
    false,
  );
  const result = answer.topics[0];
  if (result === undefined) throw new MalformedError('CreateTopics without a result');
  if (result.errorCode === topicAlreadyExists) return { kind: 'exists' };
  if (result.errorCode !== 0) {
    throw new KafkaError(result.errorCode, `creating topic ${topic.name} at ${cluster.name}`, {
      brokerText: result.errorMessage,
      right: 'CREATE',
    });
  }
  return { kind: 'created', topicId: result.topicId.replaceAll('-', '') };
}

/**
 * Deletes the topic that has this id, and no other: one created anew under the same name is not touched. `gone` when
 * no topic has that id any more. `maySend` is asked when the bytes are about to go out: when it says no, nothing was sent.
 * Throws {@link KafkaError}; ConnectionError also when whether it was deleted is unknown.
 */
export async function deleteTopicById(
  cluster: Cluster,
  topicId: string,
  maySend: () => boolean = () => true,
): Promise<'deleted' | 'gone'> {
  // A connection of its own: it is closed when the request has become too late.
  const broker = await cluster.any('delete');
  const api = broker.negotiate(deleteTopicsV6.api);
  const uuid = topicId.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const answer = await call(
    broker.connection.withOptions({ maySend }),
    api,
    [{ name: null, topicId: uuid }],
    adminTimeoutMs,
  );
  const result = answer.responses[0];
  if (result === undefined) throw new MalformedError('DeleteTopics without a result');
  if (result.errorCode === unknownTopicId) return 'gone';
  if (result.errorCode !== 0) {
    throw new KafkaError(result.errorCode, `deleting the topic with id ${topicId} at ${cluster.name}`, {
      brokerText: result.errorMessage,
      right: 'DELETE',
    });
  }
  return 'deleted';
}

/** Raises the number of partitions to `count`. */
export async function growTopic(cluster: Cluster, name: string, count: number): Promise<void> {
  const broker = await cluster.any();
  const api = broker.negotiate(createPartitionsV3.api);
  const answer = await call(broker.connection, api, [{ name, count, assignments: null }], adminTimeoutMs, false);
  const result = answer.results[0];
  if (result !== undefined && result.errorCode !== 0) {
    throw new KafkaError(result.errorCode, `raising the partitions of ${name} at ${cluster.name} to ${count}`, {
      brokerText: result.errorMessage,
      right: 'ALTER',
    });
  }
}

/** The effective configuration of each topic: name → value. Topics that cannot be described throw {@link KafkaError}. */
export async function describeTopicConfigs(
  cluster: Cluster,
  topics: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  if (topics.length === 0) return new Map();
  const broker = await cluster.any();
  const resources = topics.map((name) => ({
    resourceType: ConfigResourceTypes.TOPIC,
    resourceName: name,
    configurationKeys: null,
  }));
  const answer = await call(broker.connection, broker.negotiate(describeConfigsV4.api), resources, false, false);
  const configs = new Map<string, ReadonlyMap<string, string>>();
  for (const result of answer.results) {
    if (result.errorCode !== 0) {
      throw new KafkaError(result.errorCode, `configs of ${result.resourceName} at ${cluster.name}`, {
        brokerText: result.errorMessage,
        right: 'DESCRIBE_CONFIGS',
      });
    }
    const values = result.configs.flatMap(({ name, value }) =>
      value === null || value === undefined ? [] : [[name, value] as const],
    );
    configs.set(result.resourceName, new Map(values));
  }
  return configs;
}

/** Whether a consumer's look for a missing topic makes it, as one broker is set; undefined when we may not ask. */
export async function autoCreatesTopics(cluster: Cluster): Promise<boolean | undefined> {
  const name = 'auto.create.topics.enable';
  const [nodeId] = cluster.nodeIds();
  if (nodeId === undefined) return undefined;
  const broker = await cluster.broker(nodeId, 'control');
  const resource = {
    resourceType: ConfigResourceTypes.BROKER,
    resourceName: String(nodeId),
    configurationKeys: [name],
  };
  const answer = await call(broker.connection, broker.negotiate(describeConfigsV4.api), [resource], false, false);
  const value = answer.results[0]?.configs.find((config) => config.name === name)?.value;
  return value === undefined || value === null ? undefined : value === 'true';
}

/**
 * Whether the cluster checks rights at all. `unknown` when we may not ask.
 * Without an authorizer brokers answer SECURITY_DISABLED (54).
 */
export async function authorizerOf(cluster: Cluster): Promise<'present' | 'absent' | 'unknown'> {
  const broker = await cluster.any();
  const answer = await call(broker.connection, broker.negotiate(describeAclsV3.api), {
    resourceType: ResourceTypes.CLUSTER,
    resourceName: null,
    resourcePatternType: ResourcePatternTypes.ANY,
    principal: null,
    host: null,
    operation: AclOperations.ANY,
    permissionType: AclPermissionTypes.ANY,
  });
  if (answer.errorCode === 0) return 'present';
  return answer.errorCode === securityDisabled ? 'absent' : 'unknown';
}
