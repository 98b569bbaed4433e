import type { Cluster } from '../../kafka/cluster.ts';
import { discardFrame } from '../../kafka/discard-frame.ts';
import { KafkaError, verdictOf } from '../../kafka/errors.ts';
import { describeTopicConfigs } from '../../kafka/topic-admin.ts';
import { compareLogs, type LogComparison, type LogDifference } from '../logs/compare-logs.ts';
import type { CopierClock } from '../waiting/copier-clock.ts';
import type { Copier } from '../copier/copier.ts';
import { type CopiedPartition, isOwn } from '../partition/copied-partition.ts';
import type { Fault } from '../partition/fault.ts';
import type { Leaders } from '../partition/leaders.ts';
import { LogReader, type RawBatch } from '../logs/log-reader.ts';
import { ProofBudget, type ProofRate } from './proof-budget.ts';
import { type OffsetRange, ProvenRange } from './proven-range.ts';
import { retryDelays } from '../waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../waiting/wakeup.ts';

export interface ProofLimits extends ProofRate {
  /** How far the run may fall behind before it jumps ahead; proved as a whole, whatever it costs, at each resume. */
  readonly windowBytes: number;
  /** Read at a time; a batch is read whole, however large. */
  readonly sliceBytes: number;
}

export interface ProofPorts {
  readonly source: Cluster;
  readonly target: Cluster;
  readonly sourceLeaders: Leaders;
  readonly targetLeaders: Leaders;
  readonly clock: CopierClock;
  readonly bytesCopied: () => number;
  readonly onUnexpected: (error: unknown) => void;
}

/** What of one copy has been proved. */
export interface PartitionProof {
  /** The copy equals the source just below this offset: the end of the newest proved run. */
  readonly verifiedTo: bigint;
  readonly verifiedAt: Date;
  /** Offsets of the copy that have not been compared in this process's life. */
  readonly unverified: bigint;
}

interface Proving {
  readonly range: ProvenRange;
  /** The newest estimate, for windows counted in offsets. */
  bytesPerOffset: number;
  /** Everything below it was there at the newest resume and is proved at once. */
  resumedAt: bigint;
  verifiedAt: Date | undefined;
}

/** A turn costs this at least: requests are not for nothing, however little they read. */
const turnBytesMin = 16 * 1024;
const attemptsMax = 2;
const offsetOutOfRange = 1;
const offsetNotAvailable = 78;

/**
 * Compares copies with their sources all the time, from what both clusters store, at a bounded share of the bandwidth:
 * it believes nothing that passed through this process. A difference that is there at a second reading is a fault.
 * One partition after the other has its turn; the newest offsets come first (see {@link ProvenRange}).
 */
export class ContinuousProof {
  readonly #ports: ProofPorts;
  readonly #limits: ProofLimits;
  readonly #budget: ProofBudget;
  readonly #source: LogReader;
  readonly #copy: LogReader;
  readonly #provings = new Map<Copier, Proving>();
  /** Just resumed: proved without asking the budget. */
  readonly #urgent = new Set<Copier>();
  readonly #waiting = new Set<Copier>();
  readonly #work = new Wakeup();
  /** In a row. */
  readonly #failures = new WeakMap<Copier, number>();

  constructor(ports: ProofPorts, limits: ProofLimits) {
    this.#ports = ports;
    this.#limits = limits;
    this.#budget = new ProofBudget(limits, ports.bytesCopied);
    this.#source = new LogReader(ports.source, { leaders: ports.sourceLeaders, attemptsMax });
    this.#copy = new LogReader(ports.target, { leaders: ports.targetLeaders, attemptsMax });
  }

  /** Undefined until something was proved. */
  proofOf(copier: Copier): PartitionProof | undefined {
    const proving = this.#provings.get(copier);
    if (proving?.verifiedAt === undefined) return undefined;
    const { range, verifiedAt } = proving;
    return { verifiedTo: range.to, verifiedAt, unverified: range.unproved(copier.copiedTo ?? range.to) };
  }

