import { Problem } from '../../worker/problems.ts';
import type { Clock, WorkerAddress } from '../ports.ts';
import type { Job } from '../server/handler.ts';

/** How long a worker that starts, restarts or elects is waited for before its refusal counts. */
export const workerReadyMs = 20_000;
const pauseMs = 500;

export interface WorkerCall {
  readonly job: Job;
  readonly clock: Clock;
  /** What is waited for, for the progress line. */
  readonly what: string;
  /** Default {@link workerReadyMs}. */
  readonly patienceMs?: number;
}

/** Calls again while the worker is only not ready or not reachable, for a bounded time. */
export async function callWorker<T>(call: () => Promise<T>, options: WorkerCall): Promise<T> {
  const { job, clock, what, patienceMs = workerReadyMs } = options;
  const endMs = clock.nowMs() + patienceMs;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isUnanswered(error) || clock.nowMs() >= endMs) throw error;
      job.report.progress(`${what}: ${error.message}; asking again`);
      await clock.sleep(pauseMs, job.signal);
    }
  }
}

/** The worker did not say yes or no: it is away or still loading its state. */
export function isUnanswered(error: unknown): error is Problem {
  return error instanceof Problem && (error.code === 'UNREACHABLE' || error.code === 'NOT_READY');
}

/** For an address: what a change waits for is told as it is. */
export function progressOf(report: Job['report'] | undefined): Pick<WorkerAddress, 'progress'> {
  return report === undefined ? {} : { progress: (line) => report.progress(line) };
}
