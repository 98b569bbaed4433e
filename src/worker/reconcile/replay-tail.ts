import type { Cluster } from '../../kafka/cluster.ts';
import { ConnectionError } from '../../kafka/errors.ts';
import { compressionOf, producerIdOf } from '../../replication/batches/record-batch.ts';
import { type RawRecord, walkRecords } from '../../replication/batches/records.ts';
import { LogReader } from '../../replication/logs/log-reader.ts';
import { Wakeup } from '../../replication/waiting/wakeup.ts';
import { readLogEnds } from '../moves/read-ends.ts';
import type { RebuildRecord } from '../rebuild/rebuild-record.ts';
import { headersOf, originOffset } from './provenance.ts';
import type { ReplayRecord } from './replay-record.ts';
import { type TailBatch, TailProducer } from './tail-producer.ts';

export interface ReplayPorts {
  /** The old primary: only read. */
  readonly source: Cluster;
  /** The new one. */
  readonly target: Cluster;
  /** Of this tail; undefined before anything was appended. */
  readonly known: ReplayRecord | undefined;
  readonly put: (record: ReplayRecord, signal: AbortSignal) => Promise<void>;
  /** Before anything is appended: umbra's right to write the topic, which it lacks where the topic is home. Idempotent. */
  readonly prepare: (signal: AbortSignal) => Promise<void>;
  readonly mayAct: () => boolean;
}

type Journal = Pick<RebuildRecord, 'topic' | 'copyTopicId' | 'sourceTopicId'> & {
  readonly tail: NonNullable<RebuildRecord['tail']>;
};

const batchBytesMax = 256 * 1024;
const batchRecordsMax = 1_000;
const transactionBytesMax = 1024 * 1024;

/**
 * Appends the tail of an old primary to the new one, record by record in the order of each partition, with headers that
 * say where it comes from. Exactly once over any crash: taking the transactional id ends what a former life left open, and
 * what it committed is found by those headers before anything more is appended. At the end all of it is read back.
 * Throws what the clusters throw; made again, it goes on.
 */
export async function replayTail(ports: ReplayPorts, journal: Journal, signal: AbortSignal): Promise<number> {
  const { target, known, put } = ports;
  const { topic, tail } = journal;
  const { operation } = tail;
  if (known?.state === 'done') return known.records;
  const producer = new TailProducer(target, topic, `umbra-replay-${topic}`);
  const running = {
    ...({ topic, operation, state: 'running', records: 0 } as const),
    from: [...(known?.from ?? (await endsNow(target, topic)).map(String))],
  };
  // Why it does not go on is told in this record: it is there before anything else can be refused.
  if (known === undefined) await put({ ...running, producerIds: [] }, signal);
  await ports.prepare(signal);
  const producerId = await producer.take(signal);
  const begun: ReplayRecord = {
    ...running,
    producerIds: [...new Set([...(known?.producerIds ?? []), String(producerId)])],
  };
  // Before the first record: who comes next has to find all of them.
  await put(begun, signal);
  const work = { ...ports, journal, begun, producer, tails: await tailsOf(ports, journal, signal) };
  let records = 0;
  for (const { partition, end } of work.tails) {
    const there = known === undefined ? undefined : (await appended(work, partition, signal)).last;
    records += await appendPartition(work, { partition, end, there }, signal);
  }
  let found = 0;
  for (const { partition } of work.tails) found += (await appended(work, partition, signal)).records;
  if (found !== records) {
    throw new Error(`${records} records of the tail of ${topic} were appended, ${found} of them are found again`);
  }
  await put({ ...begun, state: 'done', records }, signal);
  return records;
}

interface Work extends ReplayPorts {
  readonly journal: Journal;
  readonly begun: ReplayRecord;
  readonly producer: TailProducer;
}

interface PartitionTail {
  readonly partition: number;
  readonly end: bigint;
}

/** Of the very topics that the quarantine is about. */
async function tailsOf(
  { source, target }: ReplayPorts,
  { topic, copyTopicId, sourceTopicId, tail }: Journal,
  signal: AbortSignal,
): Promise<readonly PartitionTail[]> {
  const old = (await source.metadata([topic])).topics.get(topic);
  const now = (await target.metadata([topic])).topics.get(topic);
  if (old?.topicId !== copyTopicId) throw new ConnectionError(`the old ${topic} is not there at ${source.name}`);
  if (now?.topicId !== sourceTopicId) throw new ConnectionError(`${topic} at ${target.name} is another topic`);
  const logs = new LogReader(source);
  const tails: PartitionTail[] = [];
  for (const { partition } of old.partitions) {
    const { end } = await logs.range(topic, partition, signal);
    if (end > BigInt(tail.cuts[partition] ?? '0')) tails.push({ partition, end });
  }
  const lacking = tails.find(({ partition }) => partition >= now.partitions.length);
  if (lacking === undefined) return tails;
  throw new ConnectionError(`${topic} has no partition ${lacking.partition} at ${target.name}: add it`);
}