  /** The copy has grown, or may have. Cheap: called at every append. */
  touch(copier: Copier): void {
    if (this.#waiting.has(copier) || this.#urgent.has(copier)) return;
    this.#waiting.add(copier);
    if (this.#waiting.size === 1) this.#work.wake();
  }

  /** What the copy ends with is in doubt after every interruption: its newest window is proved again, at once. */
  resumed(copier: Copier): void {
    this.#waiting.delete(copier);
    this.#urgent.add(copier);
    this.#work.wake();
  }

  forget(copier: Copier): void {
    this.#waiting.delete(copier);
    this.#urgent.delete(copier);
    this.#provings.delete(copier);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!hasAborted(signal)) {
      const resumed = this.#take(this.#urgent);
      if (resumed !== undefined) {
        await this.#attempt(resumed, signal, {
          work: () => this.#beginRun(resumed, signal),
          again: () => this.resumed(resumed),
        });
        continue;
      }
      if (this.#waiting.size === 0) {
        await this.#work.wait(signal);
        continue;
      }
      const pauseMs = this.#budget.msUntilReady(this.#ports.clock.monotonicMs());
      if (pauseMs > 0) {
        await this.#work.wait(signal, pauseMs);
        continue;
      }
      const next = this.#take(this.#waiting);
      if (next === undefined) continue;
      await this.#attempt(next, signal, { work: () => this.#turn(next, signal), again: () => this.touch(next) });
    }
  }

  #take(from: Set<Copier>): Copier | undefined {
    const [first] = from;
    if (first !== undefined) from.delete(first);
    return first;
  }

  /**
   * Trouble with a cluster is met and told by the streams; here it only means later, for this partition: the others
   * have their turns meanwhile.
   */
  async #attempt(copier: Copier, signal: AbortSignal, { work, again }: Attempt): Promise<void> {
    if (!isRunning(copier)) return;
    try {
      if ((await work()) === 'more') this.touch(copier);
      this.#failures.delete(copier);
    } catch (error) {
      if (hasAborted(signal)) return;
      if (verdictOf(error) === 'final') this.#ports.onUnexpected(error);
      const failures = (this.#failures.get(copier) ?? 0) + 1;
      this.#failures.set(copier, failures);
      void new Wakeup().wait(signal, retryDelays.after(failures)).then(() => {
        if (isRunning(copier)) again();
      });
    }
  }

  /** A run from the window's start to the end of the copy as it is now. */
  async #beginRun(copier: Copier, signal: AbortSignal): Promise<'more' | 'done'> {
    const end = copier.copiedTo ?? 0n;
    const proving = this.#provings.get(copier) ?? {
      range: new ProvenRange(end),
      bytesPerOffset: await this.#estimate(copier, end, signal),
      resumedAt: end,
      verifiedAt: undefined,
    };
    this.#provings.set(copier, proving);
    proving.resumedAt = end;
    proving.range.restart(this.#windowStart(proving, end));
    // The resume has seen that there is nothing to compare.
    if (end === 0n) proving.verifiedAt = this.#ports.clock.now();
    while (proving.range.to < end) {
      if (!isRunning(copier) || (await this.#turn(copier, signal)) === 'done') break;
    }
    return 'more';
  }

  async #turn(copier: Copier, signal: AbortSignal): Promise<'more' | 'done'> {
    const proving = this.#provings.get(copier);
    const end = copier.copiedTo;
    if (proving === undefined || end === undefined) return 'done';
    const behind = Number(end - proving.range.to) * proving.bytesPerOffset;
    if (proving.range.to >= proving.resumedAt && behind > this.#limits.windowBytes) {
      proving.range.restart(this.#windowStart(proving, end));
    }
    const part = proving.range.next(end);
    if (part === undefined) return 'done';
    try {
      return await this.#prove(copier, { proving, part, signal });
    } catch (error) {
      if (!(error instanceof KafkaError) || error.code !== offsetOutOfRange) throw error;
      this.#raise(copier, proving, await this.#bothStart(copier, signal));
      return 'more';
    }
  }

  /** Logs that begin where the copy ends hold nothing to compare: that is seen, as it is of an empty log. */
  #raise({ copiedTo }: Copier, proving: Proving, start: bigint): void {
    proving.range.raise(start);
    if (start === copiedTo) proving.verifiedAt = this.#ports.clock.now();
  }

  /** The lowest offset that both sides still hold. A source that crashed may begin lower than it did before. */
  async #bothStart({ of }: Copier, signal: AbortSignal): Promise<bigint> {
    const original = await this.#source.range(of.topic, of.partition, signal);
    const copy = await this.#copy.range(of.topic, of.partition, signal);
    return original.start > copy.start ? original.start : copy.start;
  }

  async #prove(copier: Copier, turn: Turn): Promise<'more' | 'done'> {
    const { proving, part, signal } = turn;
    const { generation } = copier;
    const first = await this.#compare(copier, part, { compacted: false, signal });
    let { comparison } = first;
    if (comparison.firstDifference !== undefined) {
      const compacted = await this.#isCompacted(copier.of.topic);
      const second = await this.#compare(copier, { from: part.from, to: first.to }, { compacted, signal });
      if (second.to !== first.to) return 'more';
      comparison = second.comparison;
    }
    const floor = comparison.firstDifference === undefined ? undefined : await this.#bothStart(copier, signal);
    if (copier.generation !== generation || !isRunning(copier)) return 'done';
    if (comparison.firstDifference !== undefined) {
      if (floor !== undefined && comparison.firstDifference.offset < floor) {
        this.#raise(copier, proving, floor);
        return 'more';
      }
      copier.fault(faultFor(comparison.firstDifference, copier.of));
      return 'done';
    }
    proving.bytesPerOffset = first.bytes / Math.max(1, Number(first.to - part.from));
    proving.range.proved({ from: part.from, to: first.to });
    if (proving.range.to === first.to) proving.verifiedAt = this.#ports.clock.now();
    return proving.range.next(copier.copiedTo ?? 0n) === undefined ? 'done' : 'more';
  }

  /** Compares one slice. Throws {@link KafkaError} OFFSET_NOT_AVAILABLE when the source shows nothing there now. */
  async #compare(
    { of }: Copier,
    part: OffsetRange,
    { compacted, signal }: { readonly compacted: boolean; readonly signal: AbortSignal },
  ): Promise<Compared> {
    const { batches, readTo } = await this.#source.chunk(
      of,
      { offset: part.from, bytesMax: this.#limits.sliceBytes },
      signal,
    );
    const bytes = batches.reduce((sum, { header }) => sum + header.end - header.start, 0);
    this.#budget.spend(Math.max(bytes, turnBytesMin));
    const to = readTo < part.to ? readTo : part.to;
    if (to <= part.from) throw new KafkaError(offsetNotAvailable, `comparing ${of.topic}/${of.partition} at ${to}`);
    const range = { from: part.from, to };
    // No more of the copy than of the source: the share of the bandwidth is that of both.
    const copy = this.#copy.batches(of, { ...range, bytesMax: this.#limits.sliceBytes }, signal);
    const frames = new Set(batches.map(({ frame }) => frame));
    try {
      const logs = { source: inOrder(batches), copy: noting(copy, frames) };
      const own = of.ownBelow === undefined ? {} : { ownBelow: of.ownBelow };
      return { comparison: await compareLogs(logs, { ...range, ...own, compacted }), bytes, to };
    } finally {
      for (const frame of frames) discardFrame(frame);
    }
  }

  async #isCompacted(topic: string): Promise<boolean> {
    const configs = await describeTopicConfigs(this.#ports.source, [topic]);
    return configs.get(topic)?.get('cleanup.policy')?.includes('compact') ?? false;
  }

  async #estimate({ of }: Copier, end: bigint, signal: AbortSignal): Promise<number> {
    // A copy whose head was just made, or that was emptied, begins where it ends.
    const { start } = await this.#copy.range(of.topic, of.partition, signal);
    if (start >= end) return 1;
    const { batches } = await this.#copy.chunk(of, { offset: end - 1n, bytesMax: 1 }, signal);
    const [first] = batches;
    if (first !== undefined) discardFrame(first.frame);
    const header = first?.header;
    return header === undefined ? 1 : (header.end - header.start) / Number(header.lastOffset - header.baseOffset + 1n);
  }

  #windowStart({ bytesPerOffset }: Proving, end: bigint): bigint {
    const offsets = BigInt(Math.ceil(this.#limits.windowBytes / bytesPerOffset));
    return end > offsets ? end - offsets : 0n;
  }
}

