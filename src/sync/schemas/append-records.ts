import { createRecordsBatch } from '@platformatic/kafka';
import type { Cluster } from '../../kafka/cluster.ts';
import { ConnectionError, KafkaError } from '../../kafka/errors.ts';
import { decodeProduce, encodeProduce, produceApis } from '../../kafka/produce-api.ts';
import type { LeapRecord } from '../../schema-primary/id-leap.ts';

const partition = 0;
const produceTimeoutMs = 15_000;

/**
 * Appends the records to a topic of one partition as any producer does, in one batch, all or none. Resolves with the offset
 * of the first when every in-sync replica has them. One attempt: after a lost answer they may be there or not, so read
 * before another. Throws {@link KafkaError} and {@link ConnectionError}.
 */
export async function appendRecords(cluster: Cluster, topic: string, records: readonly LeapRecord[]): Promise<bigint> {
  const metadata = await cluster.metadata([topic]);
  const leader = metadata.topics.get(topic)?.partitions.at(partition)?.leader;
  if (leader === undefined) throw new ConnectionError(`${topic} has no leader at ${cluster.name}`);
  const broker = await cluster.broker(leader, 'state');
  const { version } = broker.negotiate(...produceApis);
  const messages = records.map(({ key, value }) => ({ topic, key: Buffer.from(key), value: Buffer.from(value) }));
  const batch = createRecordsBatch(messages).buffer;
  const request = encodeProduce([{ topic, partition, batch }], { version, timeoutMs: produceTimeoutMs });
  const answer = await broker.connection.request(request);
  const [result] = decodeProduce(answer.bytes, answer.bodyStart);
  if (result === undefined) throw new ConnectionError(`${topic} is missing in the broker's answer`);
  const { errorCode, baseOffset, message } = result;
  if (errorCode !== 0) {
    const context = `appending to ${topic} at ${cluster.name}`;
    throw new KafkaError(errorCode, context, { brokerText: message ?? null, right: 'WRITE' });
  }
  return baseOffset;
}
