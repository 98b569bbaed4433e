/** Who answers for a group or a transactional id: FindCoordinator (10) version 4. */
import { findCoordinatorV4 } from '@platformatic/kafka';
import { bounded, type Broker, type Cluster } from './cluster.ts';
import { ConnectionError, KafkaError, MalformedError } from './errors.ts';
import { call } from './library-api.ts';

const keyTypes = { group: 0, transaction: 1 } as const;
/** Connections of their own: one to a broker that hangs is closed, and must not take other requests with it. */
const purpose = 'coordinators';
/** Answered from memory: a broker that takes longer hangs, and another one is asked the next time. */
const lookUpMsMax = 3_000;

/**
 * A connection for `use` to the coordinator of `key`. Asks another broker each time: one that was cut off from its
 * cluster would tell of a coordinator that is none any more. Throws {@link KafkaError} (14, 15: ask again) and
 * {@link ConnectionError}, after which it is known where the brokers are now; does not retry.
 */
export async function findCoordinator(
  cluster: Cluster,
  kind: keyof typeof keyTypes,
  key: string,
  use: string,
): Promise<Broker> {
  const any = await cluster.anotherEachTime(purpose);
  const answer = await bounded(any.connection, lookUpMsMax, () =>
    call(any.connection, any.negotiate(findCoordinatorV4.api), keyTypes[kind], [key]),
  );
  const coordinator = answer.coordinators[0];
  if (coordinator === undefined) throw new ConnectionError(`FindCoordinator(${key}) without a result`);
  if (coordinator.errorCode !== 0)
    throw new KafkaError(coordinator.errorCode, `FindCoordinator(${key}) at ${cluster.name}`);
  // Its address comes from metadata.
  if (!cluster.nodeIds().includes(coordinator.nodeId)) await cluster.metadata([]);
  try {
    return await cluster.broker(coordinator.nodeId, use);
  } catch (error) {
    // It may have moved. Nobody else need ask for metadata, and the next attempt would go where it was.
    if (error instanceof ConnectionError && error.verdict !== 'denied') await askWhereItIs(cluster);
    throw error;
  }
}

/** A cluster that does not answer either is no news to whoever could not connect. */
async function askWhereItIs(cluster: Cluster): Promise<void> {
  try {
    await cluster.metadata([]);
  } catch (error) {
    if (!(error instanceof ConnectionError || error instanceof KafkaError || error instanceof MalformedError))
      throw error;
  }
}
