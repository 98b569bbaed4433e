import type { Broker, Cluster } from '../../kafka/cluster.ts';
import { ConnectionError, KafkaError, verdictOf } from '../../kafka/errors.ts';
import { decodeFetch, encodeFetch, fetchApi, noSession } from '../../kafka/fetch-api.ts';
import type { Answer } from '../../kafka/log-queries.ts';
import { epochEnds, listOffsets, logEnds, partitionKey } from '../../kafka/log-queries.ts';
import { AbortedProducers } from '../batches/aborted-producers.ts';
import { Leaders } from '../partition/leaders.ts';
import { type BatchHeader, parseBatch } from '../batches/record-batch.ts';
import { retryDelays } from '../waiting/retry-delays.ts';
import { Wakeup } from '../waiting/wakeup.ts';

export interface RawBatch {
  readonly frame: Buffer;
  readonly header: BatchHeader;
  /** No consumer may see it: a marker, or data of an aborted transaction. */
  readonly dropped: boolean;
}

/** What one answer holds of a log. */
export interface LogChunk {
  readonly batches: readonly RawBatch[];
  /** Everything visible in [asked offset, `readTo`) is in `batches`. */
  readonly readTo: bigint;
}

export interface LogReaderOptions {
  /** Those of somebody else: only topics that are followed there can be read. Default: its own. */
  readonly leaders?: Leaders;
  readonly attemptsMax?: number;
}

const offsetOutOfRange = 1;
const offsetNotAvailable = 78;
const attemptsMax = 12;
const answerBytesMax = 4 * 1024 * 1024;

/**
 * Reads the logs of one cluster raw, batch by batch, for comparing and for small state. Follows leaders and retries a
 * bounded number of times; it copies memory and is not the data path.
 */
export class LogReader {
  readonly #cluster: Cluster;
  readonly #leaders: Leaders;
  readonly #ownLeaders: boolean;
  readonly #attemptsMax: number;
  readonly #names = new Set<string>();

  constructor(cluster: Cluster, options: LogReaderOptions = {}) {
    this.#cluster = cluster;
    this.#leaders = options.leaders ?? new Leaders(cluster, () => [...this.#names]);
    this.#ownLeaders = options.leaders === undefined;
    this.#attemptsMax = options.attemptsMax ?? attemptsMax;
  }

