import { Problem } from '../worker/problems.ts';
import type { KnownWorker } from './discovery.ts';
import type { WorkerAnswer, WorkerRow } from './pair-status.ts';

/**
 * Asks every worker at once. A worker that gives no usable answer is an answer too; only an error that is no `Problem`
 * (a bug, the caller's abort) rejects.
 */
export function askWorkers(workers: readonly KnownWorker[], signal: AbortSignal): Promise<readonly WorkerAnswer[]> {
  return Promise.all(workers.map((worker) => askWorker(worker, signal)));
}

async function askWorker(worker: KnownWorker, signal: AbortSignal): Promise<WorkerAnswer> {
  const { client } = worker;
  try {
    const [view, topics, { ready, reason }] = await Promise.all([
      client.pair(signal),
      client.topics(signal),
      client.ready(signal),
    ]);
    const row: WorkerRow = ready
      ? { url: client.url, site: view.site, state: 'ready' }
      : { url: client.url, site: view.site, state: 'not-ready', reason };
    return { kind: 'said', row, view, topics };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { kind: 'silent', row: silentRow(worker, error), pair: worker.pair };
  }
}

export function silentRow(worker: KnownWorker, { code, message, remedy }: Problem): WorkerRow {
  const site = worker.site === undefined ? {} : { site: worker.site };
  return { url: worker.client.url, ...site, state: 'silent', problem: { code, message, remedy } };
}
