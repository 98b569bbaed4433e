import { createHash } from 'node:crypto';
import { CopyComparison, type CopyOnlyBatch } from '../replication/logs/copy-only.ts';
import { isFiller } from '../replication/resume/head-fill.ts';
import type { LogReader, RawBatch } from '../replication/logs/log-reader.ts';
import { checksumIsRight } from '../replication/batches/record-batch.ts';
import type { Quarantined, ScannedRange } from './manifest.ts';

export interface ScannedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Under which the link appends to it. */
  readonly producerId: bigint;
  /** False where the source has no such partition or is another topic by now: then everything is only here. */
  readonly atSource: boolean;
  /** The source compacts: what it does not have any more it may have had. */
  readonly compacted: boolean;
  /** See `CopiedPartition`: below it the copy's log is its site's own. */
  readonly ownBelow?: bigint;
  /**
   * Of the log of an old primary, the cut: what its new one holds from there on is something else, at whatever offsets.
   * `ownBelow` is the same offset then.
   */
  readonly sourceTo?: bigint;
  /** Read from here instead of the copy's log start. */
  readonly from?: bigint;
}

type ScannedLog = Pick<LogReader, 'range' | 'batches' | 'leaderEpoch'>;

export interface ScanLogs {
  readonly source: ScannedLog;
  readonly copy: ScannedLog;
}

export interface PartitionScan {
  readonly range: ScannedRange;
  readonly quarantined: Quarantined;
}

/** Called for every batch that only the copy holds, in order; awaited. */
export type ScanSink = (found: CopyOnlyBatch) => Promise<void>;

/**
 * Reads a partition's copy to its end beside its source and hands what only the copy holds to `sink`. Two scans of
 * logs that did not change find the same, byte by byte (`sha256`). Throws when the copy cannot be read to its end, or
 * arrives damaged.
 */
export async function scanPartition(
  logs: ScanLogs,
  of: ScannedPartition,
  { sink, signal }: { readonly sink?: ScanSink; readonly signal: AbortSignal },
): Promise<PartitionScan> {
  const { topic, partition } = of;
  const copyRange = await logs.copy.range(topic, partition, signal);
  const copyStart = of.from !== undefined && of.from > copyRange.start ? of.from : copyRange.start;
  const sourceRange = of.atSource ? await logs.source.range(topic, partition, signal) : undefined;
  // Asked for behind the end and before the first record: whatever an election cuts off later, this epoch shows it.
  const sourceEpoch = of.atSource ? await logs.source.leaderEpoch(topic, partition, signal) : undefined;
  const shared = sourceRange && {
    start: below(sourceRange.start, of.sourceTo),
    end: below(sourceRange.end, of.sourceTo),
  };
  const sourceFrom = shared === undefined || shared.start < copyStart ? copyStart : shared.start;
  const sourceTo = shared === undefined ? copyRange.end : below(shared.end, copyRange.end);
  const comparison = new CopyComparison({
    source:
      shared === undefined || sourceFrom >= sourceTo
        ? nothing()
        : logs.source.batches(of, { from: sourceFrom, to: sourceTo }, signal),
    copy: logs.copy.batches(of, { from: copyStart, to: copyRange.end }, signal),
    copyStart,
    sourceStart: shared?.start,
    compactedTo: of.compacted ? shared?.end : undefined,
    ...(of.ownBelow === undefined ? {} : { ownBelow: of.ownBelow }),
    isFiller: async (batch) =>
      batch.frame.readBigInt64BE(batch.header.start + 43) === of.producerId && (await isFiller(batch)),
  });
  const tally = new Tally(`${topic}/${partition}`);
  for await (const found of comparison.batches()) {
    tally.add(found);
    await sink?.(found);
  }
  if (copyStart < copyRange.end && comparison.position < copyRange.end) {
    throw new Error(
      `the copy ${topic}/${partition} can be read up to offset ${comparison.position} only, it ends at ${copyRange.end}: a transaction of somebody else is open there; try again when it has timed out`,
    );
  }
  const { forkOffset, records } = comparison;
  const isTail = of.sourceTo !== undefined;
  const sum = { acknowledged: Number(records.read), present: Number(records.shared) };
  return {
    range: {
      copyStart: String(copyStart),
      copyEnd: String(copyRange.end),
      ...(sourceRange === undefined
        ? {}
        : { sourceStart: String(sourceRange.start), sourceEnd: String(sourceRange.end) }),
      ...(sourceEpoch === undefined ? {} : { sourceEpoch }),
      ...(forkOffset === undefined ? {} : { forkOffset: String(forkOffset) }),
      ...(isTail ? { sum } : {}),
    },
    quarantined: { ...tally.total(), ...(isTail ? tally.times() : {}) },
  };
}

