import { createRecordsBatch } from '@platformatic/kafka';
import type { Broker, Cluster } from '../../kafka/cluster.ts';
import { ConnectionError, KafkaError, verdictOf } from '../../kafka/errors.ts';
import { decodeProduce, encodeProduce, produceApis } from '../../kafka/produce-api.ts';
import { addToTransaction, endTransaction, type TransactionOwner } from '../../kafka/transaction-api.ts';
import { coordinatorOf, initProducerId } from '../../kafka/transaction-coordinator.ts';
import { crc32c } from '../../replication/batches/crc32c.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { Wakeup } from '../../replication/waiting/wakeup.ts';

export interface StateRecord {
  readonly key: string;
  /** Undefined removes the key. */
  readonly value: string | undefined;
}

/** The state topic belongs to somebody else now: nothing of what was to be written is there, or ever will be. */
export class ControlLostError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ControlLostError';
  }
}

/** Whom requests went to a moment ago, found out then: many writes come at once. */
interface Known {
  readonly broker: Broker;
  readonly atMs: number;
}

/** Not longer: a broker that hangs says nothing, and its cluster has another one in its place after a while. */
const knownMs = 2_000;
const attemptsMax = 12;
const produceTimeoutMs = 15_000;
/** Longest life of a transaction whose writer is gone; a new writer ends it at once. */
const transactionTimeoutMs = 10_000;
const partition = 0;
/** Places in the header of a record batch (protocol.md, part 1). */
const checksumAt = 17;
const checksummedFrom = 21;
const sequenceAt = 53;

/**
 * Writes a topic of one partition in transactions, under a transactional id of which there is one: who takes it last is
 * the writer, and everybody before is refused by the broker (KIP-98), however late a request of theirs arrives. What was
 * being written then is aborted, and seen by nobody who reads what is committed.
 */
export class StateWriter {
  readonly #cluster: Cluster;
  readonly #topic: string;
  readonly #transactionalId: string;
  #owner: TransactionOwner | undefined;
  #sequence = 0;
  #coordinator: Known | undefined;
  #leader: Known | undefined;

  constructor(cluster: Cluster, topic: string, transactionalId: string) {
    this.#cluster = cluster;
    this.#topic = topic;
    this.#transactionalId = transactionalId;
  }

  get owns(): boolean {
    return this.#owner !== undefined;
  }

