import { MalformedError } from '../../kafka/errors.ts';
import { WireReader } from '../../kafka/wire-reader.ts';
import { decompress } from './compression.ts';
import { encodeBatch, headerOfEncoded } from './encode-batch.ts';
import { type BatchHeader, compressionOf, headerBytes, parseBatch } from './record-batch.ts';
import { placeRecord, RecordMover } from './record-mover.ts';

export type RepackedItem =
  /** In `bytes` of what it is part of. */
  | { readonly kind: 'batch'; readonly header: BatchHeader }
  | { readonly kind: 'gap'; readonly from: bigint; readonly count: bigint };

export interface Repacked {
  /** Memory of its own. */
  readonly bytes: Buffer;
  /** In order and without an offset between them, from the wanted offset up to `next`. */
  readonly items: readonly RepackedItem[];
  /** Offset behind the last of them: inside the batch when there was more than fits into one part. */
  readonly next: bigint;
}

export interface RepackLimits {
  /** Largest record section before compression. */
  readonly uncompressedBytesMax: number;
  /** Most batches in one part: every second record of a million missing makes half a million batches. */
  readonly batchesMax: number;
}

interface Source {
  readonly header: BatchHeader;
  readonly codec: number;
  readonly baseTimestamp: bigint;
}

/**
 * Turns a batch that cannot pass (holes, log append time, a beginning below the copy's end) into dense batches with
 * the gaps between them: the same records at the same offsets with the same times, keys, values and headers, in the
 * same compression. Its bytes are not the source's. Records below `from` are left out.
 *
 * A batch with log append time gets create time: every record's time is the batch's, so all deltas are 0.
 *
 * Pure but for `batch`, which is overwritten: records never grow by being moved together (record-mover.ts), so they are
 * moved in the memory they stand in. A batch in many pieces is done part by part: ask again, with the same bytes
 * as they were, from `next` on.
 *
 * @throws MalformedError for records that are none
 * @throws UncompressedTooLargeError
 */
export function repackBatch(batch: Buffer, from: bigint, limits: RepackLimits): Repacked {
  const parsed = parseBatch(batch, 0, batch.length);
  if (parsed.kind !== 'batch') throw new MalformedError('a batch to be taken apart');
  const { header } = parsed;
  const codec = compressionOf(batch, header);
  const baseTimestamp = batch.readBigInt64BE(header.logAppendTime ? 35 : 27);
  const plain = decompress(codec, batch.subarray(headerBytes), limits.uncompressedBytesMax);
  return joined(plain, { header, codec, baseTimestamp }, { from, batchesMax: limits.batchesMax });
}

function joined(
  plain: Buffer,
  source: Source,
  { from, batchesMax }: { readonly from: bigint; readonly batchesMax: number },
): Repacked {
  const { header } = source;
  const parts: Buffer[] = [];
  const items: RepackedItem[] = [];
  let length = 0;
  let next = from;
  for (const run of denseRuns(plain, source, from)) {
    // Asked for once more than there is room: then it is known where the part ends.
    if (parts.length === batchesMax) return { bytes: Buffer.concat(parts, length), items, next };
    if (run.baseOffset > next) items.push({ kind: 'gap', from: next, count: run.baseOffset - next });
    const batch = encodeBatch(run.plain, { ...source, ...run });
    items.push({
      kind: 'batch',
      header: headerOfEncoded({
        start: length,
        end: length + batch.length,
        baseOffset: run.baseOffset,
        records: run.records,
        leaderEpoch: header.leaderEpoch,
      }),
    });
    parts.push(batch);
    length += batch.length;
    next = run.baseOffset + BigInt(run.records);
  }
  if (next <= header.lastOffset) items.push({ kind: 'gap', from: next, count: header.lastOffset - next + 1n });
  return { bytes: Buffer.concat(parts, length), items, next: header.lastOffset + 1n };
}

interface DenseRun {
  readonly plain: Buffer;
  readonly baseOffset: bigint;
  readonly records: number;
  readonly largestDelta: bigint;
}

/** The records from `from` on in runs without a hole, each run moved together in `plain` when it is given out. */
function* denseRuns(plain: Buffer, { header }: Source, from: bigint): Generator<DenseRun> {
  const reader = new WireReader(plain);
  const mover = new RecordMover(plain, { keepTimes: !header.logAppendTime });
  const first = Number(from - header.baseOffset);
  const last = Number(header.lastOffset - header.baseOffset);
  let previous = -1;
  let base = 0;
  for (let index = 0; index < header.records; index++) {
    const record = placeRecord(reader);
    if (record.offsetDelta <= previous || record.offsetDelta > last) {
      throw new MalformedError(
        `record ${index} of the batch at ${header.baseOffset} has offset +${record.offsetDelta}`,
      );
    }
    if (record.offsetDelta >= first) {
      if (mover.records > 0 && record.offsetDelta !== previous + 1)
        yield { ...mover.take(), baseOffset: header.baseOffset + BigInt(base) };
      if (mover.records === 0) base = record.offsetDelta;
      mover.add(record);
    }
    previous = record.offsetDelta;
  }
  if (mover.records > 0) yield { ...mover.take(), baseOffset: header.baseOffset + BigInt(base) };
}
