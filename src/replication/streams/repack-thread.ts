import { Worker } from 'node:worker_threads';
import type { RepackJob, RepackOutcome } from './repack-outcome.ts';

/** Far above what the largest batch takes on a slow core: a thread that takes longer hangs. */
const jobMsMax = 60_000;
/** Its memory (some tens of MiB) is only held while there is work. */
const idleMsMax = 10_000;
/** Of the thread's own objects, in MiB. The batches lie outside of it. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };

/** The thread died or hangs. Nothing is known of the batch. */
export class RepackThreadError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RepackThreadError';
  }
}

/**
 * Takes batches apart beside the event loop, one at a time. The thread starts with the first one, ends when it has had
 * nothing to do for a while, and keeps no process alive.
 */
export class RepackThread {
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;

  /**
   * Copies the batch before it returns; one call at a time. Rejects with {@link RepackThreadError} when the thread died
   * or hangs; the next call starts a new one.
   */
  async repack({ batch, from }: RepackJob): Promise<RepackOutcome> {
    clearTimeout(this.#idle);
    const worker = (this.#worker ??= this.#start());
    const copy = new Uint8Array(batch);
    try {
      const outcome = await answerOf(worker, () => worker.postMessage({ batch: copy, from }, [copy.buffer]));
      if (outcome.kind !== 'repacked') return outcome;
      const { buffer, byteOffset, byteLength } = outcome.bytes; // Buffers arrive as plain byte arrays
      return { ...outcome, bytes: Buffer.from(buffer, byteOffset, byteLength) };
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      this.#idle = setTimeout(() => void this.close(), idleMsMax).unref();
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('./repack-worker.ts', import.meta.url), { resourceLimits });
    worker.unref();
    return worker;
  }
}

/** The next message of the worker after `ask`. */
function answerOf(worker: Worker, ask: () => void): Promise<RepackOutcome> {
  const { promise, resolve, reject } = Promise.withResolvers<RepackOutcome>();
  const onError = (cause: unknown): void =>
    reject(new RepackThreadError('the thread that takes batches apart failed', { cause }));
  const onExit = (): void => reject(new RepackThreadError('the thread that takes batches apart ended'));
  const timer = setTimeout(
    () => reject(new RepackThreadError(`a batch was not taken apart within ${jobMsMax} ms`)),
    jobMsMax,
  );
  worker.once('message', resolve).once('error', onError).once('exit', onExit);
  ask();
  return promise.finally(() => {
    clearTimeout(timer);
    worker.off('message', resolve).off('error', onError).off('exit', onExit);
  });
}
