import type { Broker, Cluster } from '../../kafka/cluster.ts';
import { judge, NotSentError, refusalText } from '../../kafka/errors.ts';
import type { Frame } from '../../kafka/frame-pool.ts';
import {
  decodeProduce,
  encodeProduce,
  produceApis,
  type ProducedPartition,
  type ProducePartition,
} from '../../kafka/produce-api.ts';
import { runAppendLoop } from './append-loop.ts';
import { AdaptiveSize } from './adaptive-size.ts';
import type { AppendGate } from '../lease/append-lease.ts';
import type { Copier } from '../copier/copier.ts';
import type { LinkMeters } from './link-meters.ts';
import { retryDelays } from '../waiting/retry-delays.ts';
import { Wakeup } from '../waiting/wakeup.ts';

export interface ProduceLimits {
  /** Bytes per request; the first batch always goes, whatever its size. */
  readonly requestBytesMax: number;
  readonly partitionsMax: number;
  /** How long the broker may wait for its followers. */
  readonly timeoutMs: number;
}

interface Taken {
  readonly copier: Copier;
  readonly frame: Frame | undefined;
  readonly bytes: number;
}

const outOfOrderSequence = 45;
const duplicateSequence = 46;

/**
 * Appends for the partitions that are pinned to one connection to one target broker: one batch per partition, many
 * partitions per request, one request in flight (protocol.md R4: more in flight gains nothing and is unsafe where the
 * broker has no producer state). More speed comes from more of these streams.
 *
 * Every partition's result is its own; every way a request can end is told to its copier before the frame is freed.
 */
export class ProduceStream {
  readonly #brokerId: number;
  readonly #purpose: string;
  readonly #target: Cluster;
  readonly #limits: ProduceLimits;
  readonly #lease: AppendGate;
  readonly #size: AdaptiveSize;
  readonly #meters: LinkMeters;
  /** Copiers with something to append, in the order in which they became ready: nobody starves. */
  readonly #ready = new Set<Copier>();
  readonly #wakeup = new Wakeup();

  constructor(
    brokerId: number,
    target: Cluster,
    options: { lane: number; limits: ProduceLimits; lease: AppendGate; meters: LinkMeters },
  ) {
    this.#brokerId = brokerId;
    this.#purpose = `produce-${options.lane}`;
    this.#target = target;
    this.#limits = options.limits;
    this.#lease = options.lease;
    this.#size = new AdaptiveSize(options.limits.requestBytesMax);
    this.#meters = options.meters;
  }

  touch(copier: Copier): void {
    if (!copier.hasBatch || this.#ready.has(copier)) return;
    this.#ready.add(copier);
    this.#wakeup.wake();
  }

  remove(copier: Copier): void {
    this.#ready.delete(copier);
  }

  async run(signal: AbortSignal): Promise<void> {
    await runAppendLoop(
      {
        ...{ what: 'produce', ready: this.#ready, wakeup: this.#wakeup, lease: this.#lease, meters: this.#meters },
        connect: async () => {
          const broker = await this.#target.broker(this.#brokerId, this.#purpose);
          return { broker, version: broker.negotiate(...produceApis).version };
        },
        round: ({ broker, version }) => this.#round(broker, version),
      },
      signal,
    );
  }

  async #round(broker: Broker, version: number): Promise<void> {
    const taken = new Map<string, Taken>();
    const batches = this.#take(taken);
    if (batches.length === 0) return;
    let answers: readonly ProducedPartition[];
    try {
      const answer = await broker.connection.request(
        encodeProduce(batches, { version, timeoutMs: this.#limits.timeoutMs }),
        { maySend: () => this.#lease.maySend() },
      );
      answers = decodeProduce(answer.bytes, answer.bodyStart);
      this.#size.succeeded();
      this.#meters.produced(taken.size, sum(taken));
    } catch (error) {
      if (error instanceof NotSentError) {
        for (const { copier, frame } of taken.values()) if (!copier.notSent()) frame?.release();
        return;
      }
      this.#meters.targetFailed(error);
      this.#size.failed();
      // An answer we cannot read is an answer lost: this connection's place in the stream of answers is in doubt.
      await broker.connection.close();
      for (const { copier, frame } of taken.values()) {
        frame?.release();
        copier.appendUnknown();
        copier.interrupt(`produce: ${textOf(error)}`, retryDelays.lostAnswerMs);
      }
      return;
    }
    for (const answer of answers) {
      const key = `${answer.topic}/${answer.partition}`;
      const entry = taken.get(key);
      if (entry === undefined) continue;
      taken.delete(key);
      entry.frame?.release();
      this.#settle(entry.copier, answer);
    }
    for (const { copier, frame } of taken.values()) {
      frame?.release();
      copier.appendUnknown();
      copier.interrupt('produce: the answer leaves this partition out', retryDelays.lostAnswerMs);
    }
  }

  #take(taken: Map<string, Taken>): ProducePartition[] {
    const batches: ProducePartition[] = [];
    let bytes = 0;
    for (const copier of this.#ready) {
      if (!copier.hasBatch) {
        this.#ready.delete(copier);
        continue;
      }
      const size = copier.nextBatchBytes;
      if (batches.length > 0 && (bytes + size > this.#size.bytes || batches.length >= this.#limits.partitionsMax)) {
        break;
      }
      this.#ready.delete(copier);
      const { batch, frame } = copier.takeBatch();
      const { topic, partition } = copier.of;
      taken.set(`${topic}/${partition}`, { copier, frame, bytes: size });
      batches.push({ topic, partition, batch });
      bytes += size;
    }
    return batches;
  }

  #settle(copier: Copier, answer: ProducedPartition): void {
    if (answer.errorCode === 0) {
      copier.appended(answer.baseOffset);
      this.touch(copier);
      return;
    }
    copier.appendUnknown();
    const what = `produce: ${refusalText(answer.errorCode, 'WRITE at the target')}${answer.message === undefined ? '' : `: ${answer.message}`}`;
    if (answer.errorCode === outOfOrderSequence || answer.errorCode === duplicateSequence) {
      // The log moved without us, or our idea of the sequence is old: the resume compares the tail before going on.
      copier.damaged(what, 'REFUSED');
      return;
    }
    const offset = copier.copiedTo ?? 0n;
    const verdict = judge(answer.errorCode);
    switch (verdict) {
      case 'corrupt':
        this.#meters.corrupt();
        copier.damaged(what);
        return;
      case 'fenced':
        copier.fault({ code: 'PRODUCER_FENCED', offset, message: what });
        return;
      case 'final':
        copier.fault({
          code: 'REFUSED',
          offset,
          message: `the batch for offset ${offset} is refused by the target: ${what}`,
        });
        return;
      case 'denied':
        copier.interrupt(what, retryDelays.deniedMs);
        return;
      case 'moved':
      case 'later':
        copier.interrupt(what, retryDelays.after(copier.resumesInRow));
        return;
    }
  }
}

function sum(taken: ReadonlyMap<string, Taken>): number {
  let bytes = 0;
  for (const entry of taken.values()) bytes += entry.bytes;
  return bytes;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
