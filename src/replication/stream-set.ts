import type { Cluster } from '../kafka/cluster.ts';
import type { FramePool } from '../kafka/frame-pool.ts';
import type { AppendGate } from './append-lease.ts';
import { FetchStream } from './fetch-stream.ts';
import type { LinkMeters } from './link-meters.ts';
import { MarkerStream } from './marker-stream.ts';
import { ProduceStream } from './produce-stream.ts';
import { RepackStream } from './repack-stream.ts';
import type { ReplicatorLimits } from './replicator-limits.ts';

export interface StreamSetOptions {
  readonly source: Cluster;
  readonly target: Cluster;
  readonly pool: FramePool;
  readonly lease: AppendGate;
  readonly limits: ReplicatorLimits;
  readonly meters: LinkMeters;
  /** Keeps a stream's loop running until the replicator stops. */
  readonly spawn: (run: (signal: AbortSignal) => Promise<void>) => void;
}

/** The streams of a link: one per broker (and lane), made when first needed, and the one that takes batches apart. */
export class StreamSet {
  readonly repacker: RepackStream;
  readonly #options: StreamSetOptions;
  readonly #fetchers = new Map<number, FetchStream>();
  readonly #producers = new Map<string, ProduceStream>();
  readonly #markers = new Map<number, MarkerStream>();

  constructor(options: StreamSetOptions) {
    this.#options = options;
    this.repacker = new RepackStream(options);
    options.spawn((signal) => this.repacker.run(signal));
  }

  fetcher(brokerId: number): FetchStream {
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
  producer(brokerId: number, partition: number): ProduceStream {
    const { target, limits, lease, meters } = this.#options;
    const lane = partition % limits.lanes;
    return this.#get(
      this.#producers,
      `${brokerId}/${lane}`,
      () => new ProduceStream(brokerId, target, { lane, limits: limits.produce, lease, meters }),
    );
  }

  markers(brokerId: number): MarkerStream {
    const { target, lease, meters } = this.#options;
    return this.#get(this.#markers, brokerId, () => new MarkerStream(brokerId, target, { lease, meters }));
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
