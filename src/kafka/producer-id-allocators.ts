/**
 * Where the producer ids of a cluster come from: InitProducerId (22) version 4 without a transactional id. Every broker
 * answers it, out of a block of 1,000 ids of its own; when the block is nearly used up it asks the controller for the
 * next one, out of one counter for the whole cluster that only grows and outlives everything (KIP-730). So the answers of
 * one broker only grow, those of two brokers lie a block or more apart, and a broker that restarts begins a new block.
 *
 * Nothing else is kept of an id that was asked for: it is gone with the answer. Takes WRITE on any topic.
 */
import { initProducerIdV4 } from '@platformatic/kafka';
import type { Broker, Cluster } from './cluster.ts';
import { ConnectionError } from './errors.ts';
import { call } from './library-api.ts';
import type { Answer } from './log-queries.ts';

/** Ids of one block: `ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`. */
export const producerIdBlock = 1000n;

/** Only looked at where there is a transactional id. */
const transactionTimeoutMs = 60_000;
/** Answered from memory: a broker that takes longer hangs, and its connection is closed. */
const requestMsMax = 3_000;
/** One that cannot be connected to for so long is given up: somebody may wait for a promotion. */
const connectMsMax = 3_000;

/** The allocators of one cluster's brokers. Does not retry. */
export class ProducerIdAllocators {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Those that the cluster has now. Throws {@link ConnectionError}, {@link MalformedError}. */
  async brokers(): Promise<readonly number[]> {
    await this.#cluster.metadata([]);
    return this.#cluster.nodeIds();
  }

  /**
   * The next id of a broker, which nobody else will get; or its error code (14: it waits for its next block).
   * `lane`: one of several connections, of which each may have several requests under way.
   */
  async next(nodeId: number, lane: number): Promise<Answer<bigint>> {
    const broker = await this.#connect(nodeId, lane);
    const sender = broker.connection.withOptions({ timeoutMs: requestMsMax });
    const answer = await call(sender, broker.negotiate(initProducerIdV4.api), null, transactionTimeoutMs);
    return answer.errorCode === 0 ? { ok: true, value: answer.producerId } : { ok: false, code: answer.errorCode };
  }

  async #connect(nodeId: number, lane: number): Promise<Broker> {
    const { promise: tooLate, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(
        new ConnectionError(`no connection to broker ${nodeId} of ${this.#cluster.name} within ${connectMsMax} ms`),
      );
    }, connectMsMax);
    try {
      return await Promise.race([this.#cluster.broker(nodeId, purposeOf(lane)), tooLate]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function purposeOf(lane: number): string {
  return lane === 0 ? 'producer-ids' : `producer-ids-${lane}`;
}
