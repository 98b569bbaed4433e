import type { Frame } from '../kafka/frame-pool.ts';
import type { FetchedPartition } from '../kafka/fetch-api.ts';
import type { Fault } from './fault.ts';
import { type Lag, LagClock } from './lag.ts';
import { planBatches } from './plan-batches.ts';
import { linkProducerEpoch, sequenceAfter } from './producer-identity.ts';
import { type BatchHeader, stampBatch } from './record-batch.ts';
import { retryDelays } from './retry-delays.ts';

/** One partition to copy. Topic ids are 32 hex digits. */
export interface CopiedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly sourceTopicId: string;
  readonly targetTopicId: string;
  readonly producerId: bigint;
}

/**
 * ```
 *            resumed                    level with the source
 *  resuming ─────────▶ copying ⇄ waiting
 *     ▲                   │  │
 *     └── lost answer, ───┘  └──▶ faulted      any ──▶ stopped
 *         moved leader             (for good)
 * ```
 */
export type CopierState =
  | { readonly kind: 'resuming'; readonly notBeforeMs: number; readonly reason: string | undefined }
  | { readonly kind: 'copying' }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'faulted'; readonly fault: Fault; readonly at: Date };

/** Where to go on, read from the target and checked against the source (resume.ts). */
export interface ResumePoint {
  /** The target's log end: the next offset it will assign. */
  readonly logEnd: bigint;
  readonly sequence: number;
  /** Leader epoch of the source's batch below `logEnd`; undefined for an empty copy. */
  readonly lastFetchedEpoch: number | undefined;
}

interface QueuedBatch {
  readonly frame: Frame;
  readonly header: BatchHeader;
}

export interface CopierClock {
  /** Monotonic milliseconds. */
  monotonicMs(): number;
  now(): Date;
}

const damagedInRowMax = 5;
/** A leader that moves is over sooner: what lasts longer is worth telling a person. */
const troubleAfterMs = 2_000;

export interface CopierCounters {
  batches: number;
  records: number;
  bytes: number;
}

/**
 * Copies one partition: a state machine without I/O, driven by streams. It holds the invariants of the core:
 * batches are appended in order, one in flight, each at exactly the offset it has at the source; the first answer
 * that says otherwise is a fault and the last append.
 */
export class Copier {
  readonly of: CopiedPartition;
  readonly lagClock = new LagClock();
  readonly counters: CopierCounters = { batches: 0, records: 0, bytes: 0 };
  readonly #clock: CopierClock;
  readonly #changed: (copier: Copier) => void;
  readonly #queueBytesMax: number;
  #state: CopierState;
  #fetchOffset = 0n;
  #copiedTo: bigint | undefined;
  #sequence = 0;
  #lastFetchedEpoch: number | undefined;
  #queue: QueuedBatch[] = [];
  #queuedBytes = 0;
  #inFlight: BatchHeader | undefined;
  /** Takes effect when everything before it has been appended. */
  #fault: Fault | undefined;
  /** What the last reading showed; see {@link suspect}. */
  #suspected: Fault['code'] | undefined;
  #generation = 0;
  #resumesInRow = 0;
  #damagedInRow = 0;
  /** Since when it has not come further, and the newest reason. */
  #trouble: { readonly sinceMs: number; readonly reason: string } | undefined;
  #caughtUpOnce = false;

  constructor(
    of: CopiedPartition,
    options: { clock: CopierClock; queueBytesMax: number; changed: (copier: Copier) => void },
  ) {
    this.of = of;
    this.#clock = options.clock;
    this.#changed = options.changed;
    this.#queueBytesMax = options.queueBytesMax;
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
    return this.#resumesInRow;
  }

