import type { Broker, Cluster } from '../../kafka/cluster.ts';
import { errorName, judge, NotSentError } from '../../kafka/errors.ts';
import { type Answer, logEnds, partitionKey } from '../../kafka/log-queries.ts';
import {
  decodeWriteTxnMarkers,
  encodeWriteTxnMarkers,
  type MarkerCount,
  writeTxnMarkersApi,
} from '../../kafka/write-txn-markers-api.ts';
import type { AppendGate } from '../lease/append-lease.ts';
import { runAppendLoop } from './append-loop.ts';
import type { Copier } from '../copier/copier.ts';
import type { LinkMeters } from './link-meters.ts';
import { retryDelays } from '../waiting/retry-delays.ts';
import { Wakeup } from '../waiting/wakeup.ts';

/** Above it one request holds up the broker's other producers (protocol.md part 2, section 8). */
const markersPerRequestMax = 500;
const clusterAuthorizationFailed = 31;

interface Ready {
  readonly copier: Copier;
  readonly leaderEpoch: number;
}

/**
 * Fills gaps for the partitions that one target broker leads: abort markers under the lease's producer id, invisible
 * to every consumer, many partitions per request, over a connection of its own (a partition with too few replicas
 * holds up the answer of all).
 *
 * The answer is not believed: after every request the log ends are read, and only they tell what was written. A
 * request is never sent again; what is missing is found by the resume.
 */
export class MarkerStream {
  readonly #brokerId: number;
  readonly #purpose: string;
  readonly #target: Cluster;
  readonly #lease: AppendGate;
  readonly #meters: LinkMeters;
  readonly #members = new Map<Copier, number>();
  readonly #ready = new Set<Copier>();
  readonly #wakeup = new Wakeup();
  /** The first request after a take-over carries one marker only. */
  #cautious = true;

  constructor(brokerId: number, target: Cluster, options: { purpose: string; lease: AppendGate; meters: LinkMeters }) {
    this.#brokerId = brokerId;
    this.#purpose = options.purpose;
    this.#target = target;
    this.#lease = options.lease;
    this.#meters = options.meters;
  }

  assign(copier: Copier, leaderEpoch: number): void {
    this.#members.set(copier, leaderEpoch);
    this.touch(copier);
  }

  unassign(copier: Copier): void {
    this.#members.delete(copier);
    this.#ready.delete(copier);
  }

  touch(copier: Copier): void {
    if (!copier.hasGap || !this.#members.has(copier)) return;
    this.#ready.add(copier);
    this.#wakeup.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    await runAppendLoop(
      {
        ...{ what: 'markers', ready: this.#ready, wakeup: this.#wakeup, lease: this.#lease, meters: this.#meters },
        connect: async () => {
          const broker = await this.#target.broker(this.#brokerId, this.#purpose);
          broker.negotiate(writeTxnMarkersApi);
          return broker;
        },
        round: (broker) => this.#round(broker, signal),
      },
      signal,
    );
  }

  async #round(broker: Broker, signal: AbortSignal): Promise<void> {
    const { identity } = this.#lease;
    if (identity === undefined) {
      this.#putOffAll();
      return;
    }
    const taken: Ready[] = [];
    const wanted = this.#take(taken);
    if (wanted.length === 0) return;
    let refused: ReadonlyMap<string, number>;
    let ends: ReadonlyMap<string, Answer<bigint>>;
    try {
      const answer = await broker.connection.request(encodeWriteTxnMarkers(identity, wanted), {
        maySend: () => this.#lease.maySend(),
      });
      refused = refusalsIn(answer.bytes, answer.bodyStart);
      ends = await logEnds(
        broker,
        taken.map(({ copier, leaderEpoch }) => ({ ...copier.of, leaderEpoch })),
      );
    } catch (error) {
      if (error instanceof NotSentError) {
        for (const { copier } of taken) copier.notSent();
        return;
      }
      this.#meters.targetFailed(error);
      await broker.connection.close();
      for (const { copier } of taken) {
        copier.appendUnknown();
        copier.interrupt(`markers: ${textOf(error)}`, retryDelays.lostAnswerMs);
      }
      return;
    }
    this.#cautious = false;
    if (taken.some(({ copier }) => goesTooFar(copier, ends)) && !(await this.#lease.confirm(signal))) {
      // Somebody else appends now, and what is there may be theirs: not ours to judge.
      for (const { copier } of taken) copier.appendUnknown();
      return;
    }
    for (const { copier } of taken) {
      const key = partitionKey(copier.of.topic, copier.of.partition);
      this.#settle(copier, ends.get(key), refused.get(key));
      this.touch(copier);
    }
  }

  /** Without a lease there is no identity to write markers under. It is tried for again and again: so are they. */
  #putOffAll(): void {
    const ready = [...this.#ready];
    this.#ready.clear();
    for (const copier of ready) {
      const what = `the gap at offset ${copier.copiedTo ?? 0n} cannot be filled without a lease`;
      copier.interrupt(what, retryDelays.deniedMs);
    }
  }

  #take(taken: Ready[]): MarkerCount[] {
    const wanted: MarkerCount[] = [];
    let room = this.#cautious ? 1 : markersPerRequestMax;
    for (const copier of this.#ready) {
      if (room === 0) break;
      this.#ready.delete(copier);
      const leaderEpoch = this.#members.get(copier);
      if (!copier.hasGap || leaderEpoch === undefined) continue;
      const { topic, partition } = copier.of;
      const count = copier.takeMarkers(room);
      room -= count;
      wanted.push({ topic, partition, count });
      taken.push({ copier, leaderEpoch });
    }
    return wanted;
  }

  #settle(copier: Copier, end: Answer<bigint> | undefined, refusal: number | undefined): void {
    if (refusal === clusterAuthorizationFailed) {
      copier.appendUnknown();
      const offset = copier.copiedTo ?? 0n;
      const message = `the gap at offset ${offset} cannot be filled: ${errorName(clusterAuthorizationFailed)}`;
      copier.fault({ code: 'MARKERS_DENIED', offset, message });
    } else if (end?.ok === true) {
      copier.filled(end.value, refusal === undefined ? undefined : errorName(refusal));
    } else {
      copier.appendUnknown();
      const why = end === undefined ? 'the answer leaves this partition out' : errorName(end.code);
      const slow = end !== undefined && judge(end.code) === 'denied';
      copier.interrupt(`markers: ${why}`, slow ? retryDelays.deniedMs : retryDelays.after(copier.resumesInRow));
    }
  }
}

/** All that the answer is good for: why a partition got none. A success says nothing. */
function refusalsIn(bytes: Buffer, start: number): ReadonlyMap<string, number> {
  const refused = decodeWriteTxnMarkers(bytes, start).filter(({ errorCode }) => errorCode !== 0);
  return new Map(refused.map(({ topic, partition, errorCode }) => [partitionKey(topic, partition), errorCode]));
}

/** The log ends beyond what was asked for. */
function goesTooFar(copier: Copier, ends: ReadonlyMap<string, Answer<bigint>>): boolean {
  const end = ends.get(partitionKey(copier.of.topic, copier.of.partition));
  const bound = copier.appendedToAtMost;
  return end?.ok === true && bound !== undefined && end.value > bound;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
