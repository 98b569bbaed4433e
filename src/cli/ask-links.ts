import type { ApiClient } from '../api/client.ts';
import { Problem } from '../worker/problems.ts';
import { silentRow } from './ask-workers.ts';
import type { KnownWorker } from './discovery.ts';
import type { WorkerRow } from './pair-status.ts';

/** What the workers say of their links, each link once, and who gave no usable answer. */
export interface LinksSaid<T> {
  readonly links: readonly T[];
  readonly silent: readonly WorkerRow[];
}

/** Asks every worker at once. All workers of a site say the same: what the one that leads it says. */
export async function askLinks<T extends { readonly link: string }>(
  workers: readonly KnownWorker[],
  ask: (client: ApiClient) => Promise<readonly T[]>,
): Promise<LinksSaid<T>> {
  const links = new Map<string, T>();
  const silent: WorkerRow[] = [];
  await Promise.all(
    workers.map(async (worker) => {
      try {
        for (const view of await ask(worker.client)) links.set(view.link, view);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        silent.push(silentRow(worker, error));
      }
    }),
  );
  const inOrder = [...links.values()].sort((left, right) => (left.link < right.link ? -1 : 1));
  return { links: inOrder, silent };
}