function below(offset: bigint, bound: bigint | undefined): bigint {
  return bound !== undefined && bound < offset ? bound : offset;
}

const baseTimestampAt = 27;
const maxTimestampAt = 35;
/** Producers may date records as they like; what a Date cannot hold is left out. */
const newestTimeMs = 8_640_000_000_000_000n;

class Tally {
  readonly #where: string;
  readonly #hash = createHash('sha256');
  readonly #unexplainedHash = createHash('sha256');
  #unexplained = 0n;
  #batches = 0;
  #records = 0;
  #onlyHere = 0n;
  #bytes = 0;
  #first: bigint | undefined;
  #last: bigint | undefined;
  #oldest: bigint | undefined;
  #newest: bigint | undefined;

  constructor(where: string) {
    this.#where = where;
  }

  add({ batch: { frame, header }, onlyHere, unexplained }: CopyOnlyBatch): void {
    if (!checksumIsRight(frame, header)) {
      throw new Error(`the batch at offset ${header.baseOffset} of the copy ${this.#where} arrives damaged`);
    }
    this.#hash.update(frame.subarray(header.start, header.end));
    if (unexplained.length > 0) this.#unexplainedHash.update(frame.subarray(header.start, header.end));
    for (const { first, last } of unexplained) {
      this.#unexplained += last - first + 1n;
      this.#unexplainedHash.update(`${first}-${last}\n`);
    }
    this.#batches += 1;
    this.#records += header.records;
    for (const { first, last } of onlyHere) this.#onlyHere += last - first + 1n;
    this.#bytes += header.end - header.start;
    this.#first ??= header.baseOffset;
    this.#last = header.lastOffset;
    const oldest = frame.readBigInt64BE(header.start + baseTimestampAt);
    const newest = frame.readBigInt64BE(header.start + maxTimestampAt);
    if (this.#oldest === undefined || oldest < this.#oldest) this.#oldest = oldest;
    if (this.#newest === undefined || newest > this.#newest) this.#newest = newest;
  }

  times(): Pick<Quarantined, 'oldestAt' | 'newestAt'> {
    const [oldestAt, newestAt] = [isoOf(this.#oldest), isoOf(this.#newest)];
    return { ...(oldestAt === undefined ? {} : { oldestAt }), ...(newestAt === undefined ? {} : { newestAt }) };
  }

  total(): Quarantined {
    return {
      batches: this.#batches,
      records: this.#records,
      recordsOnlyHere: Number(this.#onlyHere),
      bytes: this.#bytes,
      ...(this.#first === undefined ? {} : { firstOffset: String(this.#first) }),
      ...(this.#last === undefined ? {} : { lastOffset: String(this.#last) }),
      sha256: this.#hash.digest('hex'),
      recordsUnexplained: Number(this.#unexplained),
      unexplainedSha256: this.#unexplainedHash.digest('hex'),
    };
  }
}

async function* nothing(): AsyncGenerator<RawBatch> {
  // Nothing.
}

function isoOf(time: bigint | undefined): string | undefined {
  return time === undefined || time < 0n || time > newestTimeMs ? undefined : new Date(Number(time)).toISOString();
}
