import type { FastifyBaseLogger, FastifyReply } from 'fastify';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '../worker/problems.ts';
import type { WorkerService } from '../worker/service.ts';
import { problemBody, problemOf } from './problem-json.ts';

/** What a stream shows beside the events. */
export const streamViews = ['pair', 'links', 'topics'] as const;
export type StreamView = (typeof streamViews)[number];

/** What a caller wants to see live. */
export interface StreamOrder {
  readonly views: readonly StreamView[];
  /** Events behind this id come first; without it those that happen from now on. */
  readonly after: number | undefined;
}

export interface LiveStreamsOptions {
  readonly service: WorkerService;
  readonly logger: FastifyBaseLogger;
  readonly pace?: StreamPace;
}

/** Times and bounds of the streams of one worker. */
export interface StreamPace {
  /** Between two looks at what is new, at least; and so long that looking is a small part of the time. */
  readonly lookMs: number;
  /** A stream on which nothing else is sent shows so often that it lives. */
  readonly heartbeatMs: number;
  /** Who has not taken in what was sent for so long is cut off. */
  readonly slowMs: number;
  readonly streamsMax: number;
}

export const defaultStreamPace: StreamPace = { lookMs: 1_000, heartbeatMs: 15_000, slowMs: 30_000, streamsMax: 32 };

/** One look costs at most this part of the time between two. */
const restFactor = 10;
const viewMs = 10_000;
const eventsAtOnceMax = 500;
/** Where a browser should try again after. */
const retryMs = 2_000;

interface Client {
  readonly reply: FastifyReply;
  readonly views: readonly StreamView[];
  /** The newest event it was sent. */
  seen: number;
  /** What each view said when it was last sent. */
  readonly said: Map<StreamView, string>;
  sentAtMs: number;
  /** When it had taken in everything, the last time. */
  drainedAtMs: number;
}

/**
 * Server-sent events: what happens, and the views as they change. A view that was not taken in yet is not sent again, the
 * next one will be newer; so a slow reader costs one set of views and one batch of events, and is cut off in the end. All
 * streams end when this worker cannot answer for its site any more: whoever reads them begins anew, and is passed on to the one that can.
 */
export class LiveStreams {
  readonly #service: WorkerService;
  readonly #logger: FastifyBaseLogger;
  readonly #pace: StreamPace;
  readonly #clients = new Set<Client>();
  readonly #stopping = new AbortController();
  #passedOn = 0;
  #looking = false;

  constructor({ service, logger, pace = defaultStreamPace }: LiveStreamsOptions) {
    this.#service = service;
    this.#logger = logger;
    this.#pace = pace;
  }