  /**
   * Becomes the writer, in place of whoever was it. What is committed now is all there is: read the topic to its end
   * before anything is decided. Throws {@link KafkaError}, {@link ConnectionError}.
   */
  async take(signal: AbortSignal): Promise<void> {
    this.#owner = undefined;
    const transactionalId = this.#transactionalId;
    const identity = await retried(signal, () => initProducerId(this.#cluster, transactionalId, transactionTimeoutMs));
    this.#owner = { transactionalId, ...identity };
    this.#sequence = 0;
  }

  /**
   * Appends the records, all or none. Resolves when every in-sync replica has them and they are committed, with the
   * offset behind them: readers may see them a moment later. Throws {@link ControlLostError} when somebody else took
   * over. After any other error it is not known whether they are there: {@link take} and read again.
   */
  async write(records: readonly StateRecord[], signal: AbortSignal): Promise<bigint> {
    const owner = this.#owner;
    if (owner === undefined) throw new ControlLostError(`this worker does not write ${this.#topic}`);
    try {
      await this.#retried(signal, async () => this.#require(await this.#add(owner), 'beginning a transaction'));
      let end = 0n;
      for (const part of partsOf(records)) {
        end = BigInt(part.length) + (await this.#retried(signal, () => this.#append(owner, part)));
        this.#sequence += part.length;
      }
      await this.#retried(signal, async () => this.#require(await this.#commit(owner), 'committing'));
      return end;
    } catch (error) {
      this.#owner = undefined;
      if (verdictOf(error) !== 'fenced') throw error;
      throw new ControlLostError(`another worker writes ${this.#topic} now: ${(error as Error).message}`);
    }
  }

  async #add(owner: TransactionOwner): Promise<number> {
    return addToTransaction(await this.#coordinatorOf(owner), owner, { topic: this.#topic, partition });
  }

  async #commit(owner: TransactionOwner): Promise<number> {
    return endTransaction(await this.#coordinatorOf(owner), owner, 'commit');
  }

  async #append(owner: TransactionOwner, records: readonly StateRecord[]): Promise<bigint> {
    const broker = await this.#leaderNow();
    const { version } = broker.negotiate(...produceApis);
    const batch = batchOf(records, owner, { topic: this.#topic, sequence: this.#sequence });
    const request = encodeProduce([{ topic: this.#topic, partition, batch }], {
      version,
      timeoutMs: produceTimeoutMs,
      transactionalId: owner.transactionalId,
    });
    const answer = await broker.connection.request(request);
    const [result] = decodeProduce(answer.bytes, answer.bodyStart);
    if (result === undefined) throw new ConnectionError(`${this.#topic} is missing in the broker's answer`);
    // A repeated attempt whose first answer was lost is answered as the first one would have been.
    this.#require(result.errorCode, 'writing', result.message);
    return result.baseOffset;
  }

  /** Whatever has failed, they are looked for anew: what is known may be what is wrong. */
  #retried<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return retried(signal, async () => {
      try {
        return await work();
      } catch (error) {
        if (!isBusy(error)) {
          this.#coordinator = undefined;
          this.#leader = undefined;
        }
        throw error;
      }
    });
  }

  async #coordinatorOf({ transactionalId }: TransactionOwner): Promise<Broker> {
    if (!isUsable(this.#coordinator)) this.#coordinator = known(await coordinatorOf(this.#cluster, transactionalId));
    return this.#coordinator.broker;
  }

  async #leaderNow(): Promise<Broker> {
    if (!isUsable(this.#leader)) this.#leader = known(await this.#findLeader());
    return this.#leader.broker;
  }

  async #findLeader(): Promise<Broker> {
    const metadata = await this.#cluster.metadata([this.#topic]);
    const leader = metadata.topics.get(this.#topic)?.partitions.at(partition)?.leader;
    if (leader === undefined) throw new ConnectionError(`${this.#topic} has no leader at ${this.#cluster.name}`);
    return this.#cluster.broker(leader, 'state');
  }

  #require(code: number, what: string, brokerText?: string): void {
    if (code === 0) return;
    const context = `${what} ${this.#topic} at ${this.#cluster.name}`;
    throw new KafkaError(code, context, { brokerText: brokerText ?? null, right: 'WRITE' });
  }
}

function known(broker: Broker): Known {
  return { broker, atMs: performance.now() };
}

function isUsable(who: Known | undefined): who is Known {
  return who !== undefined && !who.broker.connection.closed && performance.now() - who.atMs < knownMs;
}

/** Brokers take batches of 1 MiB where nobody says otherwise. */
const partBytesMax = 512 * 1024;

function partsOf(records: readonly StateRecord[]): readonly (readonly StateRecord[])[] {
  const parts: StateRecord[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    const size = record.key.length + Buffer.byteLength(record.value ?? '');
    if (bytes + size > partBytesMax) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(record);
    bytes += size;
  }
  return parts;
}

/** The coordinator is busy with the end of the transaction before: a matter of milliseconds. */
const concurrentTransactions = 51;
const concurrentPauseMs = 5;
const concurrentAttemptsMax = 1_000;

/** Again and again while the answer may be another one soon; a bounded number of times. */
export async function retried<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const pause = new Wakeup();
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      const verdict = verdictOf(error);
      const busy = isBusy(error);
      const enough = attempt >= (busy ? concurrentAttemptsMax : attemptsMax);
      if (enough || (verdict !== 'moved' && verdict !== 'later')) throw error;
      await pause.wait(signal, busy ? concurrentPauseMs : retryDelays.after(attempt));
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof KafkaError && error.code === concurrentTransactions;
}

function batchOf(
  records: readonly StateRecord[],
  { transactionalId, producerId, producerEpoch }: TransactionOwner,
  { topic, sequence }: { readonly topic: string; readonly sequence: number },
): Buffer {
  const messages = records.map(({ key, value }) => ({
    topic,
    key: Buffer.from(key),
    // The library writes null values (tombstones) but its type does not say so.
    value: (value === undefined ? null : Buffer.from(value)) as Buffer,
  }));
  const batch = createRecordsBatch(messages, { transactionalId, producerId, producerEpoch }).buffer;
  // The library counts sequences by a map of its own.
  batch.writeInt32BE(sequence, sequenceAt);
  batch.writeUInt32BE(crc32c(batch.subarray(checksummedFrom)), checksumAt);
  return batch;
}