/** Appends what is not `there` yet. Returns how many records the partition's tail has. */
async function appendPartition(
  work: Work,
  { partition, end, there }: PartitionTail & { readonly there: bigint | undefined },
  signal: AbortSignal,
): Promise<number> {
  const { source, producer, mayAct, journal } = work;
  const { topic, tail } = journal;
  const { site, term, operation } = tail;
  const cut = BigInt(tail.cuts[partition] ?? '0');
  let records = 0;
  let waiting: TailBatch[] = [];
  let waitingBytes = 0;
  const commit = async (): Promise<void> => {
    if (waiting.length === 0) return;
    if (!mayAct()) throw new ConnectionError('this worker does not lead its site any more');
    await producer.append(waiting, signal);
    waiting = [];
    waitingBytes = 0;
  };
  for await (const batch of new LogReader(source).batches({ topic, partition }, { from: cut, to: end }, signal)) {
    if (batch.dropped || batch.header.control) continue;
    const codec = compressionOf(batch.frame, batch.header);
    let part: RawRecord[] = [];
    let partBytes = 0;
    for await (const record of walkRecords(batch)) {
      if (record.offset < cut || record.offset >= end) continue;
      records += 1;
      if (there !== undefined && record.offset <= there) continue;
      const origin = headersOf({ site, term, operation, partition, offset: record.offset });
      const bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0) + headersBytes;
      if (part.length > 0 && (partBytes + bytes > batchBytesMax || part.length >= batchRecordsMax)) {
        waiting.push({ partition, codec, records: part });
        waitingBytes += partBytes;
        [part, partBytes] = [[], 0];
        if (waitingBytes >= transactionBytesMax) await commit();
      }
      part.push({ ...record, headers: [...record.headers, ...origin] });
      partBytes += bytes;
    }
    if (part.length > 0) waiting.push({ partition, codec, records: part });
    waitingBytes += partBytes;
    if (waitingBytes >= transactionBytesMax) await commit();
  }
  await commit();
  return records;
}

/** About what the headers of a record take that come with it. */
const headersBytes = 200;

interface Appended {
  readonly last: bigint | undefined;
  readonly records: number;
}

/** What of a partition's tail is committed at the new primary. Throws while that cannot be seen to the log's end. */
async function appended({ target, journal, begun }: Work, partition: number, signal: AbortSignal): Promise<Appended> {
  const { topic, tail } = journal;
  const own = new Set(begun.producerIds.map(BigInt));
  const end = (await endsNow(target, topic))[partition] ?? 0n;
  const logs = new LogReader(target);
  await untilReadable(logs, { topic, partition, end }, signal);
  const from = BigInt(begun.from[partition] ?? '0');
  let last: bigint | undefined;
  let records = 0;
  for await (const batch of logs.batches({ topic, partition }, { from, to: end }, signal)) {
    if (batch.dropped || batch.header.control || !own.has(producerIdOf(batch.frame, batch.header))) continue;
    for await (const record of walkRecords(batch)) {
      const offset = originOffset(record, { operation: tail.operation, partition });
      if (offset === undefined) continue;
      if (last !== undefined && offset <= last) {
        throw new Error(`offset ${offset} of the tail of ${topic}/${partition} is twice at ${target.name}`);
      }
      last = offset;
      records += 1;
    }
  }
  return { last, records };
}

const readableLooksMax = 40;
const readableLookMs = 250;

/** A transaction of somebody else that is open would hide some of ours: it ends, or times out. */
async function untilReadable(
  logs: LogReader,
  { topic, partition, end }: { readonly topic: string; readonly partition: number; readonly end: bigint },
  signal: AbortSignal,
): Promise<void> {
  const pause = new Wakeup();
  for (let look = 1; ; look++) {
    const { end: readable } = await logs.range(topic, partition, signal);
    if (readable >= end) return;
    if (look >= readableLooksMax) {
      throw new ConnectionError(
        `${topic}/${partition} can be read to ${readable} only, it ends at ${end}: a transaction is open there`,
      );
    }
    await pause.wait(signal, readableLookMs);
    signal.throwIfAborted();
  }
}

async function endsNow(cluster: Cluster, topic: string): Promise<readonly bigint[]> {
  const ends = await readLogEnds(cluster, [topic]);
  return [...ends.values()].toSorted((left, right) => left.partition - right.partition).map(({ end }) => end);
}
