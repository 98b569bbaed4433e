/** The settings of brokers in force: DescribeConfigs (32) version 4 for resources of type BROKER, asked at each broker itself. */
import { ConfigResourceTypes, describeConfigsV4 } from '@platformatic/kafka';
import type { Cluster } from './cluster.ts';
import { KafkaError, MalformedError } from './errors.ts';
import { call } from './library-api.ts';

/** Name → value; those that the broker keeps to itself (passwords) are not in it. */
export type BrokerSettings = ReadonlyMap<string, string>;

/**
 * Of one broker, which must be known from metadata. Takes DESCRIBE_CONFIGS on the cluster: throws {@link KafkaError} 31
 * without it.
 */
export async function describeBroker(cluster: Cluster, nodeId: number): Promise<BrokerSettings> {
  const broker = await cluster.broker(nodeId, 'configs');
  const resource = {
    resourceType: ConfigResourceTypes.BROKER,
    resourceName: String(nodeId),
    configurationKeys: null,
  };
  const answer = await call(broker.connection, broker.negotiate(describeConfigsV4.api), [resource], false, false);
  const result = answer.results[0];
  if (result === undefined) throw new MalformedError(`DescribeConfigs without a result for broker ${nodeId}`);
  if (result.errorCode !== 0) {
    throw new KafkaError(result.errorCode, `settings of broker ${nodeId} of ${cluster.name}`);
  }
  return new Map(
    result.configs.flatMap(({ name, value }) =>
      value === null || value === undefined ? [] : [[name, value] as const],
    ),
  );
}
