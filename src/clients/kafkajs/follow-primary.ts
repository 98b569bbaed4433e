import type net from 'node:net';
import { Belief, type Judgement } from './belief.ts';
import type { Primary } from './primary.ts';
import { SiteSockets, type SocketRequest } from './site-sockets.ts';
import { pollWorker } from './worker-poll.ts';

/** What is followed: one topic, or all topics whose names begin with a prefix. Exactly one of them. */
export type Followed =
  { readonly topic: string; readonly prefix?: undefined } | { readonly prefix: string; readonly topic?: undefined };

export type FollowOptions = Followed & {
  /** `http://host:port` of workers, at least one of each site: the site that is lost must not be the only one asked. */
  readonly workers: readonly string[];
  /** Of the workers' API, where it has tokens; a viewer's is enough. */
  readonly token?: string;
  /** Time between an answer of a worker and the next question to it. Default 250 ms. */
  readonly pollMs?: number;
  /** A worker that takes longer is asked again. Default 1,000 ms. */
  readonly answerMs?: number;
  /** How long {@link PrimaryFollower.ready} waits for the first answer. Default 10,000 ms. */
  readonly readyMs?: number;
  /** Told when a worker does not answer, each time; default: nobody is. */
  readonly onTrouble?: (error: Error) => void;
};

/**
 * `new Kafka({ ...follower, clientId, ssl, sasl })`: `brokers`, `socketFactory` and `retry` are what kafkajs takes, and it
 * ignores the rest. No member needs `this`.
 */
export interface PrimaryFollower {
  /** The primary's bootstrap servers. Rejects as {@link ready} does. */
  readonly brokers: () => Promise<string[]>;
  readonly socketFactory: (request: SocketRequest) => net.Socket;
  /**
   * kafkajs doubles its pauses up to half a minute while a site is gone, no move ends a pause, and finding the primary
   * takes it two or three. With these it gives up a connection after as long as by default: about ten seconds.
   */
  readonly retry: { readonly initialRetryTime: number; readonly maxRetryTime: number; readonly retries: number };
  /** Resolves when somebody has said who is primary; rejects after `readyMs`, and tries again at the next call. */
  readonly ready: () => Promise<Primary>;
  /** The newest known; kept while no worker answers. Undefined before the first answer. */
  readonly current: () => Primary | undefined;
  /** Called after a move, when all connections to the site before have been ended. Returns how to be called no more. */
  readonly onMove: (listener: (primary: Primary) => void) => () => void;
  /** Asks no more and ends the connections. What was followed last stays known. */
  readonly stop: () => void;
}

const retry = { initialRetryTime: 100, maxRetryTime: 150, retries: 64 } as const;

/**
 * Makes kafkajs follow the primary of a topic from one site to the other, without a restart: asks workers of umbra at
 * both sites who it is, and routes connections there and nowhere else. Throws when an option is wrong. Begins at once.
 */
export function followPrimary(options: FollowOptions): PrimaryFollower {
  const { workers, token, pollMs = 250, answerMs = 1_000, readyMs = 10_000, onTrouble } = options;
  const questions = workers.map((worker) => questionOf(worker, options));
  if (questions.length === 0) throw new Error('umbra: followPrimary needs the URL of at least one worker of each site');
  for (const [name, value] of Object.entries({ pollMs, answerMs, readyMs }))
    if (!(value >= 1 && value <= 3_600_000)) throw new Error(`umbra: ${name} must be 1 to 3600000, not ${value}`);

  const belief = new Belief();
  const sockets = new SiteSockets();
  const stopping = new AbortController();
  const listeners = new Set<(primary: Primary) => void>();
  const waiting = new Set<(primary: Primary) => void>();
  const notAsked = new Set(questions);
  let trouble = 'no worker has answered yet';

  const act = (judgement: Judgement): void => {
    const { primary } = belief;
    if (primary === undefined || judgement === 'ignored' || judgement === 'kept') return;
    sockets.follow(primary);
    if (judgement === 'first') for (const resolve of waiting) resolve(primary);
    // What a listener throws is none of the next one's business, nor of the worker that was asked.
    if (judgement === 'moved') for (const listener of listeners) queueMicrotask(() => listener(primary));
  };
  const asked = (url: URL): void => {
    if (notAsked.delete(url) && notAsked.size === 0) act(belief.allAsked());
  };
  for (const url of questions) {
    const onAnswer = (primary: Primary | undefined): void => {
      if (primary === undefined) trouble = `the worker at ${url.origin} says that there is no one primary`;
      else act(belief.take(primary));
      asked(url);
    };
    const failed = (error: Error): void => {
      trouble = error.message;
      onTrouble?.(error);
      asked(url);
    };
    void pollWorker({ url, token, pollMs, answerMs, onAnswer, onTrouble: failed }, stopping.signal);
  }

  const ready = (): Promise<Primary> => {
    const { primary } = belief;
    if (primary !== undefined) return Promise.resolve(primary);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        waiting.delete(done);
        const where = questions.map(({ origin }) => origin).join(', ');
        reject(new Error(`umbra: who is primary was not known within ${readyMs} ms (asked ${where}): ${trouble}`));
      }, readyMs);
      const done = (first: Primary): void => {
        clearTimeout(late);
        waiting.delete(done);
        resolve(first);
      };
      waiting.add(done);
    });
  };

  return {
    ready,
    brokers: async () => [...(await ready()).places.bootstrapServers],
    socketFactory: (request) => sockets.open(request),
    retry,
    current: () => belief.primary,
    onMove: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: () => {
      stopping.abort();
      sockets.end();
    },
  };
}

function questionOf(worker: string, { topic, prefix }: Followed): URL {
  if ((topic === undefined) === (prefix === undefined))
    throw new Error('umbra: followPrimary follows either a topic or a prefix');
  if (!URL.canParse(worker) || !/^https?:/.test(worker))
    throw new Error(`umbra: the URL of a worker must look like http://host:port, not ${JSON.stringify(worker)}`);
  const url = new URL('/v1/bootstrap', worker);
  if (topic !== undefined) url.searchParams.set('topic', topic);
  if (prefix !== undefined) url.searchParams.set('prefix', prefix);
  return url;
}
