import { bounded, type Cluster } from '../../kafka/cluster.ts';
import { decodeFetch, encodeFetch, noSession } from '../../kafka/fetch-api.ts';
import { Wakeup } from '../../replication/waiting/wakeup.ts';

/** Where a log is led. */
export interface WatchedLog {
  readonly topicId: string;
  readonly leader: number;
  readonly leaderEpoch: number;
}

/** A request of its own, and a connection: the broker keeps the answer back, and others of that connection with it. */
const purpose = 'watch';
const watchMs = 1_000;
/** On top of that, for the way to a far site. */
const answerMsMax = 3_000;

/** Tells as soon as a log of one partition has more: one request that the broker answers then, or after a second. */
export class LogWatch {
  readonly #cluster: Cluster;
  #asking: Promise<boolean> | undefined;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /**
   * Until there is more at or after `offset`, but no longer than `ms`, or until `signal` aborts; whether there is more, as
   * far as the broker has said. Where it does not answer it takes `ms`. Never rejects.
   */
  async untilMore(log: WatchedLog | undefined, offset: bigint, ms: number, signal: AbortSignal): Promise<boolean> {
    const over = new AbortController();
    const pause = new Wakeup().wait(AbortSignal.any([signal, over.signal]), ms);
    try {
      if (log !== undefined) {
        this.#asking ??= this.#ask(log, offset)
          .catch(() => false)
          .finally(() => (this.#asking = undefined));
        const told = await Promise.race([this.#asking, pause.then(() => 'late' as const)]);
        if (told === true) return true;
      }
      await pause;
      return false;
    } finally {
      over.abort();
    }
  }

  async #ask({ topicId, leader, leaderEpoch }: WatchedLog, offset: bigint): Promise<boolean> {
    const broker = await this.#cluster.broker(leader, purpose);
    const bytesMax = 1;
    const partition = { topicId, partition: 0, currentLeaderEpoch: leaderEpoch, fetchOffset: offset, bytesMax };
    const request = encodeFetch({
      ...{ session: noSession, maxWaitMs: watchMs, minBytes: 1, bytesMax, forgotten: [] },
      partitions: [{ ...partition, lastFetchedEpoch: undefined }],
    });
    const frame = await bounded(broker.connection, watchMs + answerMsMax, () => broker.connection.request(request));
    const [answer] = decodeFetch(frame.bytes, frame.bodyStart).partitions;
    return answer?.errorCode === 0 && answer.records.end > answer.records.start;
  }
}
