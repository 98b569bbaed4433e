import type { Cluster } from '../../kafka/cluster.ts';
import { fenceHolders } from '../../replication/lease/holders.ts';
import type { WorkerRecord } from '../state/worker-record.ts';

export interface RollCallPorts {
  readonly target: Cluster;
  readonly linkId: string;
  readonly state: {
    workers(): readonly WorkerRecord[];
    putWorkers(
      change: { readonly added: readonly WorkerRecord[]; readonly gone: readonly string[] },
      signal: AbortSignal,
    ): Promise<void>;
  };
  readonly now: () => Date;
}

/**
 * Makes sure that nobody but the members can append: who was given partitions at any time and is no member now has its
 * lease ended, for it may only be asleep. New members are written down before they are given anything. When this has
 * resolved, what no member holds may be handed out.
 */
export async function callRoll(
  { target, linkId, state, now }: RollCallPorts,
  members: ReadonlyMap<string, { readonly url: string }>,
  signal: AbortSignal,
): Promise<void> {
  const known = new Set(state.workers().map(({ incarnation }) => incarnation));
  const gone = [...known].filter((incarnation) => !members.has(incarnation));
  const since = now().toISOString();
  const added = [...members]
    .filter(([incarnation]) => !known.has(incarnation))
    .map(([incarnation, { url }]) => ({ incarnation, url, since }));
  await fenceHolders(target, { linkId, holders: gone }, signal);
  if (gone.length > 0 || added.length > 0) await state.putWorkers({ added, gone }, signal);
}
