import type { Cluster } from '../../kafka/cluster.ts';
import { ConnectionError, KafkaError, MalformedError } from '../../kafka/errors.ts';
import { UncompressedTooLargeError } from '../../replication/batches/compression.ts';
import { LogReader } from '../../replication/logs/log-reader.ts';
import { hasAborted } from '../../replication/waiting/wakeup.ts';
import { schemasNamedIn } from './newest-records.ts';

/** Somebody waits for it: what was not looked at by then is left out. */
export const sampleLimits = { partitionsMax: 512, atOnce: 16, msMax: 2_000, attemptsMax: 2 } as const;

/** What one partition can do to its reader; everything else is a bug. */
const unreadable = [KafkaError, ConnectionError, MalformedError, UncompressedTooLargeError] as const;

/**
 * Ids that the newest records of a site's topics seem to name: one partition of each topic before the second of any. A
 * sample: finding nothing proves nothing, and some of it may be no id. Throws only the reason of `signal`.
 */
export async function sampleIds(
  cluster: Cluster,
  isData: (topic: string) => boolean,
  signal: AbortSignal,
): Promise<ReadonlySet<number>> {
  const { partitionsMax, atOnce, msMax, attemptsMax } = sampleLimits;
  const late = AbortSignal.timeout(msMax);
  const until = AbortSignal.any([signal, late]);
  const log = new LogReader(cluster, { attemptsMax });
  const found = new Set<number>();
  const waiting = [...(await partitionsOf(cluster, isData)).slice(0, partitionsMax)];
  const next = async (): Promise<void> => {
    for (let of = waiting.shift(); of !== undefined && !hasAborted(until); of = waiting.shift()) {
      try {
        const { start: from, end: to } = await log.range(of.topic, of.partition, until);
        if (from >= to) continue;
        for await (const named of schemasNamedIn(log, { ...of, from, to }, until)) {
          for (const schema of named) if (schema.kind === 'id') found.add(schema.id);
        }
      } catch (error) {
        if (hasAborted(until)) return;
        if (!unreadable.some((kind) => error instanceof kind)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, next));
  signal.throwIfAborted();
  return found;
}

interface Partition {
  readonly topic: string;
  readonly partition: number;
}

async function partitionsOf(cluster: Cluster, isData: (topic: string) => boolean): Promise<readonly Partition[]> {
  try {
    const { topics } = await cluster.metadata('all');
    return [...topics.values()]
      .filter(({ name, internal }) => !internal && isData(name))
      .flatMap(({ name, partitions }) => partitions.map(({ partition }) => ({ topic: name, partition })))
      .sort((left, right) => left.partition - right.partition);
  } catch (error) {
    if (error instanceof KafkaError || error instanceof ConnectionError) return [];
    throw error;
  }
}
