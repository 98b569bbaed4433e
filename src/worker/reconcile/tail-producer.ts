import { createRecordsBatch } from '@platformatic/kafka';
import type { Cluster } from '../../kafka/cluster.ts';
import { ConnectionError, KafkaError } from '../../kafka/errors.ts';
import { decodeProduce, encodeProduce, produceApis } from '../../kafka/produce-api.ts';
import { addToTransaction, endTransaction, type TransactionOwner } from '../../kafka/transaction-api.ts';
import { coordinatorOf, initProducerId } from '../../kafka/transaction-coordinator.ts';
import { crc32c } from '../../replication/batches/crc32c.ts';
import { encodeBatch } from '../../replication/batches/encode-batch.ts';
import { headerBytes } from '../../replication/batches/record-batch.ts';
import type { RawRecord } from '../../replication/batches/records.ts';
import { retried } from '../state/state-writer.ts';

const transactionTimeoutMs = 60_000;
const produceTimeoutMs = 15_000;
/** Places in the header of a record batch (protocol.md, part 1). */
const checksumAt = 17;
const checksummedFrom = 21;
const attributesAt = 21;
const producerIdAt = 43;
const producerEpochAt = 51;
const sequenceAt = 53;
const transactionalBit = 0x10;

/** What is appended together. */
export interface TailBatch {
  readonly partition: number;
  readonly records: readonly Omit<RawRecord, 'offset'>[];
  /** Bits of the compression. */
  readonly codec: number;
}

/**
 * Appends records to one topic as any producer does, in transactions under a transactional id of which there is one: who
 * takes it last ends what was open, and everybody before is refused (KIP-98). After any error nothing is known of the
 * transaction at hand: {@link take} anew, and look at what is there.
 */
export class TailProducer {
  readonly #cluster: Cluster;
  readonly #topic: string;
  readonly #transactionalId: string;
  readonly #sequences = new Map<number, number>();
  #owner: TransactionOwner | undefined;

  constructor(cluster: Cluster, topic: string, transactionalId: string) {
    this.#cluster = cluster;
    this.#topic = topic;
    this.#transactionalId = transactionalId;
  }

  /** Becomes the only one. Returns the producer id its records will carry. */
  async take(signal: AbortSignal): Promise<bigint> {
    const transactionalId = this.#transactionalId;
    const identity = await retried(signal, () => initProducerId(this.#cluster, transactionalId, transactionTimeoutMs));
    this.#owner = { transactionalId, ...identity };
    this.#sequences.clear();
    return identity.producerId;
  }

  /** One transaction, all or none. */
  async append(batches: readonly TailBatch[], signal: AbortSignal): Promise<void> {
    const owner = this.#owner;
    if (owner === undefined) throw new Error('nothing is appended before the transactional id is taken');
    const topic = this.#topic;
    const coordinator = await coordinatorOf(this.#cluster, owner.transactionalId);
    for (const partition of new Set(batches.map((batch) => batch.partition))) {
      await retried(signal, async () => {
        this.#require(await addToTransaction(coordinator, owner, { topic, partition }), 'beginning a transaction on');
      });
    }
    for (const batch of batches) await retried(signal, () => this.#produce(owner, batch));
    await retried(signal, async () => {
      this.#require(await endTransaction(coordinator, owner, 'commit'), 'committing to');
    });
  }

  async #produce(owner: TransactionOwner, { partition, records, codec }: TailBatch): Promise<void> {
    const topic = this.#topic;
    const leader = (await this.#cluster.metadata([topic])).topics.get(topic)?.partitions.at(partition)?.leader;
    if (leader === undefined) throw new ConnectionError(`${topic}/${partition} has no leader at ${this.#cluster.name}`);
    const broker = await this.#cluster.broker(leader, 'replay');
    const { version } = broker.negotiate(...produceApis);
    const sequence = this.#sequences.get(partition) ?? 0;
    const batch = transactionalBatch(records, { topic, codec, owner, sequence });
    const request = encodeProduce([{ topic, partition, batch }], {
      ...{ version, timeoutMs: produceTimeoutMs, transactionalId: owner.transactionalId },
    });
    const answer = await broker.connection.request(request);
    const [result] = decodeProduce(answer.bytes, answer.bodyStart);
    if (result === undefined) throw new ConnectionError(`${topic}/${partition} is missing in the broker's answer`);
    this.#require(result.errorCode, `appending to partition ${partition} of`, result.message);
    this.#sequences.set(partition, sequence + records.length);
  }

  #require(code: number, what: string, brokerText?: string): void {
    if (code === 0) return;
    const context = `${what} ${this.#topic} at ${this.#cluster.name}`;
    throw new KafkaError(code, context, { brokerText: brokerText ?? null, right: 'WRITE' });
  }
}

interface BatchOwner {
  readonly topic: string;
  readonly codec: number;
  readonly owner: TransactionOwner;
  readonly sequence: number;
}

function transactionalBatch(records: TailBatch['records'], { topic, codec, owner, sequence }: BatchOwner): Buffer {
  const messages = records.map(({ timestamp, key, value, headers }) => ({
    ...{ topic, timestamp, headers: new Map(headers) as Map<Buffer, Buffer> },
    // The library writes null keys, values and headers, but its types do not say so.
    ...{ key: key as Buffer, value: value as Buffer },
  }));
  const plain = createRecordsBatch(messages).buffer.subarray(headerBytes);
  const times = records.map(({ timestamp }) => timestamp);
  const baseTimestamp = times[0] ?? 0n;
  const newest = times.reduce((latest, time) => (time > latest ? time : latest), baseTimestamp);
  const batch = encodeBatch(plain, {
    ...{ codec, records: records.length, baseTimestamp, largestDelta: newest - baseTimestamp },
  });
  batch.writeInt16BE(codec | transactionalBit, attributesAt);
  batch.writeBigInt64BE(owner.producerId, producerIdAt);
  batch.writeInt16BE(owner.producerEpoch, producerEpochAt);
  batch.writeInt32BE(sequence, sequenceAt);
  batch.writeUInt32BE(crc32c(batch.subarray(checksummedFrom)), checksumAt);
  return batch;
}
