import type { Logger } from 'pino';
import { hasAborted, Wakeup } from '../../replication/waiting/wakeup.ts';
import { Problem } from '../problems.ts';
import {
  type ChangeInHand,
  type ChangeIntent,
  changeIntentSchema,
  type ChangeOutcome,
  eventSchema,
  type EventSink,
  type EventsQuery,
  type EventsView,
  type Notice,
  systemEvents,
  type UmbraEvent,
} from './event.ts';
import { EventRing } from './event-ring.ts';

/** Where events outlive the workers; key → value. */
export interface JournalMemory {
  /** As of when this worker took the lead. */
  entries(): ReadonlyMap<string, string>;
  /** All or none, in the order of the calls. Undefined removes. */
  write(entries: ReadonlyMap<string, object | undefined>, signal: AbortSignal): Promise<void>;
}

export interface EventJournalPorts {
  readonly memory: JournalMemory;
  readonly now: () => Date;
  readonly logger: Logger;
}

/** Of each type the newest so many are kept. */
export const eventsKeptMax = 1_000;
/** Notices that wait to be written; what is beyond is counted. */
const waitingMax = 500;
/** Of one transaction; there is at most one in {@link pauseMs}. */
const writtenAtOnceMax = 50;
const pauseMs = 250;
/** A transaction that takes longer is given up by whoever waits for it. */
const writeMs = 30_000;
/** The answer to a change waits so long for its record. */
const endWaitMs = 3_000;
const lastWriteMs = 2_000;

const keys = { change: 'event/change/', system: 'event/system/', intent: 'event/intent/' } as const;
export const journalPrefix = 'event/';

/**
 * What happened at a site: who changed what, and what umbra did by itself. Kept in the state topic by the worker that
 * leads, so it is fenced like everything it decides. A change is written down before it is begun, and nothing is changed
 * that cannot be written down; when it is over its event takes the place of the intent, in one transaction.
 */
export class EventJournal implements EventSink {
  readonly #ports: EventJournalPorts;
  readonly #rings = { change: new EventRing(eventsKeptMax), system: new EventRing(eventsKeptMax) };
  readonly #stopping = new AbortController();
  readonly #wakeup = new Wakeup();
  readonly #loop: Promise<void>;
  #lastId = 0;
  #lastIntent = 0;
  #waiting: (Notice & { readonly at: Date })[] = [];
  #leftOut = 0;

  /** The state topic is read to its end, and ours to write. */
  constructor(ports: EventJournalPorts) {
    this.#ports = ports;
    const abandoned = this.#restore();
    this.#loop = this.#writeLoop(abandoned, this.#stopping.signal);
  }