  /**
   * Log start and last stable offset: what a consumer may read. Throws {@link KafkaError} or {@link ConnectionError}
   * when attempts run out.
   */
  async range(
    topic: string,
    partition: number,
    signal: AbortSignal,
  ): Promise<{ readonly start: bigint; readonly end: bigint }> {
    return this.#withLeader({ topic, partition }, signal, async (broker) => {
      const start = await this.#offset(broker, 'earliest', { topic, partition });
      return { start, end: await this.#offset(broker, 'stable', { topic, partition }) };
    });
  }

  /** The end of {@link range} alone. */
  async end(topic: string, partition: number, signal: AbortSignal): Promise<bigint> {
    return this.#withLeader({ topic, partition }, signal, (broker) =>
      this.#offset(broker, 'stable', { topic, partition }),
    );
  }

  /** The epoch the partition is led in, confirmed by its leader. Throws as {@link range} does. */
  async leaderEpoch(topic: string, partition: number, signal: AbortSignal): Promise<number> {
    return this.#withLeader({ topic, partition }, signal, async (broker, _topicId, leaderEpoch) => {
      // A leader that was elected anew refuses the epoch we know, and the next attempt asks for the new one.
      const answers = await logEnds(broker, [{ topic, partition, leaderEpoch }]);
      valueOf(answers.get(partitionKey(topic, partition)), `${topic} at ${this.#cluster.name}`);
      return leaderEpoch;
    });
  }

  /**
   * Where what was appended in `epoch` and before ends in the leader's history: below it nothing was cut since. -1 when
   * the leader does not know. Throws as {@link range} does.
   */
  async epochEnd(
    { topic, partition }: { readonly topic: string; readonly partition: number },
    epoch: number,
    signal: AbortSignal,
  ): Promise<bigint> {
    return this.#withLeader({ topic, partition }, signal, async (broker, _topicId, leaderEpoch) => {
      const answers = await epochEnds(broker, [{ topic, partition, leaderEpoch, epoch }]);
      return valueOf(answers.get(partitionKey(topic, partition)), `${topic} at ${this.#cluster.name}`);
    });
  }

  /**
   * All batches that overlap [from, to), in order. The frames stay valid. Where the log start has moved past what is to
   * be read next (retention, DeleteRecords) it goes on at the new start. `bytesMax` of one answer: 4 MiB where nothing
   * else is said.
   */
  async *batches(
    of: { readonly topic: string; readonly partition: number },
    range: { readonly from: bigint; readonly to: bigint; readonly bytesMax?: number },
    signal: AbortSignal,
  ): AsyncGenerator<RawBatch> {
    const { bytesMax = answerBytesMax } = range;
    let position = range.from;
    while (position < range.to) {
      let batches: readonly RawBatch[];
      try {
        ({ batches } = await this.chunk(of, { offset: position, bytesMax }, signal));
      } catch (error) {
        if (!(error instanceof KafkaError) || error.code !== offsetOutOfRange) throw error;
        const { start } = await this.range(of.topic, of.partition, signal);
        if (start <= position) throw error;
        position = start;
        continue;
      }
      for (const batch of batches) {
        if (batch.header.baseOffset >= range.to) return;
        if (batch.header.lastOffset < position) continue;
        position = batch.header.lastOffset + 1n;
        yield batch;
      }
      if (batches.length === 0) return;
    }
  }

  /**
   * One answer's worth of batches from the one that holds `offset` on; at least one, however large, if there is any.
   * Throws {@link KafkaError} or {@link ConnectionError} when attempts run out, and at once for OFFSET_OUT_OF_RANGE (1).
   */
  async chunk(
    of: { readonly topic: string; readonly partition: number },
    { offset, bytesMax }: { readonly offset: bigint; readonly bytesMax: number },
    signal: AbortSignal,
  ): Promise<LogChunk> {
    return this.#withLeader(of, signal, async (broker, topicId, leaderEpoch) => {
      broker.negotiate(fetchApi);
      const partition = { topicId, partition: of.partition, currentLeaderEpoch: leaderEpoch, fetchOffset: offset };
      const frame = await broker.connection.request(
        encodeFetch({
          session: noSession,
          maxWaitMs: 0,
          minBytes: 0,
          bytesMax,
          partitions: [{ ...partition, lastFetchedEpoch: undefined, bytesMax }],
          forgotten: [],
        }),
      );
      const answer = decodeFetch(frame.bytes, frame.bodyStart);
      const fetched = answer.partitions[0];
      const code = answer.errorCode === 0 ? (fetched?.errorCode ?? 0) : answer.errorCode;
      if (code !== 0)
        throw new KafkaError(code, `reading offset ${offset} of ${of.topic}/${of.partition} at ${this.#cluster.name}`, {
          right: 'READ',
        });
      if (fetched === undefined) return { batches: [], readTo: offset };
      // Callers read below a high watermark they have seen; a new leader may not show as much yet (protocol.md part 2).
      if (fetched.highWatermark <= offset) {
        throw new KafkaError(offsetNotAvailable, `reading offset ${offset} of ${of.topic}/${of.partition}`);
      }
      const batches: RawBatch[] = [];
      const aborted = new AbortedProducers(fetched.abortedTransactions);
      for (let at = fetched.records.start; at < fetched.records.end;) {
        const parsed = parseBatch(frame.bytes, at, fetched.records.end);
        if (parsed.kind === 'cut-off') break;
        if (parsed.kind === 'old-format')
          throw new KafkaError(43, `${of.topic}/${of.partition} at ${parsed.baseOffset}`);
        const { header } = parsed;
        batches.push({ frame: frame.bytes, header, dropped: aborted.drops(frame.bytes, header) });
        at = header.end;
      }
      const last = batches.at(-1);
      return { batches, readTo: last === undefined ? fetched.lastStableOffset : last.header.lastOffset + 1n };
    });
  }

  async #offset(
    broker: Broker,
    which: 'earliest' | 'stable',
    { topic, partition }: { readonly topic: string; readonly partition: number },
  ): Promise<bigint> {
    const answers = await listOffsets(broker, which, [{ topic, partition }]);
    return valueOf(answers.get(partitionKey(topic, partition)), `${topic} at ${this.#cluster.name}`);
  }

  async #withLeader<T>(
    { topic, partition }: { readonly topic: string; readonly partition: number },
    signal: AbortSignal,
    work: (broker: Broker, topicId: string, leaderEpoch: number) => Promise<T>,
  ): Promise<T> {
    const pause = new Wakeup();
    if (this.#ownLeaders && (!this.#names.has(topic) || this.#leaders.refusalOf(topic) !== undefined)) {
      this.#names.add(topic);
      await this.#leaders.refresh();
    }
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      try {
        const refused = this.#leaders.refusalOf(topic);
        if (refused !== undefined) throw refused;
        const leader = this.#leaders.leaderOf(topic, partition);
        const topicId = this.#leaders.topicId(topic);
        if (leader === undefined || topicId === undefined)
          throw new ConnectionError(`${topic}/${partition} has no leader at ${this.#cluster.name}`);
        const broker = await this.#cluster.broker(leader.broker, 'read');
        return await work(broker, topicId, leader.epoch);
      } catch (error) {
        const verdict = verdictOf(error);
        if (attempt >= this.#attemptsMax || (verdict !== 'moved' && verdict !== 'later')) throw error;
        await pause.wait(signal, retryDelays.after(attempt));
        await this.#leaders.refresh().catch((refreshError: unknown) => {
          if (verdictOf(refreshError) === 'final') throw refreshError;
        });
      }
    }
  }
}

function valueOf(answer: Answer<bigint> | undefined, where: string): bigint {
  if (answer === undefined) throw new ConnectionError(`the broker leaves a partition of ${where} out`);
  if (!answer.ok) throw new KafkaError(answer.code, `offsets of ${where}`, { right: 'DESCRIBE' });
  return answer.value;
}
