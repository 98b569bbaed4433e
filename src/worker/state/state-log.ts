import type { Cluster } from '../../kafka/cluster.ts';
import { LogReader, type RawBatch } from '../../replication/logs/log-reader.ts';
import { decodeRecords } from '../../replication/batches/records.ts';
import type { StateRecord } from './state-writer.ts';

const partition = 0;
/**
 * A key that was removed is not seen by who reads on from before: brokers forget that it was, by default a day after
 * (delete.retention.ms). Who has not read for half of that, since the site was away, reads everything anew.
 */
export const knownMsMax = 12 * 3_600_000;

export interface StateLogPorts {
  readonly reader: Pick<LogReader, 'range' | 'end' | 'batches'>;
  readonly monotonicMs: () => number;
}

/**
 * A small key-value log as its readers see it: a compacted topic with one partition, read from its start and followed.
 * Of transactions only what was committed counts.
 */
export class StateLog {
  readonly #topic: string;
  readonly #ports: StateLogPorts;
  readonly #entries = new Map<string, string>();
  #position = 0n;
  /** Everything was known then. */
  #readAtMs: number | undefined;

  constructor(cluster: Cluster, topic: string, ports: Partial<StateLogPorts> = {}) {
    this.#topic = topic;
    this.#ports = { reader: new LogReader(cluster), monotonicMs: () => performance.now(), ...ports };
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
    const begunAtMs = this.#ports.monotonicMs();
    const isOld = this.#readAtMs !== undefined && begunAtMs - this.#readAtMs > knownMsMax;
    const isWhole = isOld && (await this.#readAnew(signal));
    if (!isWhole) await this.#readOn(signal);
    if (isWhole || !isOld) this.#readAtMs = begunAtMs;
  }

  async #readOn(signal: AbortSignal): Promise<void> {
    const { reader } = this.#ports;
    for await (const batch of reader.batches({ topic: this.#topic, partition }, await this.#unread(signal), signal)) {
      if (batch.header.lastOffset < this.#position) continue;
      apply(batch, this.#entries);
      this.#position = batch.header.lastOffset + 1n;
    }
  }

  /** Where the log has a beginning is asked once: a reader whose offset is gone goes on at the new one by itself. */
  async #unread(signal: AbortSignal): Promise<{ readonly from: bigint; readonly to: bigint }> {
    const { reader } = this.#ports;
    const from = this.#position;
    if (from > 0n) return { from, to: await reader.end(this.#topic, partition, signal) };
    const { start, end } = await reader.range(this.#topic, partition, signal);
    return { from: start, to: end };
  }

  /** False where more was learnt meanwhile by others: the next call reads it anew. */
  async #readAnew(signal: AbortSignal): Promise<boolean> {
    const { reader } = this.#ports;
    const known = this.#position;
    const range = await reader.range(this.#topic, partition, signal);
    // A new leader may not show as much yet as was read there before.
    if (range.end < known) return false;
    const entries = new Map<string, string>();
    let position = known;
    const whole = { from: range.start, to: range.end };
    for await (const batch of reader.batches({ topic: this.#topic, partition }, whole, signal)) {
      apply(batch, entries);
      if (batch.header.lastOffset >= position) position = batch.header.lastOffset + 1n;
    }
    if (this.#position !== known) return false;
    this.#entries.clear();
    for (const [key, text] of entries) this.#entries.set(key, text);
    this.#position = position;
    return true;
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

function apply(batch: RawBatch, entries: Map<string, string>): void {
  if (batch.dropped) return;
  for (const { key, value } of decodeRecords(batch)) {
    if (key === null) continue;
    if (value === null) entries.delete(key.toString('utf8'));
    else entries.set(key.toString('utf8'), value.toString('utf8'));
  }
}
