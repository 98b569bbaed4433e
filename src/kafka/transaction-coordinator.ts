/**
 * What the lease needs of a transaction coordinator: InitProducerId (22) version 4, DescribeTransactions (65) version 0. Takes TransactionalId WRITE and DESCRIBE.
 */
import { describeTransactionsV0, initProducerIdV4 } from '@platformatic/kafka';
import type { Broker, Cluster } from './cluster.ts';
import { ConnectionError, KafkaError } from './errors.ts';
import { findCoordinator } from './find-coordinator.ts';
import { call } from './library-api.ts';

export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/**
 * Asks for the next epoch of a transactional id: whoever held the last one is fenced by it.
 * Throws {@link KafkaError} with the broker's code (14, 15, 16, 51: ask again; 53: a right is missing).
 */
export async function initProducerId(
  cluster: Cluster,
  transactionalId: string,
  timeoutMs: number,
): Promise<ProducerIdentity> {
  const broker = await coordinatorOf(cluster, transactionalId);
  const answer = await call(broker.connection, broker.negotiate(initProducerIdV4.api), transactionalId, timeoutMs);
  if (answer.errorCode !== 0)
    throw new KafkaError(answer.errorCode, `InitProducerId(${transactionalId}) at ${cluster.name}`);
  return { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
}

/** Who holds the transactional id now, as its coordinator says. Throws {@link KafkaError}. */
export async function currentHolder(broker: Broker, transactionalId: string): Promise<ProducerIdentity> {
  const answer = await call(broker.connection, broker.negotiate(describeTransactionsV0.api), [transactionalId]);
  const state = answer.transactionStates[0];
  if (state === undefined) throw new ConnectionError(`DescribeTransactions(${transactionalId}) without a result`);
  if (state.errorCode !== 0) throw new KafkaError(state.errorCode, `DescribeTransactions(${transactionalId})`);
  return { producerId: state.producerId, producerEpoch: state.producerEpoch };
}

/** A connection of its own to the broker that coordinates the transactional id. */
export function coordinatorOf(cluster: Cluster, transactionalId: string): Promise<Broker> {
  return findCoordinator(cluster, 'transaction', transactionalId, 'lease');
}
