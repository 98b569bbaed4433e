import { createRecordsBatch } from '@platformatic/kafka';
import type { Cluster } from '../kafka/cluster.ts';
import { ConnectionError, KafkaError, verdictOf } from '../kafka/errors.ts';
import { decodeProduce, encodeProduce, produceApis } from '../kafka/produce-api.ts';
import { LogReader } from '../replication/logs/log-reader.ts';
import { decodeRecords } from '../replication/batches/records.ts';
import { retryDelays } from '../replication/waiting/retry-delays.ts';
import { Wakeup } from '../replication/waiting/wakeup.ts';

const attemptsMax = 12;
const timeoutMs = 15_000;
const partition = 0;

/**
 * A small key-value log: a compacted topic with one partition, read from its start and followed, appended to with
 * acks=all. Writers have to be one at a time; a repeated record is harmless, for the last value of a key counts.
 */
export class StateLog {
  readonly #cluster: Cluster;
  readonly #topic: string;
  readonly #reader: LogReader;
  readonly #entries = new Map<string, string>();
  #position = 0n;

  constructor(cluster: Cluster, topic: string) {
    this.#cluster = cluster;
    this.#topic = topic;
    this.#reader = new LogReader(cluster);
  }

  /** Key → value as of the last {@link catchUp}. */
  get entries(): ReadonlyMap<string, string> {
    return this.#entries;
  }

  /** Reads everything appended since the last call. */
  async catchUp(signal: AbortSignal): Promise<void> {
    const range = await this.#reader.range(this.#topic, partition, signal);
    const from = this.#position > range.start ? this.#position : range.start;
    for await (const batch of this.#reader.batches(
      { topic: this.#topic, partition },
      { from, to: range.end },
      signal,
    )) {
      if (!batch.header.control) {
        for (const { key, value } of decodeRecords(batch)) {
          if (key === null) continue;
          if (value === null) this.#entries.delete(key.toString('utf8'));
          else this.#entries.set(key.toString('utf8'), value.toString('utf8'));
        }
      }
      this.#position = batch.header.lastOffset + 1n;
    }
  }

  /** Appends one entry (`undefined` removes the key). Resolves when all in-sync replicas have it. */
  async put(key: string, value: string | undefined, signal: AbortSignal): Promise<void> {
    const pause = new Wakeup();
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      try {
        await this.#append(key, value);
        break;
      } catch (error) {
        const verdict = verdictOf(error);
        if (attempt >= attemptsMax || (verdict !== 'moved' && verdict !== 'later')) throw error;
        await pause.wait(signal, retryDelays.after(attempt));
      }
    }
    if (value === undefined) this.#entries.delete(key);
    else this.#entries.set(key, value);
  }

  async #append(key: string, value: string | undefined): Promise<void> {
    const metadata = await this.#cluster.metadata([this.#topic]);
    const leader = metadata.topics.get(this.#topic)?.partitions.at(partition)?.leader;
    if (leader === undefined) throw new ConnectionError(`${this.#topic} has no leader at ${this.#cluster.name}`);
    const broker = await this.#cluster.broker(leader, 'state');
    const record = {
      topic: this.#topic,
      key: Buffer.from(key),
      value: value === undefined ? null : Buffer.from(value),
    };
    // The library writes null values (tombstones) but its type does not say so.
    const batch = createRecordsBatch([record as typeof record & { value: Buffer }]).buffer;
    const { version } = broker.negotiate(...produceApis);
    const request = encodeProduce([{ topic: this.#topic, partition, batch }], { version, timeoutMs });
    const answer = await broker.connection.request(request);
    const [result] = decodeProduce(answer.bytes, answer.bodyStart);
    if (result === undefined) throw new ConnectionError(`${this.#topic} is missing in the broker's answer`);
    if (result.errorCode !== 0) {
      throw new KafkaError(result.errorCode, `writing ${this.#topic} at ${this.#cluster.name}`, {
        brokerText: result.message,
        right: 'WRITE',
      });
    }
  }
}