  /** What has kept it from coming further for some seconds now. */
  get trouble(): string | undefined {
    const trouble = this.#trouble;
    if (trouble === undefined || this.#clock.monotonicMs() - trouble.sinceMs < troubleAfterMs) return undefined;
    return trouble.reason;
  }

  /** Has been level with the source at least once. */
  get caughtUpOnce(): boolean {
    return this.#caughtUpOnce;
  }

  /** Highest offset the target's log can end at by our own appends, answered or not. */
  get appendedToAtMost(): bigint | undefined {
    return this.#inFlight === undefined ? this.#copiedTo : this.#inFlight.lastOffset + 1n;
  }

  lag(): Lag {
    return this.lagClock.read(this.#copiedTo ?? 0n, this.#clock.monotonicMs());
  }

  get wantsFetch(): boolean {
    return this.#runs() && this.#fault === undefined && this.#queuedBytes < this.#queueBytesMax;
  }

  get hasBatch(): boolean {
    return this.#runs() && this.#inFlight === undefined && this.#queue.length > 0;
  }

  /** Waits for a resume point, and nothing of ours is on the way to the target any more. */
  mayResume(nowMs: number): boolean {
    return this.#state.kind === 'resuming' && this.#inFlight === undefined && nowMs >= this.#state.notBeforeMs;
  }

  /** Goes on at a checked point, unless something happened since generation `asked`, when it was asked for. */
  resumed(point: ResumePoint, asked: number): void {
    if (this.#state.kind !== 'resuming' || asked !== this.#generation) return;
    this.#fetchOffset = point.logEnd;
    this.#copiedTo = point.logEnd;
    this.#sequence = point.sequence;
    this.#lastFetchedEpoch = point.lastFetchedEpoch;
    this.lagClock.passed(point.logEnd);
    this.#state = { kind: 'copying' };
    this.#changed(this);
  }

  /** Takes what the source's leader answered for this partition (error code 0). Retains the frame as long as needed. */
  fetched(frame: Frame, answer: FetchedPartition): void {
    this.lagClock.observe(answer.lastStableOffset, this.#clock.monotonicMs());
    const plan = planBatches(frame.bytes, answer.records, this.#fetchOffset);
    for (const header of plan.pass) {
      frame.retain();
      this.#queue.push({ frame, header });
      this.#queuedBytes += sizeOf(header);
      this.#lastFetchedEpoch = header.leaderEpoch;
    }
    this.#fetchOffset = plan.next;
    if (plan.fault !== undefined) this.faultWhenDrained(plan.fault);
    this.#settle();
  }

  /**
   * The next batch, stamped and ready. It is in flight until {@link appended} or {@link appendUnknown}, whatever else
   * happens to the copier meanwhile; the caller releases the frame then.
   */
  takeBatch(): { readonly batch: Buffer; readonly frame: Frame } {
    const batch = this.#queue[0];
    if (batch === undefined || this.#inFlight !== undefined)
      throw new Error(`${this.#name()}: no batch may be taken now`);
    this.#queue.shift();
    this.#inFlight = batch.header;
    const stamped = stampBatch(batch.frame.bytes, batch.header, {
      producerId: this.of.producerId,
      producerEpoch: linkProducerEpoch,
      baseSequence: this.#sequence,
    });
    return { batch: stamped, frame: batch.frame };
  }

  /** Size of the batch that {@link takeBatch} would give. */
  get nextBatchBytes(): number {
    const header = this.#queue[0]?.header;
    return header === undefined ? 0 : sizeOf(header);
  }

  /** The target appended the batch in flight at `baseOffset`. A wrong place is the end of this copy. */
  appended(baseOffset: bigint): void {
    const header = this.#landed();
    if (header === undefined) return;
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
    this.counters.bytes += sizeOf(header);
    // After an interruption the resume reads the log end anew; nothing may be concluded from this answer.
    if (!this.#runs()) return;
    this.#sequence = sequenceAfter(this.#sequence, header.records);
    this.#copiedTo = header.lastOffset + 1n;
    this.#damagedInRow = 0;
    this.#suspected = undefined;
    this.#wentWell();
    this.lagClock.passed(this.#copiedTo);
    this.#settle();
  }

  /** The batch in flight was refused, or its answer will never come. */
  appendUnknown(): void {
    this.#landed();
  }

  /** Something made the position uncertain: drop what is queued, ask the target again where it ends. */
  interrupt(reason: string, delayMs: number): void {
    if (!this.#runs() && this.#state.kind !== 'resuming') return;
    this.#drop();
    this.#resumesInRow += 1;
    this.#fault = undefined;
    const nowMs = this.#clock.monotonicMs();
    this.#trouble = { sinceMs: this.#trouble?.sinceMs ?? nowMs, reason };
    this.#state = { kind: 'resuming', notBeforeMs: nowMs + delayMs, reason };
    this.#changed(this);
  }

  /** The bytes were damaged on the way: they are fetched again, a bounded number of times. */
  damaged(what: string): void {
    this.#damagedInRow += 1;
    if (this.#damagedInRow > damagedInRowMax) {
      this.fault({
        code: 'CORRUPT',
        offset: this.#copiedTo ?? 0n,
        message: `${what} (${this.#damagedInRow} times in a row)`,
      });
    } else {
      this.interrupt(what, retryDelays.after(this.#damagedInRow));
    }
  }

  /**
   * Something read from a log says that the copy cannot go on. Fields outside a batch's checksum can be damaged on the
   * way: it is believed when it is read a second time, without progress in between, and read again otherwise.
   */
  suspect(fault: Fault): void {
    if (this.#suspected === fault.code) {
      this.fault(fault);
      return;
    }
    this.#suspected = fault.code;
    this.interrupt(fault.message, retryDelays.after(this.#resumesInRow));
  }

  /** Stops for good at once. */
  fault(fault: Fault): void {
    if (this.#state.kind === 'faulted' || this.#state.kind === 'stopped') return;
    this.#drop();
    this.#trouble = undefined;
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
    const drained = this.#queue.length === 0 && this.#inFlight === undefined;
    if (drained && this.#fault !== undefined) {
      this.suspect(this.#fault);
      return;
    }
    const sourceEnd = this.lagClock.sourceEnd;
    const level = drained && sourceEnd !== undefined && (this.#copiedTo ?? 0n) >= sourceEnd;
    if (level) {
      this.#caughtUpOnce = true;
      this.#wentWell();
    }
    this.#state = level ? { kind: 'waiting' } : { kind: 'copying' };
    this.#changed(this);
  }

  #wentWell(): void {
    this.#resumesInRow = 0;
    this.#trouble = undefined;
  }

  #runs(): boolean {
    return this.#state.kind === 'copying' || this.#state.kind === 'waiting';
  }

  #drop(): void {
    this.#generation += 1;
    for (const { frame, header } of this.#queue) {
      frame.release();
      this.#queuedBytes -= sizeOf(header);
    }
    this.#queue = [];
  }

  #landed(): BatchHeader | undefined {
    const header = this.#inFlight;
    this.#inFlight = undefined;
    if (header !== undefined) this.#queuedBytes -= sizeOf(header);
    if (this.#state.kind === 'resuming') this.#changed(this);
    return header;
  }

  #name(): string {
    return `${this.of.topic}/${this.of.partition}`;
  }
}

function sizeOf(header: BatchHeader): number {
  return header.end - header.start;
}
