import type { Cluster } from '../../kafka/cluster.ts';
import { ConnectionError } from '../../kafka/errors.ts';
import type { RoleView } from '../../pair/ownership.ts';
import { stateTopic } from '../../prefix-policy/internal-names.ts';
import { SiteState } from '../state/state.ts';
import { LogWatch, type WatchedLog } from './log-watch.ts';

/** A read that hangs is given up after this time, and begun anew. */
const readMsMax = 60_000;
/** Who only waits for news gives up the read of them after this time. */
const newsMsMax = 2_000;

/** The other site's `_umbra`, as it was when it was last read. Only ever read. */
export class PeerState {
  readonly #cluster: Cluster;
  readonly #state: SiteState;
  readonly #watch: LogWatch;
  #log: WatchedLog | undefined;
  #wasRead = false;
  #answeredAtMs = -Infinity;
  #silentAtMs = -Infinity;
  #reading: Promise<void> | undefined;
  /** Begins when the one under way is over. */
  #next: Promise<void> | undefined;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#state = new SiteState(cluster);
    this.#watch = new LogWatch(cluster);
  }

  get state(): Pick<SiteState, 'links' | 'shadow' | 'shadows' | 'moves' | 'drills' | 'producerIds' | 'section'> {
    return this.#state;
  }

  /** `unread` before the first read: what nobody has looked at is not empty. */
  get roles(): RoleView {
    return this.#wasRead ? this.#state.roles() : { kind: 'unread' };
  }

  /** It was asked not longer ago than that, did not answer, and has not answered since. */
  isSilent(withinMs: number): boolean {
    return this.#silentAtMs > this.#answeredAtMs && performance.now() - this.#silentAtMs <= withinMs;
  }

  /** Everything below is known. */
  get position(): bigint {
    return this.#state.end;
  }

  /**
   * Until more was written there than up to `seen`, but no longer than `ms`; whether there is more, which may not be read
   * yet: the next call would be over at once. Never rejects.
   */
  async untilMore(seen: bigint, ms: number, signal: AbortSignal): Promise<boolean> {
    // Somebody else may have read it meanwhile.
    return this.position !== seen || (await this.#watch.untilMore(this.#log, seen, ms, signal));
  }

  /** The same for who does not {@link read} by itself: when there is more, it is read then. Never rejects. */
  async untilRead(seen: bigint, ms: number, signal: AbortSignal): Promise<void> {
    if (!(await this.untilMore(seen, ms, signal)) || this.position !== seen) return;
    // That it could not be read is for those to tell who ask for it.
    await this.read(AbortSignal.any([signal, AbortSignal.timeout(newsMsMax)])).catch(() => undefined);
  }

  /**
   * Everything that was written before the call is known when it resolves. Rejects when the cluster does not answer, or not
   * before `signal` aborts; what was read before stays. There is one read at a time, however many wait: a site that hangs is
   * asked once.
   */
  async read(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const reading = this.#reading === undefined ? this.#begin() : (this.#next ??= this.#afterThis(this.#reading));
    const late = Promise.withResolvers<never>();
    const abort = (): void => late.reject(new ConnectionError(`${this.#cluster.name} does not answer in time`));
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([reading, late.promise]);
    } catch (error) {
      // Who asked may have lost interest, which says nothing of the site.
      if (!signal.aborted || isLate(signal.reason)) this.#silentAtMs = performance.now();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #begin(): Promise<void> {
    this.#reading = this.#read().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #afterThis(reading: Promise<void>): Promise<void> {
    // Who waits for that one is told what became of it.
    await reading.catch(() => undefined);
    this.#next = undefined;
    await this.#begin();
  }

  async #read(): Promise<void> {
    // Without the topic nothing runs there yet: nothing can be a copy or have moved.
    const { topics } = await this.#cluster.metadata([stateTopic]);
    const topic = topics.get(stateTopic);
    const [led] = topic?.partitions ?? [];
    this.#log =
      topic === undefined || led?.leader === undefined
        ? undefined
        : { topicId: topic.topicId, leader: led.leader, leaderEpoch: led.leaderEpoch };
    if (topic !== undefined) await this.#state.catchUp(AbortSignal.timeout(readMsMax));
    this.#wasRead = true;
    this.#answeredAtMs = performance.now();
  }
}

function isLate(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError';
}
