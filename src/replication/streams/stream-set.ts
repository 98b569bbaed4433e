import type { Cluster } from '../../kafka/cluster.ts';
import type { FramePool } from '../../kafka/frame-pool.ts';
import type { AppendGate } from '../lease/append-lease.ts';
import { FrameBudget } from '../copier/frame-budget.ts';
import { type FetchLimits, FetchStream } from './fetch-stream.ts';
import type { LinkMeters } from './link-meters.ts';
import { MarkerStream } from './marker-stream.ts';
import { type ProduceLimits, ProduceStream } from './produce-stream.ts';
import { RepackStream } from './repack-stream.ts';

export interface StreamLimits {
  readonly bufferBytesMax: number;
  readonly queueBytesMax: number;
  readonly fetch: FetchLimits;
  readonly produce: ProduceLimits;
  /** Connections per target broker that append. */
  readonly lanes: number;
}

export interface StreamSetOptions {
  readonly source: Cluster;
  readonly target: Cluster;
  readonly pool: FramePool;
  readonly lease: AppendGate;
  readonly limits: StreamLimits;
  readonly meters: LinkMeters;
  /** Copiers that have this budget may be fetched again. */
  readonly onRoom: (budget: FrameBudget) => void;
  /** Keeps a stream's loop running until the replicator stops. */
  readonly spawn: (run: (signal: AbortSignal) => Promise<void>) => void;
}

/** Where a running copier is fetched from and appended to. */
export interface Route {
  readonly fetcher: FetchStream;
  readonly producer: ProduceStream;
  readonly markers: MarkerStream;
  readonly budget: FrameBudget;
}

/**
 * Part of the buffer that batches for one of several target brokers may hold. What is left while one or two of them
 * hang is enough for the others: more than is ever in flight to a broker.
 */
const budgetShare = 1 / 4;

/** The streams of a link: one per broker (and lane), made when first needed, and the one that takes batches apart. */
export class StreamSet {
  readonly repacker: RepackStream;
  readonly #options: StreamSetOptions;
  readonly #fetchers = new Map<number, FetchStream>();
  readonly #producers = new Map<string, ProduceStream>();
  readonly #markers = new Map<string, MarkerStream>();
  readonly #budgets = new Map<number, FrameBudget>();

  constructor(options: StreamSetOptions) {
    this.#options = options;
    this.repacker = new RepackStream(options);
    options.spawn((signal) => this.repacker.run(signal));
  }

  /** `replicas`: whether all replicas of the copy's partition are in sync. */
  route(from: {
    readonly sourceBroker: number;
    readonly targetBroker: number;
    readonly partition: number;
    readonly replicas: 'all' | 'some';
  }): Route {
    const { sourceBroker, targetBroker, partition, replicas } = from;
    return {
      fetcher: this.#fetcher(sourceBroker),
      producer: this.#producer(targetBroker, partition),
      markers: this.#markersTo(targetBroker, replicas),
      budget: this.#budget(targetBroker),
    };
  }

  #budget(brokerId: number): FrameBudget {
    const existing = this.#budgets.get(brokerId);
    if (existing !== undefined) return existing;
    const { bufferBytesMax } = this.#options.limits;
    const bytesMax = (): number => (this.#budgets.size === 1 ? bufferBytesMax : bufferBytesMax * budgetShare);
    const budget = new FrameBudget(bytesMax, () => this.#options.onRoom(budget));
    this.#budgets.set(brokerId, budget);
    return budget;
  }

  #fetcher(brokerId: number): FetchStream {
    const { source, pool, limits, meters } = this.#options;
    // Half of the buffer for what is asked for, half for what is on its way to the target.
    const bytesShare = (): number => Math.floor(limits.bufferBytesMax / 2 / this.#fetchers.size);
    return this.#get(
      this.#fetchers,
      brokerId,
      () => new FetchStream(brokerId, source, { pool, limits: limits.fetch, bytesShare, meters }),
    );
  }

  /** A partition stays on one lane: one request in flight per partition. */
  #producer(brokerId: number, partition: number): ProduceStream {
    const { target, limits, lease, meters } = this.#options;
    const lane = partition % limits.lanes;
    return this.#get(
      this.#producers,
      `${brokerId}/${lane}`,
      () => new ProduceStream(brokerId, target, { lane, limits: limits.produce, lease, meters }),
    );
  }

  /**
   * A partition that loses its last replica in sync holds up the answer of all that are in its request, for as long
   * as the broker waits (30 s): those that have lost one already have a connection of their own.
   */
  #markersTo(brokerId: number, replicas: 'all' | 'some'): MarkerStream {
    const { target, lease, meters } = this.#options;
    const purpose = replicas === 'all' ? 'markers' : 'markers-short';
    return this.#get(
      this.#markers,
      `${brokerId}/${purpose}`,
      () => new MarkerStream(brokerId, target, { purpose, lease, meters }),
    );
  }

  #get<Key, Stream extends { run(signal: AbortSignal): Promise<void> }>(
    streams: Map<Key, Stream>,
    key: Key,
    make: () => Stream,
  ): Stream {
    const existing = streams.get(key);
    if (existing !== undefined) return existing;
    const stream = make();
    streams.set(key, stream);
    this.#options.spawn((signal) => stream.run(signal));
    return stream;
  }
}
