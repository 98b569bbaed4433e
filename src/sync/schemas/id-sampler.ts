import { ConnectionError, KafkaError, MalformedError } from '../../kafka/errors.ts';
import { UncompressedTooLargeError } from '../../replication/batches/compression.ts';
import type { LogReader } from '../../replication/logs/log-reader.ts';
import type { IdTable } from '../../schema-primary/id-table.ts';
import { judgeSchema, type NamedSchema } from '../../schema-primary/wire-format.ts';
import { newestLimits, schemasNamedIn } from './newest-records.ts';
import { TopicSamples, type TopicSamplesView } from './topic-samples.ts';

export interface CopiedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Everything below is copied. */
  readonly end: bigint;
}

export interface IdSamplerPorts {
  /** The copies at this site. */
  copies(): Iterable<CopiedPartition>;
  /** Their log; should make few attempts, for a partition that cannot be read is left for another round. */
  readonly log: Pick<LogReader, 'chunk'>;
  /** The ids of the schema primary and of this site's copy of its log; undefined while they were not read. */
  ids(): { readonly primary: IdTable; readonly here: IdTable } | undefined;
  now(): Date;
}

export interface IdSamplesView {
  /** Records looked at since the start, and those of them that name a schema. */
  readonly sampled: number;
  readonly named: number;
  /** Of the sampled ones: name a schema that the primary has registered and that is not here yet. */
  readonly waiting: number;
  /** Of the sampled ones: name a schema that neither site's log shows. */
  readonly unknown: number;
  /** Topics with schemas that are still not here, those with most records first. */
  readonly topics: readonly TopicSamplesView[];
  readonly topicsTotal: number;
  /** Partitions that could not be read at the last try. */
  readonly unreadable: number;
  readonly sampledAt: string | undefined;
}

/** Bounds of one round: with a round every 5 s at most 24 × 64 KiB are fetched, 300 KiB/s. */
export const samplerLimits = { partitionsPerRoundMax: 24, recordsPerPartitionMax: newestLimits.recordsMax } as const;

interface Sampled {
  readonly to: bigint;
  readonly round: number;
  readonly readable: boolean;
}

/**
 * Looks at the newest records of copies that have grown, a few partitions per round, for schemas that this site does not
 * have: data and schemas travel apart. A sample, so it proves nothing by finding nothing.
 */
export class IdSampler {
  readonly #ports: IdSamplerPorts;
  readonly #topics = new Map<string, TopicSamples>();
  #sampled = new Map<string, Sampled>();
  #round = 0;
  #sampledAt: Date | undefined;

  constructor(ports: IdSamplerPorts) {
    this.#ports = ports;
  }

  /** One round of samples; bounded. Partitions that cannot be read are counted and come again. */
  async round(signal: AbortSignal): Promise<void> {
    const ids = this.#ports.ids();
    if (ids === undefined) return;
    this.#round += 1;
    for (const copy of this.#due()) {
      const before = this.#sampled.get(keyOf(copy))?.to ?? 0n;
      const readable = await this.#sample(copy, before, ids, signal);
      this.#sampled.set(keyOf(copy), { to: copy.end, round: this.#round, readable: readable === 'read' });
      if (readable === 'unreachable') break;
    }
    this.#sampledAt = this.#ports.now();
  }

  view(topicsMax = 50): IdSamplesView {
    const ids = this.#ports.ids();
    const topics = [...this.#topics.values()];
    const open = ids === undefined ? [] : topics.flatMap((topic) => topic.open(ids.primary, ids.here) ?? []);
    open.sort((left, right) => right.records - left.records || (left.topic < right.topic ? -1 : 1));
    const sum = (count: (topic: TopicSamples) => number): number =>
      topics.reduce((all, topic) => all + count(topic), 0);
    return {
      sampled: sum((topic) => topic.sampled),
      named: sum((topic) => topic.named),
      waiting: sum((topic) => topic.waiting),
      unknown: sum((topic) => topic.unknown),
      topics: open.slice(0, topicsMax),
      topicsTotal: open.length,
      unreadable: [...this.#sampled.values()].filter(({ readable }) => !readable).length,
      sampledAt: this.#sampledAt?.toISOString(),
    };
  }

  /** Copies that have grown since they were sampled, those that wait longest first; forgets what is no copy any more. */
  #due(): readonly CopiedPartition[] {
    const sampled = new Map<string, Sampled>();
    const grown: { readonly copy: CopiedPartition; readonly round: number }[] = [];
    const topics = new Set<string>();
    for (const copy of this.#ports.copies()) {
      topics.add(copy.topic);
      const before = this.#sampled.get(keyOf(copy));
      // A copy that was rebuilt has a lower end than before.
      if (before !== undefined && before.to <= copy.end) sampled.set(keyOf(copy), before);
      if (copy.end > (sampled.get(keyOf(copy))?.to ?? 0n)) grown.push({ copy, round: before?.round ?? 0 });
    }
    this.#sampled = sampled;
    for (const topic of this.#topics.keys()) if (!topics.has(topic)) this.#topics.delete(topic);
    grown.sort((left, right) => left.round - right.round);
    return grown.slice(0, samplerLimits.partitionsPerRoundMax).map(({ copy }) => copy);
  }

  async #sample(
    { topic, partition, end }: CopiedPartition,
    before: bigint,
    ids: { readonly primary: IdTable; readonly here: IdTable },
    signal: AbortSignal,
  ): Promise<'read' | 'unreadable' | 'unreachable'> {
    try {
      const samples = this.#topics.get(topic) ?? new TopicSamples(topic);
      this.#topics.set(topic, samples);
      for await (const schemas of schemasNamedIn(
        this.#ports.log,
        { topic, partition, from: before, to: end },
        signal,
      )) {
        samples.add(
          schemas.map((named): [NamedSchema, ReturnType<typeof judgeSchema>] => [
            named,
            judgeSchema(named, ids.primary, ids.here),
          ]),
          this.#ports.now(),
        );
      }
      return 'read';
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ConnectionError) return 'unreachable';
      const known = [KafkaError, MalformedError, UncompressedTooLargeError];
      if (known.some((kind) => error instanceof kind)) return 'unreadable';
      throw error;
    }
  }
}

function keyOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`;
}
