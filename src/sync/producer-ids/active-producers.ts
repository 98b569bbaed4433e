import type { Cluster } from '../../kafka/cluster.ts';
import { bounded } from '../../kafka/cluster.ts';
import { lastSequences, type PartitionRef } from '../../kafka/log-queries.ts';
import { firstLinkProducerId } from '../../replication/partition/producer-identity.ts';

export interface ActiveProducers {
  readonly highest: { readonly id: bigint; readonly topic: string } | undefined;
  /** Partitions that could not be asked about: without a leader, not to be described, gone. */
  readonly unread: number;
}

/** In one request; a partition may have thousands of producers. */
const partitionsAtOnceMax = 50;
const answerMsMax = 15_000;
const purpose = 'active-producers';

/**
 * The highest id of a producer that the source still knows in these topics: DescribeProducers (61) at the leaders. For a
 * copy that was there before anybody looked at producer ids: what its earlier batches showed is known to the source as
 * long as their producers are (`producer.id.expiration.ms`, a day by default, counted from their newest record). Takes
 * READ on the topics. Throws what the connections throw.
 */
export async function activeProducers(
  source: Cluster,
  topics: readonly string[],
  signal: AbortSignal,
): Promise<ActiveProducers> {
  let highest: ActiveProducers['highest'];
  let unread = 0;
  const metadata = await source.metadata(topics, () => undefined);
  const places = [...metadata.topics.values()].flatMap(({ name, partitions }) =>
    partitions.map(({ partition, leader }) => ({ of: { topic: name, partition }, leader })),
  );
  for (const [leader, led] of Map.groupBy(places, (place) => place.leader)) {
    if (leader === undefined) {
      unread += led.length;
      continue;
    }
    const refs = led.map(({ of }) => of);
    for (let first = 0; first < refs.length; first += partitionsAtOnceMax) {
      signal.throwIfAborted();
      const some = refs.slice(first, first + partitionsAtOnceMax);
      const found = await ask(source, leader, some);
      unread += found.unread;
      if (found.highest !== undefined && found.highest.id > (highest?.id ?? -1n)) highest = found.highest;
    }
  }
  return { highest, unread };
}

async function ask(source: Cluster, leader: number, partitions: readonly PartitionRef[]): Promise<ActiveProducers> {
  const broker = await source.broker(leader, purpose);
  const answers = await bounded(broker.connection, answerMsMax, () => lastSequences(broker, partitions));
  let highest: ActiveProducers['highest'];
  let unread = partitions.length;
  for (const [key, answer] of answers) {
    if (!answer.ok) continue;
    unread -= 1;
    for (const id of answer.value.keys())
      if (id >= 0n && id < firstLinkProducerId && id > (highest?.id ?? -1n))
        highest = { id, topic: key.slice(0, key.lastIndexOf('/')) };
  }
  return { highest, unread };
}
