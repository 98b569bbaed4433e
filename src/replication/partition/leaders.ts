import type { Cluster, ClusterMetadata, TopicMetadata } from '../../kafka/cluster.ts';
import type { KafkaError } from '../../kafka/errors.ts';

export interface Leader {
  readonly broker: number;
  readonly epoch: number;
  /** Whether all replicas are in sync, or only some. */
  readonly replicas: 'all' | 'some';
}

/**
 * Who leads which partition, as last told by the cluster. Metadata may be behind what a leader already said: an epoch
 * lower than one seen before is not believed (protocol.md, algorithm 3).
 */
export class Leaders {
  readonly #cluster: Cluster;
  readonly #topicNames: () => readonly string[];
  readonly #epochsSeen = new Map<string, number>();
  #topics: ReadonlyMap<string, TopicMetadata> = new Map();
  #refusals: ReadonlyMap<string, KafkaError> = new Map();
  #refreshing: Promise<void> | undefined;

  constructor(cluster: Cluster, topicNames: () => readonly string[]) {
    this.#cluster = cluster;
    this.#topicNames = topicNames;
  }

  /** Asks again; calls made while an answer is awaited share it. */
  async refresh(): Promise<void> {
    this.#refreshing ??= this.#ask().finally(() => (this.#refreshing = undefined));
    await this.#refreshing;
  }

  /** Undefined while there is no leader, or only one that has been overtaken. */
  leaderOf(topic: string, partition: number): Leader | undefined {
    const known = this.#topics.get(topic);
    // Brokers list partitions in order; looking through them all would cost the square of their number.
    const inPlace = known?.partitions[partition];
    const found =
      inPlace?.partition === partition
        ? inPlace
        : known?.partitions.find((candidate) => candidate.partition === partition);
    if (known === undefined || found?.leader === undefined) return undefined;
    const key = `${known.topicId}/${partition}`;
    if (found.leaderEpoch < (this.#epochsSeen.get(key) ?? 0)) return undefined;
    const replicas = found.inSync < found.replicas ? 'some' : 'all';
    return { broker: found.leader, epoch: found.leaderEpoch, replicas };
  }

  /** The id of the topic that has this name now; undefined when there is none. */
  topicId(topic: string): string | undefined {
    return this.#topics.get(topic)?.topicId;
  }

  /** Why the cluster says nothing about the topic, if it refused to. */
  refusalOf(topic: string): KafkaError | undefined {
    return this.#refusals.get(topic);
  }

  async #ask(): Promise<void> {
    // A topic that we may not see must not keep us from following the others.
    const refusals = new Map<string, KafkaError>();
    const metadata: ClusterMetadata = await this.#cluster.metadata(this.#topicNames(), (topic, error) =>
      refusals.set(topic, error),
    );
    this.#refusals = refusals;
    this.#topics = metadata.topics;
    for (const topic of metadata.topics.values()) {
      for (const { partition, leaderEpoch } of topic.partitions) {
        const key = `${topic.topicId}/${partition}`;
        this.#epochsSeen.set(key, Math.max(leaderEpoch, this.#epochsSeen.get(key) ?? 0));
      }
    }
  }
}
