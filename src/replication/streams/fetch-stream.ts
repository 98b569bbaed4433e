import type { Question } from '../../exposure/exposure-clock.ts';
import type { Broker, Cluster } from '../../kafka/cluster.ts';
import { judge, KafkaError, MalformedError, refusalText } from '../../kafka/errors.ts';
import {
  decodeFetch,
  encodeFetch,
  fetchApi,
  type FetchedPartition,
  type FetchPartition,
  type FetchSession,
  newSession,
  noSession,
} from '../../kafka/fetch-api.ts';
import type { Frame, FramePool } from '../../kafka/frame-pool.ts';
import { AdaptiveSize } from './adaptive-size.ts';
import type { Copier } from '../copier/copier.ts';
import type { LinkMeters } from './link-meters.ts';
import { retryDelays } from '../waiting/retry-delays.ts';
import { hasAborted, Wakeup } from '../waiting/wakeup.ts';

export interface FetchLimits {
  /** Bytes asked for per answer, at most; one larger batch is still delivered (KIP-74). */
  readonly answerBytesMax: number;
  readonly partitionBytesMax: number;
  /** Longest time the broker holds an answer back when there is nothing new. */
  readonly maxWaitMs: number;
}

interface Member {
  readonly copier: Copier;
  readonly leaderEpoch: number;
}

interface Asked {
  readonly offset: bigint;
  /** Who asked: a copy that is made anew has a copier of its own, whose generations begin again. */
  readonly copier: Copier;
  readonly generation: number;
}

/** Hold-back while some partition is full: it must be able to come back soon after it has drained. */
const maxWaitWhileFullMs = 10;
const confirmEveryMs = 250;
const sessionErrors = new Set([70, 71, 106]);

/**
 * Fetches for all partitions that one source broker leads, over one connection and one incremental fetch session
 * (KIP-227): partitions without news cost nothing. One request is outstanding at a time. A partition whose queue is
 * full is left out of the session until it has drained.
 */
export class FetchStream {
  readonly #brokerId: number;
  readonly #source: Cluster;
  readonly #pool: FramePool;
  readonly #limits: FetchLimits;
  readonly #size: AdaptiveSize;
  /** This stream's part of the buffer, which changes with the number of streams. */
  readonly #bytesShare: () => number;
  readonly #meters: LinkMeters;
  readonly #members = new Map<string, Member>();
  /** Members whose wish or position changed since the last request. */
  readonly #touched = new Set<string>();
  readonly #wakeup = new Wakeup();
  /** What the broker's session holds. */
  readonly #inSession = new Map<string, Asked>();
  #session: FetchSession = newSession;
  /** Sessions refused since the last one that was not. */
  #sessionsRefused = 0;
  #connection: Broker['connection'] | undefined;
  #confirmedAtMs = 0;
  #lastAnswerBytes = 0;

  constructor(
    brokerId: number,
    source: Cluster,
    options: { pool: FramePool; limits: FetchLimits; bytesShare: () => number; meters: LinkMeters },
  ) {
    this.#bytesShare = options.bytesShare;
    this.#brokerId = brokerId;
    this.#source = source;
    this.#pool = options.pool;
    this.#limits = options.limits;
    this.#size = new AdaptiveSize(options.limits.answerBytesMax);
    this.#meters = options.meters;
  }

  assign(copier: Copier, leaderEpoch: number): void {
    const key = keyOf(copier);
    this.#members.set(key, { copier, leaderEpoch });
    this.touch(copier);
  }

