import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FramePool } from '../../kafka/frame-pool.ts';
import type { Copier } from '../copier/copier.ts';
import type { LinkMeters } from './link-meters.ts';
import { type RepackJob, type RepackOutcome, repackOutcome } from './repack-outcome.ts';
import { RepackThread, RepackThreadError } from './repack-thread.ts';
import { hasAborted, Wakeup } from '../waiting/wakeup.ts';

/**
 * What is taken apart on the event loop: going to a thread and back would cost more. One such batch per turn of the
 * loop, so that nothing else waits longer than for one of them.
 */
export const onLoop = { batchBytesMax: 32 * 1024, uncompressedBytesMax: 128 * 1024, batchesMax: 100 } as const;

/**
 * Takes batches apart for all copiers that have some: the small ones here, the others in a thread, one of each at a
 * time and one of each copier. The copiers keep the order; the results count as held by the pool.
 */
export class RepackStream {
  readonly #pool: FramePool;
  readonly #meters: LinkMeters;
  readonly #thread = new RepackThread();
  /** In the order in which they became ready: nobody starves. */
  readonly #ready = new Set<Copier>();
  /** Those whose next batch goes, or has gone, to the thread. */
  readonly #large = new Set<Copier>();
  readonly #readyWakeup = new Wakeup();
  readonly #largeWakeup = new Wakeup();

  constructor(options: { readonly pool: FramePool; readonly meters: LinkMeters }) {
    this.#pool = options.pool;
    this.#meters = options.meters;
  }

  touch(copier: Copier): void {
    if (copier.toRepack === undefined || this.#large.has(copier)) return;
    this.#ready.add(copier);
    this.#readyWakeup.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await Promise.all([this.#runHere(signal), this.#runInThread(signal)]);
    } finally {
      await this.#thread.close();
    }
  }

  async #runHere(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const [copier] = this.#ready;
      if (copier === undefined) {
        await this.#readyWakeup.wait(signal);
        continue;
      }
      this.#ready.delete(copier);
      const asked = copier.generation;
      const job = jobOf(copier);
      if (job === undefined) continue;
      const outcome =
        job.batch.length > onLoop.batchBytesMax
          ? undefined
          : repackOutcome({ ...job, batch: Buffer.from(job.batch) }, onLoop);
      if (outcome === undefined || outcome.kind === 'too-large') {
        this.#large.add(copier);
        this.#largeWakeup.wake();
        continue;
      }
      this.#settle(copier, outcome, asked);
      await nextTurn();
    }
  }

  async #runInThread(signal: AbortSignal): Promise<void> {
    // What the thread is busy with may take seconds: stopping does not wait for it.
    signal.addEventListener('abort', () => void this.#thread.close(), { once: true });
    while (!signal.aborted) {
      const [copier] = this.#large;
      const job = copier === undefined ? undefined : jobOf(copier);
      if (copier === undefined) {
        await this.#largeWakeup.wait(signal);
      } else if (job === undefined) {
        this.#large.delete(copier);
      } else {
        await this.#inThread(copier, job, signal);
      }
    }
  }

  async #inThread(copier: Copier, job: RepackJob, signal: AbortSignal): Promise<void> {
    const asked = copier.generation;
    let outcome: RepackOutcome;
    try {
      outcome = await this.#thread.repack(job);
    } catch (error) {
      if (!(error instanceof RepackThreadError)) throw error;
      outcome = { kind: 'malformed', message: error.message };
    }
    this.#large.delete(copier);
    if (hasAborted(signal)) return;
    this.#settle(copier, outcome, asked);
    this.touch(copier);
  }

  #settle(copier: Copier, outcome: RepackOutcome, asked: number): void {
    const unpacked = copier.toRepack;
    if (unpacked === undefined || copier.generation !== asked) return;
    switch (outcome.kind) {
      case 'repacked': {
        const frame = this.#pool.adopt(outcome.bytes);
        try {
          copier.repacked(frame, outcome, asked);
        } finally {
          frame.release();
        }
        return;
      }
      case 'malformed':
        this.#meters.malformed();
        copier.damaged(`the batch at offset ${unpacked.header.baseOffset} cannot be taken apart: ${outcome.message}`);
        return;
      case 'impossible': {
        const { baseOffset } = unpacked.header;
        const message = `the batch at offset ${baseOffset} cannot be taken apart: ${outcome.message}`;
        copier.cannotRepack({ code: 'NOT_REPACKABLE', offset: baseOffset, message }, asked);
        return;
      }
      case 'too-large': {
        const { baseOffset } = unpacked.header;
        const message = `the batch at offset ${baseOffset} has to be taken apart, but ${outcome.message}`;
        copier.cannotRepack({ code: 'BATCH_TOO_LARGE', offset: baseOffset, message }, asked);
        return;
      }
    }
  }
}

function jobOf({ toRepack }: Copier): RepackJob | undefined {
  if (toRepack === undefined) return undefined;
  const { frame, header, from } = toRepack;
  return { batch: frame.bytes.subarray(header.start, header.end), from };
}
