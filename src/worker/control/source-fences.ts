import type { Cluster } from '../../kafka/cluster.ts';
import { stateTopic } from '../../prefix-policy/internal-names.ts';
import { type FenceBook, readFences } from '../../sync/acls/fence-book.ts';
import { fenceMemory } from '../state/fence-memory.ts';
import { SiteState } from '../state/state.ts';

/**
 * What the fences at a link's source have changed, by the `_umbra` of that site as it is when it is asked: a fence is
 * written there before it changes anything.
 */
export function sourceFences(source: Cluster): (signal: AbortSignal) => Promise<readonly FenceBook[]> {
  const state = new SiteState(source);
  const memory = fenceMemory(state);
  let exists = false;
  return async (signal) => {
    // No `_umbra` at the source: nothing runs there yet, so nothing is fenced.
    exists ||= (await source.metadata([stateTopic])).topics.has(stateTopic);
    if (!exists) return [];
    await state.catchUp(signal);
    return [...readFences(memory.pages()).values()];
  };
}
