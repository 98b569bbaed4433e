import type { ExposureFacts } from '../../exposure/exposure.ts';
import type { Question } from '../../exposure/exposure-clock.ts';
import type { Frame } from '../../kafka/frame-pool.ts';
import type { FetchedPartition } from '../../kafka/fetch-api.ts';
import { partitionKey } from '../../kafka/log-queries.ts';
import { AppendQueue } from './append-queue.ts';
import type { CopierClock } from '../waiting/copier-clock.ts';
import type { CopierOptions } from './copier-options.ts';
import type { CopiedPartition } from '../partition/copied-partition.ts';
import { type CopierCounters, noCounts } from './copier-counters.ts';
import type { CopierState, ResumePoint } from './copier-state.ts';
import type { Fault } from '../partition/fault.ts';
import type { FrameBudget } from './frame-budget.ts';
import { type Lag, LagClock } from '../partition/lag.ts';
import { Landing } from './landing.ts';
import { planBatches, weigh } from './plan-batches.ts';
import { linkProducerEpoch, sequenceAfter } from '../partition/producer-identity.ts';
import { endOf, type QueuedItem, sizeOf, type UnpackedItem } from './queued-item.ts';
import { Setbacks } from './setbacks.ts';
import { stampBatch } from '../batches/record-batch.ts';
import type { Repacked } from '../batches/repack.ts';
import { retryDelays } from '../waiting/retry-delays.ts';

/** Markers of one partition in one request, at most. */
const markersAtOnceMax = 100;

/**
 * Copies one partition: a state machine without I/O, driven by streams. It holds the invariants of the core:
 * batches are appended in order, one in flight, each at exactly the offset it has at the source; the first answer
 * that says otherwise is a fault and the last append.
 */
export class Copier {
  readonly of: CopiedPartition;
  readonly lagClock: LagClock;
  readonly counters: CopierCounters = noCounts();
  readonly landing = new Landing();
  readonly #clock: CopierClock;
  readonly #changed: (copier: Copier) => void;
  readonly #queue: AppendQueue;
  readonly #gapOffsetsMax: () => bigint | undefined;
  #holesSeen: ReadonlyMap<bigint, bigint> = new Map();
  #state: CopierState;
  #fetchOffset = 0n;
  #copiedTo: bigint | undefined;
  #sequence = 0;
  #lastFetchedEpoch: number | undefined;
  /** Takes effect when everything before it has been appended. */
  #fault: Fault | undefined;
  #generation = 0;
  #sourceStart = 0n;
  #mirroredStart = 0n;
  readonly #setbacks = new Setbacks();
  #caughtUpOnce = false;

  constructor(of: CopiedPartition, options: CopierOptions<Copier>) {
    this.of = of;
    this.#clock = options.clock;
    this.lagClock = new LagClock(options.clock.monotonicMs());
    this.#changed = options.changed;
    this.#queue = new AppendQueue(options.queueBytesMax);
    this.#gapOffsetsMax = options.gapOffsetsMax;
    this.#state = { kind: 'resuming', notBeforeMs: 0, reason: undefined };
  }

  get state(): CopierState {
    return this.#state;
  }

  /** Everything below is acknowledged by the target. Undefined before the first resume. */
  get copiedTo(): bigint | undefined {
    return this.#copiedTo;
  }

  get fetchOffset(): bigint {
    return this.#fetchOffset;
  }

  get lastFetchedEpoch(): number | undefined {
    return this.#lastFetchedEpoch;
  }

  /** Changes with every resume: an answer to a question asked before it is void. */
  get generation(): number {
    return this.#generation;
  }

  get resumesInRow(): number {
    return this.#setbacks.resumesInRow;
  }

  /** What has kept it from coming further for some seconds now. */
  get trouble(): string | undefined {
    const { kind } = this.#state;
    return kind === 'faulted' || kind === 'stopped' ? undefined : this.#setbacks.trouble(this.#clock.monotonicMs());
  }