  view({ after, limit }: EventsQuery): Omit<EventsView, 'site'> {
    const rings = [this.#rings.change, this.#rings.system];
    const all = rings.flatMap((ring) => ring.events()).sort((left, right) => left.id - right.id);
    const newest = all.at(-1)?.id ?? 0;
    if (after === undefined) return { events: all.slice(-limit), newest, missed: false };
    const missed = rings.some(({ completeAfter }) => after < completeAfter);
    return { events: all.filter(({ id }) => id > after).slice(0, limit), newest, missed };
  }

  report(notice: Notice): void {
    if (this.#waiting.length >= waitingMax) {
      this.#leftOut += 1;
      this.#ports.logger.warn({ ...notice }, 'an event was left out: too many at once');
      return;
    }
    this.#waiting.push({ ...notice, at: this.#ports.now() });
    this.#wakeup.wake();
  }

  /** Rejects with `NOT_READY` when it could not be written down: then it must not be done. */
  async begin(intent: Omit<ChangeIntent, 'begunAt'>): Promise<ChangeInHand> {
    const begun: ChangeIntent = { ...intent, begunAt: this.#ports.now().toISOString() };
    this.#lastIntent += 1;
    const key = `${keys.intent}${this.#lastIntent}`;
    try {
      await this.#ports.memory.write(new Map([[key, begun]]), AbortSignal.timeout(writeMs));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Problem('NOT_READY', `nothing was changed, for it could not be written down: ${why}`, { cause: error });
    }
    return { end: (outcome) => this.#end(key, begun, outcome) };
  }

  /** What waits to be written is tried once more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #end(key: string, begun: ChangeIntent, outcome: ChangeOutcome): Promise<void> {
    const written = this.#write([{ type: 'change', ...begun, ...outcome }], { ended: key }).catch((error: unknown) => {
      const { subject, who } = begun;
      const what = 'a change is over, and could not be written down: its event will say that nobody knows';
      this.#ports.logger.error({ err: error, subject, who, ...outcome }, what);
    });
    await bounded(written, endWaitMs);
  }

  /** Reads what was kept; the answer is what was begun and never ended. */
  #restore(): ReadonlyMap<string, ChangeIntent> {
    const abandoned = new Map<string, ChangeIntent>();
    for (const [key, text] of this.#ports.memory.entries()) {
      if (key.startsWith(keys.intent)) {
        const intent = changeIntentSchema.safeParse(parsed(text));
        if (intent.success) abandoned.set(key, intent.data);
        this.#lastIntent = Math.max(this.#lastIntent, Number(key.slice(keys.intent.length)) || 0);
        continue;
      }
      const event = eventSchema.safeParse(parsed(text));
      if (!event.success) {
        this.#ports.logger.warn(
          { key },
          'an event was written by another version or by somebody else; it is not shown',
        );
        continue;
      }
      const { type, id } = event.data;
      this.#rings[type].restore(Number(key.slice(keys[type].length)), event.data);
      this.#lastId = Math.max(this.#lastId, id);
    }
    return abandoned;
  }

  /** Never rejects. */
  async #writeLoop(abandoned: ReadonlyMap<string, ChangeIntent>, signal: AbortSignal): Promise<void> {
    for (const [key, intent] of abandoned) {
      await this.#tried([{ type: 'change', ...intent, outcome: 'unknown' }], { ended: key });
    }
    const pause = new Wakeup();
    while (!hasAborted(signal)) {
      if (this.#waiting.length === 0) await this.#wakeup.wait(signal, writeMs);
      await this.#writeWaiting();
      await pause.wait(signal, pauseMs);
    }
    await bounded(this.#writeWaiting(), lastWriteMs);
  }

  async #writeWaiting(): Promise<void> {
    const notices = this.#waiting.splice(0, writtenAtOnceMax);
    if (this.#waiting.length === 0 && this.#leftOut > 0) {
      const message = `${this.#leftOut} more events happened meanwhile; the worker's log has them`;
      notices.push({ kind: 'events left out', message, at: this.#ports.now() });
      this.#leftOut = 0;
    }
    if (notices.length === 0) return;
    await this.#tried(notices.map(systemEvent));
  }

  /** Whoever cannot write does not lead any more, so it is not tried again: the log has what the topic lacks. */
  async #tried(events: readonly Unnumbered[], { ended }: { readonly ended?: string } = {}): Promise<void> {
    try {
      await this.#write(events, ended === undefined ? {} : { ended });
    } catch (error) {
      this.#ports.logger.error({ err: error, events }, 'events could not be written down');
    }
  }

  async #write(happened: readonly Unnumbered[], { ended }: { readonly ended?: string } = {}): Promise<void> {
    const placed = happened.map((each) => {
      this.#lastId += 1;
      const at = 'at' in each ? each.at : this.#ports.now().toISOString();
      const event: UmbraEvent = { ...each, id: this.#lastId, at };
      return { event, ring: this.#rings[event.type], slot: this.#rings[event.type].take() };
    });
    const entries = new Map<string, object | undefined>(
      placed.map(({ event, slot }) => [`${keys[event.type]}${slot}`, event]),
    );
    if (ended !== undefined) entries.set(ended, undefined);
    for (const { event } of placed) this.#ports.logger.debug({ event }, 'event');
    await this.#ports.memory.write(entries, AbortSignal.timeout(writeMs));
    for (const { event, ring, slot } of placed) ring.put(slot, event);
  }
}

type Unnumbered =
  | Omit<Extract<UmbraEvent, { readonly type: 'change' }>, 'id' | 'at'>
  | Omit<Extract<UmbraEvent, { readonly type: 'system' }>, 'id'>;

function systemEvent({ kind, level, link, message, at }: Notice & { readonly at: Date }): Unnumbered {
  return {
    ...{ type: 'system', kind, level: level ?? systemEvents[kind].level, message, at: at.toISOString() },
    ...(link === undefined ? {} : { link }),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Until it is done, or so long; it goes on in any case. */
async function bounded(work: Promise<void>, ms: number): Promise<void> {
  const patience = new Wakeup();
  void work.then(() => patience.wake());
  await patience.wait(new AbortController().signal, ms);
}
