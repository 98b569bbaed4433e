import type { Cluster } from '../../kafka/cluster.ts';
import { LogReader } from '../../replication/logs/log-reader.ts';
import { decodeRecords } from '../../replication/batches/records.ts';
import type { StateRecord } from './state-writer.ts';

const partition = 0;

/**
 * A small key-value log as its readers see it: a compacted topic with one partition, read from its start and followed.
 * Of transactions only what was committed counts.
 */
export class StateLog {
  readonly #topic: string;
  readonly #reader: LogReader;
  readonly #entries = new Map<string, string>();
  #position = 0n;

  constructor(cluster: Cluster, topic: string) {
    this.#topic = topic;
    this.#reader = new LogReader(cluster);
  }

  /** Key → value as of the last {@link catchUp}. */
  get entries(): ReadonlyMap<string, string> {
    return this.#entries;
  }

  /** Offset up to which everything has been read. */
  get position(): bigint {
    return this.#position;
  }

  /**
   * Reads everything committed since the last call. Two at a time do each other no harm: what one of them knows already
   * the other one leaves out, so no old value comes back.
   */
  async catchUp(signal: AbortSignal): Promise<void> {
    const range = await this.#reader.range(this.#topic, partition, signal);
    const from = this.#position > range.start ? this.#position : range.start;
    for await (const batch of this.#reader.batches(
      { topic: this.#topic, partition },
      { from, to: range.end },
      signal,
    )) {
      if (batch.header.lastOffset < this.#position) continue;
      if (!batch.dropped) {
        for (const { key, value } of decodeRecords(batch)) {
          if (key === null) continue;
          if (value === null) this.#entries.delete(key.toString('utf8'));
          else this.#entries.set(key.toString('utf8'), value.toString('utf8'));
        }
      }
      this.#position = batch.header.lastOffset + 1n;
    }
  }

  /** What the only writer has just written, up to `end`, is known without reading it. */
  written(records: readonly StateRecord[], end: bigint): void {
    for (const { key, value } of records) {
      if (value === undefined) this.#entries.delete(key);
      else this.#entries.set(key, value);
    }
    if (end > this.#position) this.#position = end;
  }
}