  unassign(copier: Copier): void {
    const key = keyOf(copier);
    if (this.#members.get(key)?.copier !== copier) return;
    this.#members.delete(key);
    this.#touched.add(key);
  }

  touch(copier: Copier): void {
    const key = keyOf(copier);
    if (!this.#members.has(key)) return;
    this.#touched.add(key);
    this.#wakeup.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    const pause = new Wakeup();
    while (!signal.aborted) {
      // One refusal is the end of an old session; more of them will not be better for being asked at once.
      if (this.#sessionsRefused > 1) await pause.wait(signal, retryDelays.after(this.#sessionsRefused - 1));
      if (!this.#anyWants()) {
        await this.#wakeup.wait(signal);
        continue;
      }
      try {
        await this.#round(signal);
        failures = 0;
      } catch (error) {
        if (hasAborted(signal)) return;
        failures += 1;
        this.#meters.sourceFailed(error);
        this.#size.failed();
        this.#forgetSession();
        for (const { copier } of [...this.#members.values()]) {
          copier.interrupt(
            `fetch: ${error instanceof Error ? error.message : String(error)}`,
            retryDelays.after(failures),
          );
        }
      }
    }
  }

  #anyWants(): boolean {
    for (const { copier } of this.#members.values()) if (copier.wantsFetch) return true;
    return false;
  }

  async #round(signal: AbortSignal): Promise<void> {
    const answerBytesMax = Math.min(this.#size.bytes, this.#bytesShare());
    // A batch above the bound comes whole, and rarely alone: room is kept for another one.
    const release = await this.#pool.reserve(Math.max(answerBytesMax, this.#lastAnswerBytes), signal);
    let frame: (Frame & { readonly bodyStart: number }) | undefined;
    let atMs: number;
    try {
      const broker = await this.#source.broker(this.#brokerId, 'fetch');
      if (broker.connection !== this.#connection) {
        this.#forgetSession();
        this.#connection = broker.connection;
      }
      broker.negotiate(fetchApi);
      atMs = performance.now();
      frame = await broker.connection.request(this.#request(answerBytesMax));
    } finally {
      release();
    }
    this.#lastAnswerBytes = frame.bytes.length;
    try {
      this.#answered(frame, { atMs, heldMsMax: this.#limits.maxWaitMs });
    } finally {
      frame.release();
    }
  }

  #request(answerBytesMax: number): ReturnType<typeof encodeFetch> {
    const fresh = this.#session.epoch <= 0;
    if (fresh) this.#inSession.clear();
    const keys = fresh ? [...this.#members.keys()] : [...this.#touched];
    const partitions: FetchPartition[] = [];
    const forgotten: { topicId: string; partition: number }[] = [];
    this.#touched.clear();
    let full = false;
    for (const key of keys) {
      const member = this.#members.get(key);
      if (member?.copier.wantsFetch === true) {
        if (!fresh && this.#isVoid(key, member.copier)) {
          // A session answers for a partition when something changed since it last did. What it said to the copier
          // before the resume is void: only a partition that is new to the session is certain to be answered.
          this.#inSession.delete(key);
          forgotten.push(parseKey(key));
          this.#touched.add(key);
          full = true;
        } else if (fresh || !this.#alreadyAsked(key, member.copier)) {
          partitions.push(this.#ask(key, member));
        }
      } else if (this.#inSession.delete(key) && !fresh) {
        forgotten.push(parseKey(key));
      }
    }
    for (const { copier } of this.#members.values()) full ||= !copier.wantsFetch && copier.state.kind === 'copying';
    return encodeFetch(
      {
        session: this.#session,
        maxWaitMs: full ? Math.min(maxWaitWhileFullMs, this.#limits.maxWaitMs) : this.#limits.maxWaitMs,
        minBytes: 1,
        bytesMax: answerBytesMax,
        partitions,
        forgotten,
      },
      this.#pool,
    );
  }

  /** The broker's session has the partition from before its copier resumed, or from a copier before it. */
  #isVoid(key: string, copier: Copier): boolean {
    const asked = this.#inSession.get(key);
    return asked !== undefined && !isFrom(copier, asked);
  }

  /** The broker's session has this very wish: it need not be told again. */
  #alreadyAsked(key: string, copier: Copier): boolean {
    const asked = this.#inSession.get(key);
    return asked !== undefined && asked.offset === copier.fetchOffset && isFrom(copier, asked);
  }

  #ask(key: string, { copier, leaderEpoch }: Member): FetchPartition {
    this.#inSession.set(key, { offset: copier.fetchOffset, copier, generation: copier.generation });
    return {
      topicId: copier.of.sourceTopicId,
      partition: copier.of.partition,
      currentLeaderEpoch: leaderEpoch,
      fetchOffset: copier.fetchOffset,
      lastFetchedEpoch: copier.lastFetchedEpoch,
      bytesMax: this.#limits.partitionBytesMax,
    };
  }

  #answered(frame: Frame & { readonly bodyStart: number }, asked: Question): void {
    const answer = decodeFetch(frame.bytes, frame.bodyStart);
    if (sessionErrors.has(answer.errorCode)) {
      this.#sessionsRefused += 1;
      if (this.#sessionsRefused > 1)
        this.#meters.sourceFailed(new KafkaError(answer.errorCode, 'opening a fetch session'));
      this.#forgetSession();
      return;
    }
    if (answer.errorCode !== 0) throw new KafkaError(answer.errorCode, 'fetch');
    this.#sessionsRefused = 0;
    this.#advanceSession(answer.sessionId);
    this.#meters.sourceAnswered(frame.bytes.length);
    let batches = 0;
    for (const partition of answer.partitions) batches += this.#deliver(frame, partition, asked);
    this.#size.succeeded(frame.bytes.length, batches);
    const nowMs = performance.now();
    if (nowMs - this.#confirmedAtMs < confirmEveryMs) return;
    this.#confirmedAtMs = nowMs;
    // An answer of a session vouches for what it does not name: nothing has changed there.
    const named = new Set(answer.partitions.map(({ topicId, partition }) => `${topicId}/${partition}`));
    for (const [key, wish] of this.#inSession) {
      const copier = this.#members.get(key)?.copier;
      if (copier !== undefined && !named.has(key) && isFrom(copier, wish)) copier.lagClock.confirm(nowMs, asked);
    }
  }

  /** Returns how many batches and gaps are to be appended. */
  #deliver(frame: Frame, answer: FetchedPartition, asked: Question): number {
    const key = `${answer.topicId}/${answer.partition}`;
    const wish = this.#inSession.get(key);
    const copier = this.#members.get(key)?.copier;
    if (copier === undefined || wish === undefined || !isFrom(copier, wish)) return 0;
    if (answer.errorCode !== 0) {
      this.#refused(copier, answer.errorCode);
      return 0;
    }
    if (answer.diverging !== undefined) {
      const { epoch, endOffset } = answer.diverging;
      const message = `the source's history ends at offset ${endOffset} of leader epoch ${epoch}, the copy holds offsets up to ${copier.fetchOffset - 1n}`;
      copier.suspect({ code: 'SOURCE_TRUNCATED', offset: endOffset, message });
      return 0;
    }
    try {
      return copier.fetched(frame, answer, asked);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.#meters.malformed();
      copier.damaged(`the source's answer holds no valid batches: ${error.message}`);
      return 0;
    }
  }

  #refused(copier: Copier, code: number): void {
    const verdict = judge(code);
    const delayMs = verdict === 'denied' ? retryDelays.deniedMs : retryDelays.after(copier.resumesInRow);
    copier.interrupt(`fetch: ${refusalText(code, 'READ at the source')}`, delayMs);
  }

  #advanceSession(sessionId: number): void {
    if (sessionId === 0) {
      // A request that left nothing in its session has closed it: the next one opens another (KIP-227). Where a new one was
      // asked for there is no slot to be had, and every request is a full one.
      if (this.#session.epoch > 0) this.#forgetSession();
      else this.#session = noSession;
      return;
    }
    const next = this.#session.id === sessionId ? this.#session.epoch + 1 : 1;
    this.#session = { id: sessionId, epoch: next > 0x7fff_ffff ? 1 : next };
  }

  #forgetSession(): void {
    this.#session = newSession;
    this.#inSession.clear();
  }
}

function isFrom(copier: Copier, asked: Asked): boolean {
  return asked.copier === copier && asked.generation === copier.generation;
}

function keyOf(copier: Copier): string {
  return `${copier.of.sourceTopicId}/${copier.of.partition}`;
}

function parseKey(key: string): { topicId: string; partition: number } {
  const slash = key.indexOf('/');
  return { topicId: key.slice(0, slash), partition: Number(key.slice(slash + 1)) };
}