  /** Has been level with the source at least once. */
  get caughtUpOnce(): boolean {
    return this.#caughtUpOnce;
  }

  /** A log start of the source, as far as the copy holds it, that the copy has not got yet. */
  get startToMirror(): bigint | undefined {
    const held = this.#copiedTo ?? 0n;
    const start = this.#sourceStart < held ? this.#sourceStart : held;
    return start > this.#mirroredStart ? start : undefined;
  }

  startMirrored(start: bigint): void {
    this.#mirroredStart = start;
  }

  /** Highest offset the target's log can end at by our own appends, answered or not. */
  get appendedToAtMost(): bigint | undefined {
    const { inFlight } = this.#queue;
    return inFlight === undefined ? this.#copiedTo : endOf(inFlight);
  }

  lag(): Lag {
    return this.lagClock.read(this.#copiedTo ?? 0n, this.#clock.monotonicMs());
  }

  atRisk(): ExposureFacts {
    return this.lagClock.exposure.facts(this.#clock.monotonicMs());
  }

  get wantsFetch(): boolean {
    return this.#runs() && this.#fault === undefined && this.#queue.hasRoom;
  }

  get hasBatch(): boolean {
    return this.#runs() && this.#queue.next?.kind === 'batch';
  }

  get hasGap(): boolean {
    return this.#runs() && this.#queue.next?.kind === 'gap';
  }

  /** What has to be taken apart before it can be appended; see {@link repacked}. */
  get toRepack(): UnpackedItem | undefined {
    return this.#runs() ? this.#queue.unpacked : undefined;
  }

  /** Waits for a resume point, and nothing of ours is on the way to the target any more. */
  mayResume(nowMs: number): boolean {
    return this.#state.kind === 'resuming' && this.#queue.inFlight === undefined && nowMs >= this.#state.notBeforeMs;
  }

  /**
   * Goes on at a checked point, unless something happened since generation `asked`, when it was asked for. `budget` is
   * that of the target broker it appends to.
   */
  resumed(point: ResumePoint, asked: number, budget?: FrameBudget): void {
    if (this.#state.kind !== 'resuming' || asked !== this.#generation) return;
    this.#queue.shareOf(budget);
    this.#fetchOffset = point.logEnd;
    this.#copiedTo = point.logEnd;
    this.#sequence = point.sequence;
    this.landing.known();
    this.#lastFetchedEpoch = point.lastFetchedEpoch;
    this.lagClock.passed(point.logEnd);
    this.#state = { kind: 'copying' };
    this.#changed(this);
  }

  /** Takes the answer of the source's leader (error code 0), retains its frame; returns the items it is to append. */
  fetched(frame: Frame, answer: FetchedPartition, asked?: Question): number {
    this.lagClock.observe(answer.lastStableOffset, this.#clock.monotonicMs(), answer.highWatermark, asked);
    this.#sourceStart = answer.logStartOffset;
    const { highestProducerId } = this.counters;
    const plan = planBatches({
      ...{ frame: frame.bytes, records: answer.records, aborted: answer.abortedTransactions },
      ...{ wanted: this.#fetchOffset, gapOffsetsMax: this.#gapOffsetsMax() },
      ...{ holesSeen: this.#holesSeen, highestProducerId },
    });
    this.counters.highestProducerId = plan.highestProducerId;
    const seen = weigh(plan.items);
    this.counters.fetchedRecords += seen.records;
    this.lagClock.exposure.weigh(seen);
    this.#queue.add(frame, plan.items);
    this.#lastFetchedEpoch = plan.leaderEpoch ?? this.#lastFetchedEpoch;
    this.#holesSeen = plan.holes;
    this.#fetchOffset = plan.next;
    if (plan.fault !== undefined) this.faultWhenDrained(plan.fault);
    this.#settle();
    return plan.items.length;
  }

  /** A part of {@link toRepack} as it was in generation `asked`. Retains the frame as long as needed. */
  repacked(frame: Frame, part: Pick<Repacked, 'items' | 'next'>, asked: number): void {
    if (asked !== this.#generation || !this.#runs()) return;
    this.#queue.repacked(frame, part);
    this.#settle();
  }

  /** {@link toRepack} cannot be taken apart: the copy stops before it. */
  cannotRepack(fault: Fault, asked: number): void {
    if (asked !== this.#generation || !this.#runs()) return;
    this.#queue.cutOff();
    // Whatever was found behind it comes later.
    this.#fault = fault;
    this.#settle();
  }

  /**
   * The next batch, stamped and ready. It is in flight until {@link appended} or {@link appendUnknown}, whatever else
   * happens to the copier meanwhile; the caller releases the frame then.
   */
  takeBatch(): { readonly batch: Buffer; readonly frame: Frame } {
    const item = this.#queue.takeBatch();
    if (item === undefined)
      throw new Error(`${partitionKey(this.of.topic, this.of.partition)}: no batch may be taken now`);
    const stamped = stampBatch(item.frame.bytes, item.header, {
      producerId: this.of.producerId,
      producerEpoch: linkProducerEpoch,
      baseSequence: this.#sequence,
    });
    return { batch: stamped, frame: item.frame };
  }

  /** The next markers to write, at most `max`; in flight until {@link filled} or {@link appendUnknown}. */
  takeMarkers(max: number): number {
    const item = this.#queue.takeGap(BigInt(Math.min(max, markersAtOnceMax)));
    if (item === undefined)
      throw new Error(`${partitionKey(this.of.topic, this.of.partition)}: no markers may be taken now`);
    return Number(item.count);
  }

  /**
   * The target's log end after markers were asked for: the only proof of how many were written. `refusal` is what the
   * broker answered, if it was not success. Markers too many inside the gap do no harm: an earlier request whose answer
   * was lost may have been carried out late.
   */
  filled(logEnd: bigint, refusal?: string): void {
    const item = this.#landed();
    if (item?.kind !== 'gap') return;
    const wanted = item.from + item.count;
    if (logEnd !== wanted) this.landing.lost();
    const rest = this.#queue.first;
    const gapEnd = rest?.kind === 'gap' && rest.from === wanted ? endOf(rest) : wanted;
    if (logEnd > wanted && logEnd <= gapEnd) {
      this.interrupt(`markers: the log ends at ${logEnd}, ${wanted} wanted`, retryDelays.lostAnswerMs);
      return;
    }
    if (logEnd > wanted) {
      const message = `the copy ends at offset ${logEnd} after markers up to ${wanted}: ${logEnd - wanted} offsets too many`;
      this.fault({ code: 'DIVERGED', offset: wanted, message });
      return;
    }
    if (!this.#runs()) return;
    if (logEnd < wanted) {
      const why = refusal === undefined ? '' : `: ${refusal}`;
      const what = `markers: the log ends at ${logEnd}, ${wanted} wanted${why}`;
      this.interrupt(what, retryDelays.after(this.resumesInRow));
      return;
    }
    this.counters.markers += Number(item.count);
    this.#advance(wanted);
  }

  /** Size of the batch that {@link takeBatch} would give. */
  get nextBatchBytes(): number {
    const item = this.#queue.first;
    return item === undefined ? 0 : sizeOf(item);
  }

  /** The target appended the batch in flight at `baseOffset`. A wrong place is the end of this copy. */
  appended(baseOffset: bigint): void {
    const item = this.#landed();
    if (item?.kind !== 'batch') return;
    const { header } = item;
    if (baseOffset !== header.baseOffset) {
      const message =
        baseOffset > header.baseOffset
          ? `offset ${header.baseOffset} of the copy was taken by somebody else: our batch was put at ${baseOffset}`
          : `the batch for offset ${header.baseOffset} was answered as appended at ${baseOffset}`;
      this.fault({ code: 'DIVERGED', offset: header.baseOffset, message });
      return;
    }
    this.counters.batches += 1;
    this.counters.records += header.records;
    this.counters.bytes += sizeOf(item);
    // After an interruption the resume reads the log end anew; nothing may be concluded from this answer.
    if (!this.#runs()) return;
    this.#sequence = sequenceAfter(this.#sequence, header.records);
    this.#advance(header.lastOffset + 1n);
  }

  #advance(end: bigint): void {
    this.#copiedTo = end;
    this.#setbacks.advanced();
    this.lagClock.passed(this.#copiedTo);
    this.#settle();
  }

  /** The batch in flight was refused, or its answer will never come. */
  appendUnknown(): void {
    this.landing.lost();
    this.#landed();
  }

  /** What was in flight never left. True when it will be taken again: its frame is then kept here. */
  notSent(): boolean {
    if (!this.#runs()) {
      this.#landed();
      return false;
    }
    this.#queue.putBack();
    this.#changed(this);
    return true;
  }

  /** Something made the position uncertain: drop what is queued, ask the target again where it ends. */
  interrupt(reason: string, delayMs: number): void {
    if (!this.#runs() && this.#state.kind !== 'resuming') return;
    this.#drop();
    this.#fault = undefined;
    const nowMs = this.#clock.monotonicMs();
    this.#setbacks.interrupted(reason, nowMs);
    this.#state = { kind: 'resuming', notBeforeMs: nowMs + delayMs, reason };
    this.#changed(this);
  }

  /**
   * The bytes were damaged on the way, or (`REFUSED`) the target's idea of the log is not ours: they are fetched again
   * from where it ends, a bounded number of times.
   */
  damaged(what: string, code: 'CORRUPT' | 'REFUSED' = 'CORRUPT'): void {
    const enough = this.#setbacks.damaged();
    const { damagedInRow } = this.#setbacks;
    if (!enough) {
      this.interrupt(what, retryDelays.after(damagedInRow));
      return;
    }
    this.fault({ code, offset: this.#copiedTo ?? 0n, message: `${what} (${damagedInRow} times in a row)` });
  }

  /**
   * Something read from a log says that the copy cannot go on. Fields outside a batch's checksum can be damaged on the
   * way: it is believed when it is read a second time, without progress in between, and read again otherwise.
   */
  suspect(fault: Fault): void {
    if (this.#setbacks.suspected(fault.code)) this.fault(fault);
    else this.interrupt(fault.message, retryDelays.after(this.resumesInRow));
  }

  /** Stops for good at once. */
  fault(fault: Fault): void {
    if (this.#state.kind === 'faulted' || this.#state.kind === 'stopped') return;
    this.#drop();
    this.#state = { kind: 'faulted', fault, at: this.#clock.now() };
    this.#changed(this);
  }

  /** Stops after everything already accepted has been appended, if a second reading says the same. */
  faultWhenDrained(fault: Fault): void {
    this.#fault ??= fault;
    this.#settle();
  }

  stop(): void {
    this.#drop();
    this.#state = { kind: 'stopped' };
    this.#changed(this);
  }

  #settle(): void {
    if (!this.#runs()) return;
    const drained = this.#queue.isEmpty;
    if (drained && this.#fault !== undefined) {
      this.suspect(this.#fault);
      return;
    }
    const sourceEnd = this.lagClock.sourceEnd;
    const level = drained && sourceEnd !== undefined && (this.#copiedTo ?? 0n) >= sourceEnd;
    if (level) {
      this.#caughtUpOnce = true;
      this.#setbacks.settled();
    }
    this.#state = level ? { kind: 'waiting' } : { kind: 'copying' };
    this.#changed(this);
  }

  #runs(): boolean {
    return this.#state.kind === 'copying' || this.#state.kind === 'waiting';
  }

  #drop(): void {
    this.#generation += 1;
    this.#queue.drop();
  }

  #landed(): QueuedItem | undefined {
    const item = this.#queue.landed();
    if (this.#state.kind === 'resuming') this.#changed(this);
    return item;
  }
}
