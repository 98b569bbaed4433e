import type { CanaryClock } from '../canary-clock.ts';
import { lifeSchema, vantageSchema } from '../canary-record.ts';
import type { LedgerEvent } from './ledger-entry.ts';
import type { LedgerPlace, SegmentAppender, SegmentName } from './ledger-place.ts';
import { eventLine, headerLine } from './ledger-segment.ts';

export interface LedgerOptions {
  readonly place: LedgerPlace;
  readonly pair: string;
  readonly vantage: string;
  /** Of this opening, and of no other: `lifeOf`. */
  readonly life: string;
  readonly clock: CanaryClock;
  /** What all lives of the vantage together may take. Default 64 MiB. */
  readonly bytesMax?: number;
  /** A segment is closed when it has so many. Default 1 MiB. */
  readonly segmentBytesMax?: number;
  /** And when it is so old. Default 10 min. */
  readonly segmentMsMax?: number;
}

/** What one observer is told, written down by itself. */
export interface CanaryLedger {
  readonly vantage: string;
  readonly life: string;
  /**
   * Resolves when they are with the system, in this order, behind all that were appended before. Rejects when they were
   * not written: then what they tell of must not be done.
   */
  append(events: readonly LedgerEvent[]): Promise<void>;
  /** While set, nothing younger (ms since 1970) is removed; undefined gives all of it free. Of a drill that is under way. */
  keepFrom(ms: number | undefined): void;
  /** Behind what was appended. Nothing can be appended any more. */
  close(): Promise<void>;
}

/** So often above its bound a ledger may be because of what is held; above that it takes nothing more. */
const heldTimesMax = 4;

interface Waiting {
  readonly events: readonly LedgerEvent[];
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

interface OpenSegment {
  readonly appender: SegmentAppender;
  readonly begunMono: number;
  bytes: number;
}

/** Opens a ledger of its own; nothing is written before the first event. Throws when a name is not one. */
export function openLedger(options: LedgerOptions): CanaryLedger {
  vantageSchema.parse(options.vantage);
  lifeSchema.parse(options.life);
  return new SegmentedLedger(options);
}

class SegmentedLedger implements CanaryLedger {
  readonly #options: LedgerOptions;
  readonly #bytesMax: number;
  readonly #segmentBytesMax: number;
  readonly #segmentMsMax: number;
  #waiting: Waiting[] = [];
  #isWriting = false;
  #running: Promise<void> = Promise.resolve();
  #segment: OpenSegment | undefined;
  #index = 0;
  #chain: string | null = null;
  #keepFromMs: number | undefined;
  #closed = false;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#bytesMax = options.bytesMax ?? 64 << 20;
    this.#segmentBytesMax = options.segmentBytesMax ?? 1 << 20;
    this.#segmentMsMax = options.segmentMsMax ?? 600_000;
  }

  get vantage(): string {
    return this.#options.vantage;
  }

  get life(): string {
    return this.#options.life;
  }

  append(events: readonly LedgerEvent[]): Promise<void> {
    if (this.#closed) return Promise.reject(new Error('the ledger is closed'));
    return new Promise((done, failed) => {
      this.#waiting.push({ events, done, failed });
      if (this.#isWriting) return;
      this.#isWriting = true;
      this.#running = this.#writeAll();
    });
  }

  keepFrom(ms: number | undefined): void {
    this.#keepFromMs = ms;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    const segment = this.#segment;
    this.#segment = undefined;
    await segment?.appender.close();
  }

  /** What came while something was written is written with one call. Never rejects. */
  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const taken = this.#waiting;
      this.#waiting = [];
      try {
        await this.#write(taken.flatMap(({ events }) => events));
        for (const { done } of taken) done();
      } catch (error) {
        for (const { failed } of taken) failed(error);
      }
    }
    // In one step with the look above: whoever appends from now on begins anew.
    this.#isWriting = false;
  }

  async #write(events: readonly LedgerEvent[]): Promise<void> {
    const segment = await this.#segmentNow();
    let chain = this.#chain ?? '';
    let text = '';
    for (const event of events) {
      const line = eventLine(event, chain);
      chain = line.chain;
      text += line.text;
    }
    await segment.appender.append(text);
    this.#chain = chain;
    segment.bytes += Buffer.byteLength(text);
  }

  async #segmentNow(): Promise<OpenSegment> {
    const { clock, place, pair, vantage, life } = this.#options;
    const present = this.#segment;
    if (present !== undefined) {
      const ageMs = clock.monotonicMs() - present.begunMono;
      if (present.bytes < this.#segmentBytesMax && ageMs < this.#segmentMsMax) return present;
      this.#segment = undefined;
      await present.appender.close();
    }
    await this.#makeRoom();
    const index = this.#index + 1;
    const startedAtMs = clock.now().getTime();
    const appender = await place.begin({ vantage, life, index, startedAtMs });
    // Its name is taken, whatever becomes of its first line.
    this.#index = index;
    const header = headerLine({ pair, vantage, life, index, startedAtMs, previous: this.#chain });
    try {
      await appender.append(header.text);
    } catch (error) {
      await appender.close().catch(() => undefined);
      throw error;
    }
    this.#chain = header.chain;
    this.#segment = { appender, begunMono: clock.monotonicMs(), bytes: Buffer.byteLength(header.text) };
    return this.#segment;
  }

  /** Whole segments go, the oldest first, until another one fits; none that ended after what is held. */
  async #makeRoom(): Promise<void> {
    const { place, vantage } = this.#options;
    const segments = await place.segments(vantage);
    let bytes = segments.reduce((sum, each) => sum + each.bytes, 0);
    for (const segment of segments) {
      if (bytes + this.#segmentBytesMax <= this.#bytesMax) break;
      const endedMs = segments.find((each) => follows(each, segment))?.startedAtMs ?? this.#endOf(segment);
      if (this.#keepFromMs !== undefined && endedMs > this.#keepFromMs) break;
      await place.remove(segment);
      bytes -= segment.bytes;
    }
    const most = heldTimesMax * this.#bytesMax;
    if (bytes > most)
      throw new Error(`the ledger of ${vantage} holds ${bytes} bytes for a drill, more than ${most}: end the drill`);
  }

  /** Where nothing follows: a line that comes later than that opens another segment. */
  #endOf({ startedAtMs }: SegmentName): number {
    return startedAtMs + this.#segmentMsMax;
  }
}

function follows(later: SegmentName, { life, index }: SegmentName): boolean {
  return later.life === life && later.index === index + 1;
}
