import { walkRecords } from '../../replication/batches/records.ts';
import type { LogReader, RawBatch } from '../../replication/logs/log-reader.ts';
import { type NamedSchema, type NamingRecord, schemasOf } from '../../schema-primary/wire-format.ts';

/** Of one partition in one look. */
export const newestLimits = { recordsMax: 64, bytesMax: 64 * 1024 } as const;

export interface NewestOf {
  readonly topic: string;
  readonly partition: number;
  /** First offset that is looked at, and the one behind the last. */
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * The schemas that the newest records of a partition seem to name, record by record: one answer of its log at most. Throws
 * what the log throws.
 */
export async function* schemasNamedIn(
  log: Pick<LogReader, 'chunk'>,
  { topic, partition, from, to }: NewestOf,
  signal: AbortSignal,
): AsyncGenerator<readonly NamedSchema[]> {
  const newest = to - BigInt(newestLimits.recordsMax);
  const offset = newest > from ? newest : from;
  const { batches } = await log.chunk({ topic, partition }, { offset, bytesMax: newestLimits.bytesMax }, signal);
  for await (const record of newestRecords(batches, offset)) yield schemasOf(record);
}

async function* newestRecords(batches: readonly RawBatch[], from: bigint): AsyncGenerator<NamingRecord> {
  let taken = 0;
  for (const batch of batches) {
    if (batch.dropped || batch.header.records === 0 || batch.header.lastOffset < from) continue;
    for await (const record of walkRecords(batch)) {
      if (record.offset < from) continue;
      yield record;
      taken += 1;
      if (taken >= newestLimits.recordsMax) return;
    }
  }
}
