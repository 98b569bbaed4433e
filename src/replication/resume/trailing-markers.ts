import type { Broker } from '../../kafka/cluster.ts';
import { decodeFetch, encodeFetch, noSession } from '../../kafka/fetch-api.ts';
import { listOffsets, partitionKey } from '../../kafka/log-queries.ts';
import { AbortedProducers } from '../batches/aborted-producers.ts';
import { type CopiedPartition, isOwn } from '../partition/copied-partition.ts';
import type { RawBatch } from '../logs/log-reader.ts';
import type { ReadFrom } from '../logs/read-batch.ts';
import { parseBatch } from '../batches/record-batch.ts';
import { walkRecords } from '../batches/records.ts';

/**
 * Markers say nothing about which offset they were meant for. When those of a worker that was fenced arrive late, just
 * before those of the new owner whose answer is lost, twice as many are written as the gap has offsets: they cover
 * records behind it, and the last offset alone may look right. So all of them at the end of the copy are held against
 * the source, not the last one only. Two requests of as many as one may carry, with some to spare. What the copy's site
 * had before it was a copy may end with aborted records as well, which show no more than markers do.
 */
const offsetsMax = 256n;
const bytesMax = 256 * 1024;
/** Answers per log: what lies further is not looked at. */
const answersMax = 8;

export interface TrailingMarkers {
  readonly of: CopiedPartition;
  readonly source: { readonly broker: Broker; readonly leaderEpoch: number };
  readonly target: { readonly broker: Broker; readonly leaderEpoch: number };
  /** The copy ends here, with a marker. */
  readonly logEnd: bigint;
}

export type MarkersVerdict =
  | { readonly kind: 'right' }
  /** The first offset at which the copy has nothing to be seen and the source a record that consumers see. */
  | { readonly kind: 'wrong'; readonly offset: bigint }
  | { readonly kind: 'unreadable'; readonly side: 'source' | 'target'; readonly code: number };

export async function checkTrailingMarkers({ of, source, target, logEnd }: TrailingMarkers): Promise<MarkersVerdict> {
  const window = logEnd > offsetsMax ? logEnd - offsetsMax : 0n;
  const copied = await startedRange(target, of, { topicId: of.targetTopicId, from: window, to: logEnd });
  if (copied.kind === 'error') return { kind: 'unreadable', side: 'target', code: copied.code };
  let run = logEnd;
  for (const { header, dropped } of copied.batches.toReversed()) {
    const empty = header.control || (dropped && header.dense && isOwn(of, header.baseOffset));
    if (!empty || header.lastOffset + 1n !== run) break;
    run = header.baseOffset;
  }
  const original = await startedRange(source, of, { topicId: of.sourceTopicId, from: run, to: logEnd });
  if (original.kind === 'error') return { kind: 'unreadable', side: 'source', code: original.code };
  for (const batch of original.batches) {
    if (batch.dropped || batch.header.records === 0) continue;
    for await (const { offset } of walkRecords(batch)) {
      if (offset >= run && offset < logEnd) return { kind: 'wrong', offset };
    }
  }
  return { kind: 'right' };
}

interface Range {
  readonly topicId: string;
  readonly from: bigint;
  readonly to: bigint;
}

type Read =
  | { readonly kind: 'batches'; readonly batches: readonly RawBatch[] }
  | { readonly kind: 'error'; readonly code: number };

/** The batches of a range, from where the log starts; fewer when they are very large. */
async function startedRange(
  side: TrailingMarkers['source'],
  of: CopiedPartition,
  { topicId, from, to }: Range,
): Promise<Read> {
  const starts = await listOffsets(side.broker, 'earliest', [of]);
  const start = starts.get(partitionKey(of.topic, of.partition));
  if (start?.ok === false) return { kind: 'error', code: start.code };
  const batches: RawBatch[] = [];
  let position = start === undefined || start.value < from ? from : start.value;
  for (let answers = 0; position < to && answers < answersMax; answers++) {
    const { leaderEpoch } = side;
    const read = await readBatches(side.broker, { topicId, partition: of.partition, leaderEpoch, offset: position });
    if (read.kind === 'error') return read;
    const next = read.batches.at(-1)?.header.lastOffset;
    if (next === undefined || next < position) break;
    batches.push(...read.batches.filter(({ header }) => header.baseOffset < to));
    position = next + 1n;
  }
  return { kind: 'batches', batches };
}

async function readBatches(broker: Broker, from: ReadFrom): Promise<Read> {
  const partition = {
    ...{ topicId: from.topicId, partition: from.partition, currentLeaderEpoch: from.leaderEpoch },
    ...{ fetchOffset: from.offset, lastFetchedEpoch: undefined, bytesMax },
  };
  const frame = await broker.connection.request(
    encodeFetch({ session: noSession, maxWaitMs: 0, minBytes: 0, bytesMax, partitions: [partition], forgotten: [] }),
  );
  const answer = decodeFetch(frame.bytes, frame.bodyStart);
  const fetched = answer.partitions[0];
  const code = answer.errorCode === 0 ? (fetched?.errorCode ?? 0) : answer.errorCode;
  if (code !== 0) return { kind: 'error', code };
  const batches: RawBatch[] = [];
  if (fetched === undefined) return { kind: 'batches', batches };
  const aborted = new AbortedProducers(fetched.abortedTransactions);
  for (let at = fetched.records.start; at < fetched.records.end;) {
    const parsed = parseBatch(frame.bytes, at, fetched.records.end);
    if (parsed.kind !== 'batch') break;
    const { header } = parsed;
    batches.push({ frame: frame.bytes, header, dropped: aborted.drops(frame.bytes, header) });
    at = header.end;
  }
  return { kind: 'batches', batches };
}
