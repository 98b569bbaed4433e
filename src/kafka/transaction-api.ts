/**
 * A transaction of one partition: AddPartitionsToTxn (24) version 3, EndTxn (26) version 3. Both are taken by every
 * broker since 2.8, also where transactions of version 2 are in force (KIP-890). Take TransactionalId WRITE and, on
 * the topic, WRITE. They return the coordinator's error code.
 */
import { addPartitionsToTxnV3, endTxnV3 } from '@platformatic/kafka';
import type { Broker } from './cluster.ts';
import { ConnectionError } from './errors.ts';
import { call } from './library-api.ts';
import type { ProducerIdentity } from './transaction-coordinator.ts';

export interface TransactionOwner extends ProducerIdentity {
  readonly transactionalId: string;
}

/** Begins the transaction, if need be, and takes the partition into it. */
export async function addToTransaction(
  broker: Broker,
  owner: TransactionOwner,
  { topic, partition }: { readonly topic: string; readonly partition: number },
): Promise<number> {
  const topics = [{ name: topic, partitions: [partition] }];
  const answer = await call(broker.connection, broker.negotiate(addPartitionsToTxnV3.api), [
    { ...owner, verifyOnly: false, topics },
  ]);
  if (answer.errorCode !== 0) return answer.errorCode;
  const result = answer.resultsByTransaction[0]?.topicResults[0]?.resultsByPartition[0];
  if (result === undefined) throw new ConnectionError('AddPartitionsToTxn without a result');
  return result.partitionErrorCode;
}

/** Commits or aborts what was begun. Asking again for the same end is answered as the first time. */
export async function endTransaction(
  broker: Broker,
  owner: TransactionOwner,
  end: 'commit' | 'abort',
): Promise<number> {
  const { transactionalId, producerId, producerEpoch } = owner;
  const api = broker.negotiate(endTxnV3.api);
  const answer = await call(broker.connection, api, transactionalId, producerId, producerEpoch, end === 'commit');
  return answer.errorCode;
}
