import type { Cluster, ClusterMetadata } from '../../kafka/cluster.ts';
import { ConnectionError, KafkaError } from '../../kafka/errors.ts';
import { logEnds, partitionKey } from '../../kafka/log-queries.ts';
import { LogReader, type RawBatch } from '../../replication/logs/log-reader.ts';
import { tailSha256Of } from '../../replication/logs/tail-hash.ts';
import { Leaders } from '../../replication/partition/leaders.ts';

/** Where one partition of a copy ends, as its leader has it, and what stands right below. */
export interface PartitionEnd {
  readonly end: bigint;
  /** Of the newest record in the last batch, as its producer dated it. */
  readonly lastRecordAt: Date | undefined;
  /** SHA-256 over the last batch's records as they are stored, hex. Undefined where a marker or nothing stands there. */
  readonly tailSha256: string | undefined;
}

const partitionsPerRequest = 1_000;
const readsAtOnce = 16;
const tailBytesMax = 64 * 1024;
const maxTimestampAt = 35;
const offsetOutOfRange = 1;

/**
 * The log ends of these topics, by topic and partition, asked at the leaders with their epochs (never by ListOffsets:
 * protocol.md S5). Throws {@link KafkaError} and {@link ConnectionError}: asked again later, the leaders may answer.
 */
export async function readEnds(
  cluster: Cluster,
  topics: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly PartitionEnd[]>> {
  const metadata = await cluster.metadata(topics);
  const ends = await endsOf(cluster, metadata, topics);
  signal.throwIfAborted();
  const leaders = new Leaders(cluster, () => topics);
  await leaders.refresh();
  const reader = new LogReader(cluster, { leaders, attemptsMax: 3 });
  const waiting = [...ends];
  const tails = new Map<string, PartitionEnd>();
  const next = async (): Promise<void> => {
    for (let entry = waiting.shift(); entry !== undefined; entry = waiting.shift()) {
      const [key, { topic, partition, end }] = entry;
      tails.set(key, await tailOf(reader, { topic, partition, end }, signal));
    }
  };
  await Promise.all(Array.from({ length: readsAtOnce }, next));
  return new Map(
    topics.map((topic) => {
      const partitions = metadata.topics.get(topic)?.partitions ?? [];
      return [topic, partitions.map(({ partition }) => known(tails.get(partitionKey(topic, partition)), topic))];
    }),
  );
}

/** As {@link readEnds}, by `topic/partition` and without what stands below the ends: one request to each broker. */
export async function readLogEnds(cluster: Cluster, topics: readonly string[]): Promise<ReadonlyMap<string, EndOfLog>> {
  return endsOf(cluster, await cluster.metadata(topics), topics);
}

export interface EndOfLog {
  readonly topic: string;
  readonly partition: number;
  readonly end: bigint;
}

async function endsOf(
  cluster: Cluster,
  metadata: ClusterMetadata,
  topics: readonly string[],
): Promise<ReadonlyMap<string, EndOfLog>> {
  const asked = topics.flatMap((topic) => {
    const known = metadata.topics.get(topic);
    if (known === undefined) throw new ConnectionError(`${topic} is not there at ${cluster.name}`);
    return known.partitions.map(({ partition, leader, leaderEpoch }) => {
      if (leader === undefined) throw new ConnectionError(`${topic}/${partition} has no leader at ${cluster.name}`);
      return { topic, partition, leader, leaderEpoch };
    });
  });
  const ends = new Map<string, EndOfLog>();
  await Promise.all(
    [...Map.groupBy(asked, ({ leader }) => leader)].map(async ([leader, led]) => {
      const broker = await cluster.broker(leader, 'control');
      for (let start = 0; start < led.length; start += partitionsPerRequest) {
        const part = led.slice(start, start + partitionsPerRequest);
        const answers = await logEnds(broker, part);
        for (const { topic, partition } of part) {
          const key = partitionKey(topic, partition);
          const answer = answers.get(key);
          const where = `the log end of ${topic}/${partition} at ${cluster.name}`;
          if (answer === undefined) throw new ConnectionError(`${where} was left out`);
          if (!answer.ok) throw new KafkaError(answer.code, where, { right: 'DESCRIBE' });
          if (answer.value < 0n) throw new ConnectionError(`${where} is not known yet`);
          ends.set(key, { topic, partition, end: answer.value });
        }
      }
    }),
  );
  return ends;
}

async function tailOf(
  reader: LogReader,
  { topic, partition, end }: EndOfLog,
  signal: AbortSignal,
): Promise<PartitionEnd> {
  const nothing = { end, lastRecordAt: undefined, tailSha256: undefined };
  if (end === 0n) return nothing;
  const last = await lastBatch(reader, { topic, partition, end }, signal);
  if (last === undefined || last.dropped || last.header.records === 0) return nothing;
  const { frame, header } = last;
  const time = Number(frame.readBigInt64BE(header.start + maxTimestampAt));
  return {
    end,
    lastRecordAt: time >= 0 && time <= newestTimeMs ? new Date(time) : undefined,
    tailSha256: tailSha256Of(last),
  };
}

/** Undefined where everything was deleted. */
async function lastBatch(
  reader: LogReader,
  { topic, partition, end }: EndOfLog,
  signal: AbortSignal,
): Promise<RawBatch | undefined> {
  try {
    const { batches } = await reader.chunk({ topic, partition }, { offset: end - 1n, bytesMax: tailBytesMax }, signal);
    return batches.at(-1);
  } catch (error) {
    if (error instanceof KafkaError && error.code === offsetOutOfRange) return undefined;
    throw error;
  }
}

/** Producers may date records as they like; what a Date cannot hold is left out. */
const newestTimeMs = 8.64e15;

function known(end: PartitionEnd | undefined, topic: string): PartitionEnd {
  if (end === undefined) throw new ConnectionError(`not every partition of ${topic} was read`);
  return end;
}
