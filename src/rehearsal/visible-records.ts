import type { PartitionRef } from '../kafka/log-queries.ts';
import { walkRecords } from '../replication/batches/records.ts';
import type { LogReader } from '../replication/logs/log-reader.ts';

const bytesPerAnswer = 1024 * 1024;

export interface VisibleBounds {
  readonly from: bigint;
  readonly to: bigint;
  readonly recordsMax: number;
  /** As they are stored; the batch that goes over it is the last one. */
  readonly bytesMax: number;
}

/**
 * Offsets of the records in a log that a consumer is given who reads committed ones, ascending: no markers, nothing aborted,
 * nothing that was compacted away. Read raw, with none of the code of an ordinary client. Throws what {@link LogReader} throws,
 * and MalformedError for a batch that cannot be decoded.
 */
export async function visibleRecords(
  log: Pick<LogReader, 'batches'>,
  of: PartitionRef,
  { from, to, recordsMax, bytesMax }: VisibleBounds,
  signal: AbortSignal,
): Promise<{ readonly offsets: readonly bigint[]; readonly bytes: number }> {
  const offsets: bigint[] = [];
  let bytes = 0;
  const note = (offset: bigint): void => {
    if (offset >= from && offset < to && offsets.length < recordsMax) offsets.push(offset);
  };
  for await (const batch of log.batches(of, { from, to, bytesMax: bytesPerAnswer }, signal)) {
    const { header, dropped } = batch;
    bytes += header.end - header.start;
    if (!dropped && header.records > 0) {
      // Where it is dense, its header says everything.
      if (header.dense) for (let at = header.baseOffset; at <= header.lastOffset; at++) note(at);
      else for await (const { offset } of walkRecords(batch)) note(offset);
    }
    if (offsets.length >= recordsMax || bytes >= bytesMax) break;
  }
  return { offsets, bytes };
}
