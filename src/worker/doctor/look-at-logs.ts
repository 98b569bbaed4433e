import type { Cluster, PartitionMetadata } from '../../kafka/cluster.ts';
import {
  listOffsets,
  openTransactions,
  type OpenTransaction,
  partitionKey,
  type PartitionRef,
} from '../../kafka/log-queries.ts';
import { LogReader } from '../../replication/logs/log-reader.ts';
import type { LogSight } from './check-copies.ts';
import type { CopySight } from './copy-sight.ts';

/** The longest transaction that brokers allow by default (transaction.max.timeout.ms). */
const openMsMax = 15 * 60_000;
/** Of so many partitions that lag the oldest uncopied record is looked at. */
const readMax = 20;
/** Place in the header of a record batch (protocol.md, part 1). */
const maxTimestampAt = 35;
const bytesMax = 64 * 1024;

interface Ask {
  readonly source: Cluster;
  readonly target: Cluster;
  readonly copies: readonly CopySight[];
  readonly now: Date;
  readonly signal: AbortSignal;
}

/** Where the copies of one link and their sources begin and end, and what stands between. */
export async function lookAtLogs({ source, target, copies, now, signal }: Ask): Promise<readonly LogSight[]> {
  const both = copies.filter(
    ({ record, source: from, copy }) =>
      from?.topicId === record.sourceTopicId && copy?.topicId === record.state.shadowTopicId,
  );
  const ofCopy = led(both, ({ copy }) => copy?.partitions);
  const ofSource = led(both, ({ source: from }) => from?.partitions);
  // The copy first: what is appended in between is then in the source's end, too.
  const copyEnds = await offsets(target, 'latest', ofCopy);
  const starts = await offsets(source, 'earliest', ofSource);
  const ends = await offsets(source, 'latest', ofSource);
  const stable = await offsets(source, 'stable', ofSource);
  const held = ofSource.filter((of) => isBelow(stable.get(keyOf(of)), ends.get(keyOf(of))));
  const open = await transactions(source, held);
  const sites = new Map(both.map(({ record, site }) => [record.topic, site]));
  const logs = ofSource.flatMap((of): LogSight[] => {
    const key = keyOf(of);
    const [copyEnd, sourceStart, sourceEnd] = [copyEnds.get(key), starts.get(key), ends.get(key)];
    const site = sites.get(of.topic);
    if (copyEnd === undefined || sourceStart === undefined || sourceEnd === undefined || site === undefined) return [];
    return [
      {
        topic: of.topic,
        partition: of.partition,
        site,
        copyEnd,
        sourceStart,
        sourceEnd,
        ...longest(open.get(key), now),
      },
    ];
  });
  return withAges(logs, new LogReader(source, { attemptsMax: 3 }), signal);
}

interface Led extends PartitionRef {
  readonly leader: number;
}

function led(
  copies: readonly CopySight[],
  partitionsOf: (copy: CopySight) => readonly PartitionMetadata[] | undefined,
): readonly Led[] {
  return copies.flatMap((copy) =>
    (partitionsOf(copy) ?? []).flatMap(({ partition, leader }) =>
      leader === undefined ? [] : [{ topic: copy.record.topic, partition, leader }],
    ),
  );
}

async function offsets(
  cluster: Cluster,
  which: Parameters<typeof listOffsets>[1],
  partitions: readonly Led[],
): Promise<ReadonlyMap<string, bigint>> {
  const answers = await Promise.all(
    [...Map.groupBy(partitions, ({ leader }) => leader)].map(async ([leader, theirs]) =>
      listOffsets(await cluster.broker(leader, 'control'), which, theirs),
    ),
  );
  return new Map(
    answers.flatMap((answer) =>
      [...answer].flatMap(([key, offset]) => (offset.ok ? [[key, offset.value] as const] : [])),
    ),
  );
}

async function transactions(
  cluster: Cluster,
  partitions: readonly Led[],
): Promise<ReadonlyMap<string, readonly OpenTransaction[]>> {
  const answers = await Promise.all(
    [...Map.groupBy(partitions, ({ leader }) => leader)].map(async ([leader, theirs]) =>
      openTransactions(await cluster.broker(leader, 'control'), theirs),
    ),
  );
  return new Map(answers.flatMap((answer) => [...answer]));
}

/** Of the producer whose last sign is the oldest, if it is older than a transaction may be. */
function longest(
  open: readonly OpenTransaction[] | undefined,
  now: Date,
): Pick<LogSight, 'hangingMs' | 'hangingProducer'> {
  const oldest = open?.toSorted((x, y) => Number(x.lastTimestamp - y.lastTimestamp))[0];
  if (oldest === undefined) return {};
  const ageMs = now.getTime() - Number(oldest.lastTimestamp);
  return ageMs > openMsMax ? { hangingMs: ageMs, hangingProducer: oldest.producerId } : {};
}

/** Adds, where a copy lags, the time of the first records that it does not have. */
async function withAges(
  logs: readonly LogSight[],
  reader: LogReader,
  signal: AbortSignal,
): Promise<readonly LogSight[]> {
  const lagging = logs
    .filter(({ copyEnd, sourceStart, sourceEnd }) => copyEnd < sourceEnd && sourceEnd > sourceStart)
    .toSorted((x, y) => Number(y.sourceEnd - y.copyEnd - (x.sourceEnd - x.copyEnd)))
    .slice(0, readMax);
  const ages = new Map<string, Date>();
  for (const log of lagging) {
    const offset = log.copyEnd > log.sourceStart ? log.copyEnd : log.sourceStart;
    const { batches } = await reader.chunk(log, { offset, bytesMax }, signal);
    const first = batches.find(({ header }) => !header.control && header.lastOffset >= offset);
    if (first === undefined) continue;
    const time = Number(first.frame.readBigInt64BE(first.header.start + maxTimestampAt));
    if (time > 0) ages.set(keyOf(log), new Date(time));
  }
  return logs.map((log) => {
    const oldestUncopied = ages.get(keyOf(log));
    return oldestUncopied === undefined ? log : { ...log, oldestUncopied };
  });
}

function keyOf({ topic, partition }: PartitionRef): string {
  return partitionKey(topic, partition);
}

function isBelow(left: bigint | undefined, right: bigint | undefined): boolean {
  return left !== undefined && right !== undefined && left < right;
}
