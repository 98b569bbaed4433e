import type { AbortedTransaction } from '../../kafka/fetch-api.ts';
import { MalformedError } from '../../kafka/errors.ts';
import { AbortedProducers } from '../batches/aborted-producers.ts';
import type { Fault } from '../partition/fault.ts';
import { highestProducer } from './highest-producer.ts';
import { type BatchHeader, checksumIsRight, parseBatch } from '../batches/record-batch.ts';

export type PlannedItem =
  /** Append as it is. */
  | { readonly kind: 'pass'; readonly header: BatchHeader }
  /** Cannot pass as a whole: its records from `from` on go into dense batches of their own. */
  | { readonly kind: 'repack'; readonly header: BatchHeader; readonly from: bigint }
  /** Offsets that hold no record for anybody: they become invisible markers. */
  | { readonly kind: 'gap'; readonly from: bigint; readonly count: bigint };

export interface BatchPlan {
  /** In order and without an offset between them, beginning at the wanted offset. */
  readonly items: readonly PlannedItem[];
  /** Offset wanted after the last of them. */
  readonly next: bigint;
  /** Leader epoch of the last batch taken into account. */
  readonly leaderEpoch: number | undefined;
  /**
   * Holes seen, by the offset they begin at: where the next batch begins. Base offsets lie outside a batch's checksum,
   * and a hole that was filled cannot be emptied again: the plan ends before a hole that was not seen before.
   */
  readonly holes: ReadonlyMap<bigint, bigint>;
  /** Of those that were read so far; see {@link highestProducer}. */
  readonly highestProducerId: bigint | undefined;
  /** What makes the partition stop after they are appended. */
  readonly fault: Fault | undefined;
}

export interface PlanInput {
  readonly frame: Buffer;
  readonly records: { readonly start: number; readonly end: number };
  /** Transactions of this answer that were aborted, in any order. */
  readonly aborted: readonly AbortedTransaction[];
  /** The next offset of the copy; every offset of the copy is equal to the source's. */
  readonly wanted: bigint;
  /** Longest run of missing offsets that is filled without asking; markers cost 78 bytes each. Undefined: any. */
  readonly gapOffsetsMax: bigint | undefined;
  /** Holes that an earlier answer showed. */
  readonly holesSeen: ReadonlyMap<bigint, bigint>;
  /** Of all earlier answers. */
  readonly highestProducerId?: bigint | undefined;
}

const markerBytes = 78n;

/**
 * Decides what happens to the batches of one answer: pure. Reads headers only, but for batches that are not passed on:
 * what is dropped or taken apart loses the target's look at its checksum, so it is checked here.
 * @throws MalformedError for bytes that are no batches, or whose checksum is wrong
 */
export function planBatches(input: PlanInput): BatchPlan {
  const { frame, records, gapOffsetsMax, holesSeen } = input;
  let { highestProducerId } = input;
  const items: PlannedItem[] = [];
  const holes = new Map<bigint, bigint>();
  const transactions = new AbortedProducers(input.aborted);
  let next = input.wanted;
  /** Where the plan ends because of a new hole; the rest is only looked through for further ones. */
  let stoppedAt: bigint | undefined;
  let leaderEpoch: number | undefined;
  let fault: Fault | undefined;
  for (let position = records.start; position < records.end && fault === undefined;) {
    const parsed = parseBatch(frame, position, records.end);
    if (parsed.kind === 'cut-off') break;
    if (parsed.kind === 'old-format') {
      fault = oldFormat(parsed.magic, parsed.baseOffset);
      break;
    }
    const { header } = parsed;
    position = header.end;
    highestProducerId = highestProducer(frame, header, highestProducerId);
    const dropped = transactions.drops(frame, header);
    // A fetch at offset n begins with the batch that holds n, and compaction can leave batches before it.
    if (header.lastOffset < next) continue;
    if (header.baseOffset > next) {
      holes.set(next, header.baseOffset);
      if (holesSeen.get(next) !== header.baseOffset) stoppedAt ??= next;
      else if (gapOffsetsMax !== undefined && header.baseOffset - next > gapOffsetsMax) {
        fault = tooLarge(next, header.baseOffset - next);
        stoppedAt ??= next;
      } else if (stoppedAt === undefined) addGap(items, next, header.baseOffset - next);
      next = header.baseOffset;
    }
    if (stoppedAt === undefined && fault === undefined) {
      items.push(...planOne(frame, header, { next, dropped }));
      leaderEpoch = header.leaderEpoch;
    }
    next = header.lastOffset + 1n;
  }
  // Brokers send the first batch whole (KIP-74), and it reaches `wanted`: anything else would come again for ever.
  if (next === input.wanted && fault === undefined && records.end > records.start) {
    throw new MalformedError(`records, but no whole batch that reaches offset ${input.wanted}`);
  }
  return { items: merged(items), next: stoppedAt ?? next, leaderEpoch, holes, highestProducerId, fault };
}

function planOne(
  frame: Buffer,
  header: BatchHeader,
  at: { readonly next: bigint; readonly dropped: boolean },
): PlannedItem[] {
  const asIs =
    header.dense && !header.logAppendTime && header.baseOffset >= at.next && !at.dropped && header.records > 0;
  if (asIs) return [{ kind: 'pass', header }];
  if (!checksumIsRight(frame, header))
    throw new MalformedError(`the checksum of the batch at offset ${header.baseOffset}`);
  if (at.dropped || header.records === 0)
    return [{ kind: 'gap', from: at.next, count: header.lastOffset - at.next + 1n }];
  return [{ kind: 'repack', header, from: at.next }];
}

function merged(items: readonly PlannedItem[]): readonly PlannedItem[] {
  const result: PlannedItem[] = [];
  for (const item of items) {
    if (item.kind === 'gap') addGap(result, item.from, item.count);
    else result.push(item);
  }
  return result;
}

function addGap(items: PlannedItem[], from: bigint, count: bigint): void {
  const last = items.at(-1);
  if (last?.kind === 'gap') items[items.length - 1] = { kind: 'gap', from: last.from, count: last.count + count };
  else items.push({ kind: 'gap', from, count });
}

function oldFormat(magic: number, offset: bigint): Fault {
  return { code: 'OLD_FORMAT', offset, message: `a message set of format ${magic} stands at offset ${offset}` };
}

function tooLarge(from: bigint, count: bigint): Fault {
  const megabytes = (count * markerBytes) / 1_000_000n;
  const message = `offsets ${from} to ${from + count - 1n} do not exist at the source: filling them would cost ${count} markers, about ${megabytes} MB`;
  return { code: 'GAP_TOO_LARGE', offset: from, message };
}

/** Records in these items and the bytes of their batches. */
export function weigh(items: readonly PlannedItem[]): { readonly records: number; readonly bytes: number } {
  let [records, bytes] = [0, 0];
  for (const item of items) {
    if (item.kind === 'gap') continue;
    records += item.header.records;
    bytes += item.header.end - item.header.start;
  }
  return { records, bytes };
}