interface Attempt {
  readonly work: () => Promise<'more' | 'done'>;
  readonly again: () => void;
}

interface Turn {
  readonly proving: Proving;
  readonly part: OffsetRange;
  readonly signal: AbortSignal;
}

interface Compared {
  readonly comparison: LogComparison;
  /** Read from the source. */
  readonly bytes: number;
  readonly to: bigint;
}

function isRunning({ state }: Copier): boolean {
  return state.kind === 'copying' || state.kind === 'waiting';
}

// eslint-disable-next-line @typescript-eslint/require-await -- logs are read as async sequences; this one is at hand
async function* inOrder(batches: readonly RawBatch[]): AsyncGenerator<RawBatch> {
  yield* batches;
}

/** The same batches; the frames they stand in are added to `frames`. */
async function* noting(batches: AsyncIterable<RawBatch>, frames: Set<Buffer>): AsyncGenerator<RawBatch> {
  for await (const batch of batches) {
    frames.add(batch.frame);
    yield batch;
  }
}

/** What the site had before it was a copy was written by whoever was allowed to: no producer is foreign there. */
function faultFor({ offset, what, copyProducerId }: LogDifference, of: CopiedPartition): Fault {
  const foreign = copyProducerId !== undefined && copyProducerId !== of.producerId && !isOwn(of, offset);
  const who = foreign ? `, in a batch of producer id ${copyProducerId}, not the link's` : '';
  return {
    code: foreign ? 'FOREIGN_WRITE' : 'DIVERGED',
    offset,
    message: `comparing both logs: from offset ${offset} on the copy differs from the source (${what}${who})`,
  };
}