  /** Takes the reply over. Throws `TOO_MANY_STREAMS`, and `NOT_READY` when this worker cannot answer for its site. */
  open(reply: FastifyReply, { views, after }: StreamOrder): void {
    this.assertRoom();
    const { newest } = this.#service.events({ limit: 1 });
    begin(reply);
    const nowMs = performance.now();
    const client: Client = {
      ...{ reply, views, seen: after ?? newest, said: new Map() },
      ...{ sentAtMs: nowMs, drainedAtMs: nowMs },
    };
    this.#clients.add(client);
    reply.raw.once('close', () => this.#clients.delete(client));
    if (!this.#looking) void this.#look();
  }

  /** Fires when no stream may go on. */
  get stopped(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Throws `TOO_MANY_STREAMS`, and `NOT_READY` when the worker stops. */
  assertRoom(): void {
    const { streamsMax } = this.#pace;
    if (this.#stopping.signal.aborted) throw new Problem('NOT_READY', 'the worker stops');
    if (this.#clients.size + this.#passedOn < streamsMax) return;
    throw new Problem('TOO_MANY_STREAMS', `${streamsMax} streams are open at this worker, and there may be no more`);
  }

  /** Takes the reply over for the stream of another worker, as it comes, until either side ends it. Throws like {@link open}. */
  passOn(reply: FastifyReply, body: AsyncIterable<Uint8Array>): void {
    this.assertRoom();
    begin(reply);
    void this.#pump(reply, body);
  }

  /** Never rejects. */
  async #pump({ raw }: FastifyReply, body: AsyncIterable<Uint8Array>): Promise<void> {
    this.#passedOn += 1;
    try {
      for await (const chunk of body) {
        if (raw.destroyed) break;
        // Who does not read here is not read for there: the other worker cuts it off.
        if (!raw.write(chunk)) await drained(raw);
      }
    } catch (error) {
      this.#logger.debug({ err: error }, 'a stream that is passed on has ended');
    } finally {
      this.#passedOn -= 1;
      raw.end();
    }
  }

  /** Ends all of them. */
  close(): void {
    this.#stopping.abort();
    for (const { reply } of this.#clients) reply.raw.end();
    this.#clients.clear();
  }

  /** While somebody listens. Never rejects. */
  async #look(): Promise<void> {
    this.#looking = true;
    try {
      while (this.#clients.size > 0 && !this.#stopping.signal.aborted) {
        const begunAtMs = performance.now();
        const texts = await this.#texts();
        for (const client of this.#clients) this.#send(client, texts);
        const restMs = Math.max(this.#pace.lookMs, (performance.now() - begunAtMs) * restFactor);
        await sleep(restMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      }
    } catch (error) {
      this.#endAll(error);
    } finally {
      this.#looking = false;
    }
  }

  async #texts(): Promise<ReadonlyMap<StreamView, string>> {
    const wanted = streamViews.filter((view) => this.#clients.values().some(({ views }) => views.includes(view)));
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(viewMs)]);
    const texts = await Promise.all(
      wanted.map(async (view) => [view, JSON.stringify(await this.#view(view, signal))] as const),
    );
    return new Map(texts);
  }

  async #view(view: StreamView, signal: AbortSignal): Promise<unknown> {
    switch (view) {
      case 'pair':
        return this.#service.pairView(signal);
      case 'links':
        return { links: await this.#service.linkViews(signal) };
      case 'topics':
        return { topics: await this.#service.topicViews(signal) };
    }
  }

  #send(client: Client, texts: ReadonlyMap<StreamView, string>): void {
    const { raw } = client.reply;
    const nowMs = performance.now();
    if (raw.writableLength > 0) {
      if (nowMs - client.drainedAtMs < this.#pace.slowMs) return;
      this.#logger.warn({ forMs: this.#pace.slowMs }, 'a stream that nobody reads was cut off');
      raw.destroy();
      return;
    }
    client.drainedAtMs = nowMs;
    const news = [...this.#newEvents(client), ...newViews(client, texts)];
    if (news.length === 0 && nowMs - client.sentAtMs < this.#pace.heartbeatMs) return;
    client.sentAtMs = nowMs;
    raw.write(news.length === 0 ? ':\n\n' : news.join(''));
  }

  #newEvents(client: Client): readonly string[] {
    const { events, missed } = this.#service.events({ after: client.seen, limit: eventsAtOnceMax });
    const gap = missed ? [message('missed', JSON.stringify({ after: client.seen }))] : [];
    client.seen = events.at(-1)?.id ?? client.seen;
    return [...gap, ...events.map((event) => message('event', JSON.stringify(event), event.id))];
  }

  #endAll(error: unknown): void {
    const problem = problemOf(error);
    if (problem.code === 'INTERNAL' && !this.#stopping.signal.aborted)
      this.#logger.error({ err: error }, 'the streams ended');
    for (const { reply } of this.#clients) reply.raw.end(message('closed', JSON.stringify(problemBody(problem))));
    this.#clients.clear();
  }
}

/** From here on the answer is ours: fastify sends nothing more. */
function begin(reply: FastifyReply): void {
  reply.hijack();
  reply.raw.writeHead(200, {
    ...{ 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' },
    // A proxy that collects answers would hold the stream back.
    'x-accel-buffering': 'no',
  });
  reply.raw.write(`retry: ${retryMs}\n\n`);
}

function newViews(client: Client, texts: ReadonlyMap<StreamView, string>): readonly string[] {
  return client.views.flatMap((view) => {
    const text = texts.get(view);
    if (text === undefined || text === client.said.get(view)) return [];
    client.said.set(view, text);
    return [message(view, text)];
  });
}

/** JSON has no line ends of its own. */
function message(type: string, data: string, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${type}\ndata: ${data}\n\n`;
}

function drained(raw: FastifyReply['raw']): Promise<void> {
  return new Promise((resolve) => {
    if (raw.destroyed) resolve();
    const done = (): void => {
      raw.off('drain', done).off('close', done);
      resolve();
    };
    raw.on('drain', done).on('close', done);
  });
}
