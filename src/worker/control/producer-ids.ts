import { verdictOf } from '../../kafka/errors.ts';
import { producerIdBlock } from '../../kafka/producer-id-allocators.ts';
import { linkId, type LinkSpec } from '../../pair/spec.ts';
import { higherId } from '../../replication/copier/copier-counters.ts';
import type { CopierClock } from '../../replication/waiting/copier-clock.ts';
import type { ActiveProducers } from '../../sync/producer-ids/active-producers.ts';
import type { BarrierView, FinishedBarrier } from '../../sync/producer-ids/barrier-view.ts';
import type { Allocators } from '../../sync/producer-ids/burn-ids.ts';
import { IdBarrier } from '../../sync/producer-ids/id-barrier.ts';
import type { ProducerIdRecord } from '../state/producer-id-record.ts';
import type { LinkWorkers } from './link-workers.ts';

export interface ProducerIdsPorts {
  readonly link: LinkSpec;
  /** Of the target. */
  readonly allocators: Allocators;
  /** Producers that the source remembers, in these topics; see `activeProducers`. */
  readonly activeAtSource: (topics: readonly string[], signal: AbortSignal) => Promise<ActiveProducers>;
  readonly sourceBrokers: () => number;
  /** `_umbra` of the target. */
  readonly state: {
    producerIds(link: string): ProducerIdRecord | undefined;
    putProducerIds(record: ProducerIdRecord, signal: AbortSignal): Promise<void>;
  };
  /** Up to which the source has given out ids, as its own workers wrote it down in its `_umbra`; it may be a minute old. */
  readonly givenAtSource: () => bigint | undefined;
  readonly workers: Pick<LinkWorkers, 'gather' | 'highestProducers' | 'mayAct'>;
  /** Topics that are copied. */
  readonly topics: () => readonly string[];
  readonly clock: CopierClock;
}

interface Seen {
  readonly id: bigint;
  readonly topic: string;
}

/** Records are written at most that often. */
const writeMsMin = 5_000;
/** The source is asked for the producers that it knows: those that no worker told of, since it died just then. */
const askSourceMs = 600_000;
const askSourceAgainMs = 60_000;

/**
 * The producer ids of one link: which is the highest that the source's producers have, as far as anybody knows, and that
 * the target's allocators are past it. docs/producer-ids.md says what it is for.
 */
export class ProducerIds {
  readonly #ports: ProducerIdsPorts;
  readonly #id: string;
  readonly #barrier: IdBarrier;
  #seen: Seen | undefined;
  #written: ProducerIdRecord | undefined;
  #writtenAtMs = -Infinity;
  #askSourceAtMs = -Infinity;
  /** Topics that the source was asked about at least once. */
  #asked: ReadonlySet<string> = new Set();

  constructor(ports: ProducerIdsPorts) {
    this.#ports = ports;
    this.#id = linkId(ports.link);
    this.#written = ports.state.producerIds(this.#id);
    const { highest, passed } = this.#written ?? {};
    this.#barrier = new IdBarrier({
      ...(passed === undefined ? {} : { passed: BigInt(passed) }),
      allocators: ports.allocators,
      highest: () => higherId(this.#seen?.id, ports.givenAtSource()),
      sourceBrokers: ports.sourceBrokers,
      mayAct: () => ports.workers.mayAct(),
    });
    if (highest !== undefined) this.#note({ id: BigInt(highest.id), topic: highest.topic });
  }

  /** One step in the background; bounded, and next to nothing while nothing moves. */
  async round(signal: AbortSignal): Promise<void> {
    if (!this.#ports.workers.mayAct()) return;
    await this.#ports.workers.gather(signal);
    this.#noteWorkers();
    await this.#askSource(signal);
    await this.#barrier.round(signal);
    await this.#remember(signal);
  }

  /**
   * For a promotion, when nobody appends to the copies any more and before anybody may write them: brings every broker of
   * this site past all producer ids of the source. See {@link IdBarrier.finish}.
   */
  async finish(signal: AbortSignal, options: { readonly withinMs?: number } = {}): Promise<FinishedBarrier> {
    await this.#ports.workers.gather(signal, 0);
    this.#noteWorkers();
    const outcome = await this.#barrier.finish(signal, options);
    await this.#remember(signal, { force: true });
    return outcome;
  }

  /**
   * For a switchover, at the site that was fenced: asks its own brokers how many ids they have given out, and writes it
   * down where the other site's barrier looks. Undefined when none answered.
   */
  async tell(signal: AbortSignal): Promise<bigint | undefined> {
    await this.#barrier.look(signal);
    await this.#remember(signal, { force: true });
    return this.#barrier.given;
  }

  view(): BarrierView {
    return this.#barrier.view();
  }

  #noteWorkers(): void {
    for (const { id, topic } of this.#ports.workers.highestProducers()) this.#note({ id: BigInt(id), topic });
  }

  #note(seen: Seen): void {
    if (this.#seen === undefined || seen.id > this.#seen.id) this.#seen = seen;
  }

  /** A source that does not answer has told what it could; it is asked again. */
  async #askSource(signal: AbortSignal): Promise<void> {
    const nowMs = this.#ports.clock.monotonicMs();
    const all = this.#ports.topics();
    const isDue = nowMs >= this.#askSourceAtMs;
    const topics = isDue ? all : all.filter((topic) => !this.#asked.has(topic));
    if (topics.length === 0) return;
    this.#asked = new Set(all);
    const again = nowMs + askSourceAgainMs;
    if (isDue || again < this.#askSourceAtMs) this.#askSourceAtMs = again;
    try {
      const { highest, unread } = await this.#ports.activeAtSource(topics, signal);
      if (highest !== undefined) this.#note(highest);
      // One of many that may not be read must not have all of them asked about all the time.
      if (unread === 0 || highest !== undefined) this.#askSourceAtMs = nowMs + askSourceMs;
    } catch (error) {
      if (verdictOf(error) === 'final') throw error;
    }
  }

  /** `force`: at once, however little has moved. */
  async #remember(signal: AbortSignal, { force = false } = {}): Promise<void> {
    const nowMs = this.#ports.clock.monotonicMs();
    if (!this.#ports.workers.mayAct()) return;
    const { passed } = this.#barrier;
    const before = this.#written?.given;
    // A worker that has just begun to lead may not have heard from every broker.
    const given = higherId(this.#barrier.given, before === undefined ? undefined : BigInt(before));
    const seen = this.#seen;
    const isHigher = seen !== undefined && seen.id > BigInt(this.#written?.highest?.id ?? '-1');
    const hasGiven = given !== undefined && given - BigInt(before ?? '-1') >= producerIdBlock;
    if (!force && (nowMs - this.#writtenAtMs < writeMsMin || !(isHigher || hasGiven))) return;
    const record: ProducerIdRecord = {
      link: this.#id,
      ...(seen === undefined ? {} : { highest: { id: String(seen.id), topic: seen.topic } }),
      ...(given === undefined ? {} : { given: String(given) }),
      ...(passed === undefined ? {} : { passed: String(passed) }),
      at: this.#ports.clock.now().toISOString(),
    };
    await this.#ports.state.putProducerIds(record, signal);
    this.#written = record;
    this.#writtenAtMs = nowMs;
  }
}
